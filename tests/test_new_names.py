"""Names without a tag: noted behind answers, counted over a week, told apart by declension."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service import new_names
from service.inference.article import Article
from service.new_names import found_in
from service.noted import names_of, oldest
from service.store.answers import Noted
from service.vocabulary import Vocabulary
from tests.sample_model import annotator
from tests.serving import Served, serving

SINCE = oldest(datetime(2024, 5, 20, 12, tzinfo=UTC))
FORMS = ("Зюзюкин", "Зюзюкина", "Зюзюкину", "Зюзюкиным", "Зюзюкине")


def noted(*texts: str) -> list[Noted]:
    names = [names_of(Article(id=str(i), text=text), SINCE) for i, text in enumerate(texts)]
    return [Noted(str(i), f"{i:016x}", i, its) for i, its in enumerate(names) if its]


def labels(*texts: str) -> list[tuple[str, int]]:
    found = found_in(noted(*texts), annotator(), Vocabulary())
    return [(one.label, one.count) for one in found.candidates]


def test_a_capital_letter_counts_where_no_sentence_begins() -> None:
    article = Article(id="a", title="Вчера Зюзюкин", text="Пришёл Петькин. Васькин, Мышкин и «Рога и копыта» молчали.")
    assert names_of(article, SINCE).split("\n") == ["Зюзюкин", "Петькин", "Мышкин", "«Рога"]


def test_names_of_a_page_are_those_of_its_text() -> None:
    article = Article(id="a", body_html="<p>Пришёл <b>Захар Петькин</b>.<script>var Мышкин</script></p>")
    assert names_of(article, SINCE) == "Захар Петькин"


@pytest.mark.parametrize(
    "sent",
    [
        Article(text="Пришёл Петькин."),
        Article(id="a", stage="draft", text="Пришёл Петькин."),
        Article(id="a", published_at="2023-05-20", text="Пришёл Петькин."),
    ],
    ids=["without an id", "a draft", "an old one"],
)
def test_nothing_is_noted_of_what_is_no_article_of_these_days(sent: Article) -> None:
    assert names_of(sent, SINCE) == ""


@pytest.mark.parametrize("at", [None, "2024-05-20T10:00:00+03:00", "2024-05-14", "вчера", ""])
def test_a_date_of_these_days_or_none_is_noted(at: str | None) -> None:
    assert names_of(Article(id="a", published_at=at, text="Пришёл Петькин."), SINCE) == "Петькин"


def test_all_forms_of_a_name_are_one() -> None:
    assert labels(*(f"Вчера {form} выступил." for form in FORMS)) == [("Зюзюкин", 5)]


def test_four_articles_are_too_few() -> None:
    assert labels(*(f"Вчера {form} выступил." for form in FORMS[:4])) == []


def test_a_name_that_stands_in_an_article_thrice_is_there_once() -> None:
    assert labels(*["Вчера Зюзюкин видел, как Зюзюкину звонил Зюзюкин."] * 4) == []


def test_a_common_word_is_a_name_in_quotation_marks_alone() -> None:
    assert labels(*["Вчера Министерство и компания «Ракета» спорили."] * 5) == [("Ракета", 5)]


def test_a_place_before_a_name_is_no_part_of_it() -> None:
    assert labels(*["Вчера глава Вологды Захар Зюзюкин выступил."] * 5) == [("Захар Зюзюкин", 5)]


def test_places_and_tags_of_the_model_are_known() -> None:
    tags = [label for label in annotator().labels.all("tags").values() if label[0].isupper() and " " not in label]
    assert tags
    assert labels(*[f"Вчера в Вологде сказали, что {tags[0]} молчит."] * 5) == []


def test_an_article_that_was_saved_again_counts_as_it_is_now() -> None:
    now, before = noted("Вчера выступил Петькин.", "Вчера выступил Зюзюкин.")
    others = noted(*["Вчера Зюзюкин и Петькин выступили."] * 6)[2:]
    rows = [now._replace(article_id="x"), before._replace(article_id="x"), *others]
    assert [one.label for one in found_in(rows, annotator(), Vocabulary()).candidates] == ["Петькин"]


@pytest.fixture
def served(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(new_names, "FRESH", 0.0)
    with serving(tmp_path, (), store=store) as served:
        yield served


def annotate(served: Served, id_: str, text: str = "Вчера в Вологде Захар Зюзюкин открыл мост.", **more: Any) -> None:
    assert served.client.post("/annotate", json={"id": id_, "text": f"{text} {id_}", **more}).status_code == 200


def candidates(served: Served) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.client.get("/vocabulary/candidates").json()["candidates"]
    return found


def when_written(served: Served, many: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 10
    while len(found := candidates(served)) != many:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def test_a_name_in_five_articles_is_proposed_until_it_is_a_tag(served: Served) -> None:
    for i in range(5):
        annotate(served, f"a{i}")
        annotate(served, f"a{i}")  # saved again
    annotate(served, "draft", stage="draft")
    [one] = when_written(served, 1)
    assert (one["label"], one["count"]) == ("Захар Зюзюкин", 5)
    assert one["forms"] == ["Захар Зюзюкин"]
    assert [example["article_id"] for example in one["examples"]] == ["a4", "a3", "a2"]
    assert served.client.get(f"/predictions/{one['examples'][0]['prediction_id']}").status_code == 200
    answer = served.client.post("/annotate", json={"id": "a9", "text": "Вчера Захар Зюзюкин пел."}).json()
    assert "Захар Зюзюкин" not in {tag["label"] for tag in answer["tags"]}
    assert served.client.post("/vocabulary/tags", json={"label": "Захар Зюзюкин"}).status_code == 201
    assert candidates(served) == []


def test_a_name_that_is_never_to_be_suggested_is_not_proposed_either(served: Served) -> None:
    for i in range(5):
        annotate(served, f"a{i}")
    when_written(served, 1)
    sent = {"label": "Захар Зюзюкин", "policy": "never_suggest"}
    assert served.client.post("/vocabulary/tags", json=sent).status_code == 201
    assert candidates(served) == []


def test_an_erased_article_gives_no_names(served: Served) -> None:
    for i in range(5):
        annotate(served, f"a{i}")
    when_written(served, 1)
    assert served.client.delete("/articles/a3").status_code in {200, 204}
    assert candidates(served) == []


def test_an_erased_article_is_told_of_no_longer_however_fresh_the_list_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(6):
        annotate(served, f"a{i}")
    until_written = time.monotonic() + 10
    while not (found := candidates(served)) or found[0]["count"] < 6:
        assert time.monotonic() < until_written
        time.sleep(0.1)
    monkeypatch.setattr(new_names, "FRESH", 60.0)
    candidates(served)
    assert served.client.delete("/articles/a5").status_code in {200, 204}
    [one] = candidates(served)
    assert "a5" not in [example["article_id"] for example in one["examples"]]


def test_an_archive_that_is_answered_again_tells_nothing_of_these_days(served: Served) -> None:
    old = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    for i in range(5):
        annotate(served, f"old{i}", "Вчера Степан Мышкин пел.", published_at=old)
        annotate(served, f"a{i}")
    assert [one["label"] for one in when_written(served, 1)] == ["Захар Зюзюкин"]


def test_the_list_is_as_long_as_asked_for(served: Served) -> None:
    for i in range(5):
        annotate(served, f"a{i}", "Вчера Захар Зюзюкин и Степан Мышкин пели.")
    when_written(served, 2)
    assert len(served.client.get("/vocabulary/candidates?limit=1").json()["candidates"]) == 1
    assert served.client.get("/vocabulary/candidates?limit=0").status_code == 400


@pytest.mark.parametrize(
    "name",
    [
        lambda i: f"етр{_letters(i)}",
        lambda i: f"етр Б{_letters(i)} Иванов",
        lambda i: "".join(one.upper() if i >> place & 1 else one for place, one in enumerate("зюзюкинский")),
    ],
    ids=["begin alike", "of one first word", "equal up to case"],
)
def test_texts_full_of_names_that_are_nearly_alike_hold_nothing_up(name: Callable[[int], str]) -> None:
    names = [f"П{name(i)}" for i in range(600)]
    texts = [
        f"Пришёл {', пришёл '.join(names[first : first + 100])}." for first in range(0, 600, 100) for _ in range(5)
    ]
    began = time.process_time()
    found_in(noted(*texts), annotator(), Vocabulary())
    assert time.process_time() - began < 6  # pairs of them would take 20 s


def _letters(number: int) -> str:
    return "".join("абвгдежзик"[int(one)] for one in f"{number:04}")
