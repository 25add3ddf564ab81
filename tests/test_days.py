"""What was answered each day: each text once, over workers and restarts, behind the answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from service.by_day import by_day
from service.counted import LONGEST, MOST_READ, Answer, figures
from service.inference.article import Annotation, Article, ModelReference, RubricAnswer
from service.store import days
from service.store.database import database_of
from service.store.days import Of
from service.store.schema import opened
from service.trust import is_drawn, upper
from tests.fake_service import FakeModel
from tests.sample_model import annotator, labelled_articles, trained
from tests.serving import Served, serving
from tests.test_audits import client as sure_client
from tests.test_audits import judge, published, ready, until

__all__ = ["sure_client"]

MODEL = FakeModel("v1")
TODAY = datetime.now(UTC).date().isoformat()
NOON = 1_700_000_000_000 - 1_700_000_000_000 % 86_400_000 + 43_200_000
DAY = datetime.fromtimestamp(NOON / 1000, UTC).date().isoformat()


def answer(id_: str, text: str = "мост открыли Вчера", **changes: Any) -> Answer:
    rubric = RubricAnswer("s", "Спорт", 0.9, "review", 0.5)
    annotation = Annotation(None, "ok", (), ModelReference("v1", "w"), rubric=rubric, prediction_id=id_)
    return Answer(replace(annotation, **changes), Article(text=text), NOON, MODEL)


def told(*answers: Answer, known: frozenset[str] = frozenset()) -> dict[tuple[str, str], int]:
    counts = figures(answers, known)
    assert {(of.day, of.version) for of in counts} <= {(DAY, "v1")}
    return {(of.what, of.label): count for of, count in counts.items()}


def test_a_text_counts_once_however_often_it_is_answered() -> None:
    assert told(answer("a"), answer("a"), answer("b"), known=frozenset("b")) == {
        ("articles", ""): 1, ("rubric", "Спорт"): 1, ("words", ""): 3, ("unknown", ""): 1,
    }  # fmt: skip


def test_abstentions_count_with_their_reasons_and_what_may_go_out_unseen() -> None:
    sure = RubricAnswer("s", "Спорт", 0.99, "auto", 0.5)
    counts = told(
        answer("a", status="abstained", reasons=("not_russian", "truncated"), rubric=None),
        answer("b", rubric=sure, reasons=("truncated",)),
        answer("c", rubric=replace(sure, origin="history")),
    )
    assert counts["articles", ""] == 3
    assert (counts["abstained", ""], counts["abstained", "truncated"], counts["abstained", "not_russian"]) == (1, 1, 1)
    assert (counts["auto", ""], counts["rubric", "Спорт"]) == (1, 1)  # what an editor chose says nothing of the model


def test_answers_that_were_not_asked_for_a_rubric_do_not_count() -> None:
    assert told(answer("a", rubric=UNSET)) == {}


def test_words_are_those_of_a_page_without_its_marks_and_of_some_articles_alone() -> None:
    page = answer("a")._replace(article=Article(body_html="<p>мост <b>открыли</b></p><script>var x</script>"))
    assert told(page)["words", ""] == 2
    many = told(*(answer(str(i), "мост Вчера") for i in range(2 * MOST_READ)))
    assert (many["articles", ""], many["words", ""]) == (2 * MOST_READ, 2 * MOST_READ)


def test_of_a_monster_the_beginning_is_enough() -> None:
    long, page = "мост " * LONGEST, "<p>мост</p>" * LONGEST
    sent = [Article(text=long), Article(body_html=page), Article(title="мост", body_html=page)]
    counts = told(*(answer(str(i))._replace(article=one) for i, one in enumerate(sent)))
    assert (counts["articles", ""], counts["words", ""]) == (3, LONGEST // 5)


def test_a_word_is_known_where_the_model_has_learnt_something_of_it() -> None:
    assert annotator().known_words("Мост открыли, глокая куздра") == (4, 2)


@pytest.fixture
def served(tmp_path: Path, store: str) -> Iterator[Served]:
    with serving(tmp_path, (), store=store) as served:
        yield served


def of_today(client: httpx.Client) -> dict[str, Any]:
    found: list[dict[str, Any]] = client.get("/numbers/days").json()["days"]
    return found[-1] if found else {"articles": 0}


def test_days_are_told_over_http_without_drafts_and_without_what_is_sent_again(served: Served) -> None:
    ready(served.client)  # else answers say `degraded`, as they should
    article = {"title": "Мост", "text": "открыли вчера"}
    for text in (article, article, {**article, "stage": "draft", "text": "черновик"}, {"text": "Hello, world"}):
        served.client.post("/annotate", json=text)
    served.client.post("/tags", json={"text": "только теги"})
    until(lambda: of_today(served.client)["articles"] == 2)
    served.client.post("/annotate", json=article)
    served.client.post("/classify", json={"text": "ещё один"})
    until(lambda: of_today(served.client)["articles"] == 3)
    day = of_today(served.client)
    assert (day["day"], day["versions"]) == (TODAY, ["baseline"])
    assert (day["abstained"], day["reasons"]) == (1, {"not_russian": 1})
    assert (day["words"], day["unknown"]) == (7, 2)
    assert day["rubrics"] == {"Рубрика baseline": 2}
    assert day["precision"] is None


def test_how_many_days_are_told_is_asked(served: Served, tmp_path: Path, store: str) -> None:
    long_ago = (datetime.now(UTC).date() - timedelta(days=70)).isoformat()
    connection = opened(database_of(store, tmp_path))
    with connection.writing():
        days.add(connection, {Of(long_ago, "v1", "articles", ""): 5, Of(TODAY, "v1", "articles", ""): 1})
        days.add(connection, {Of(TODAY, "v1", "articles", ""): 2})
    assert [(one["day"], one["articles"]) for one in served.client.get("/numbers/days").json()["days"]] == [(TODAY, 3)]
    both = served.client.get("/numbers/days?days=100").json()["days"]
    assert [one["articles"] for one in both] == [5, 3]
    assert served.client.get("/numbers/days?days=0").status_code == 400
    assert served.client.get("/numbers/days?days=many").status_code == 400
    with connection.writing():
        days.prune(connection, TODAY)
    assert [one.day for one in by_day(connection, long_ago)] == [TODAY]
    connection.close()


def test_audits_are_told_by_the_day_with_the_interval_of_all_so_far(sure_client: httpx.Client) -> None:
    predictions = published(sure_client, [f"a{i}" for i in range(200) if is_drawn(f"a{i}", 0.5)][:4])
    for number, prediction in enumerate(predictions):
        judge(sure_client, prediction, "a" if number == 0 else "r")
    day = of_today(sure_client)
    assert day["auto"] == 4
    assert day["precision"] == {
        "version": "baseline", "right": 3, "count": 4,
        "low": round(1 - upper(1, 3), 4), "high": round(upper(3, 1), 4),
    }  # fmt: skip


def test_a_model_says_what_it_learnt_from_to_compare_answers_with() -> None:
    mix = trained().manifest["labels"]["mix"]
    assert list(mix) == list(annotator().rubric.labels)
    assert sum(mix.values()) <= len(labelled_articles())
    assert all(mix.values())
