"""Trust in `auto`: audits that count, labels that lose it, a model that grows old."""

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from msgspec.structs import replace

from service.aging import Aging
from service.annotate import Options
from service.app import create_app
from service.inference.article import Annotation, Article, RubricAnswer
from service.settings import Settings
from service.store import journal
from service.store.database import database_of
from service.store.schema import opened
from service.trust import ALPHA, audited, evidence, is_drawn, upper
from tests.fake_service import FakeModel, fake_registry
from tests.serving import listening
from tests.test_command_line import home, run, versions  # noqa: F401 - fixtures


class Sure(FakeModel):
    """Publishes everything unseen."""

    def annotate(
        self,
        articles: Sequence[Article],
        options: Options,
        heard: Callable[[tuple[bytes, bytes]], object] | None = None,
        /,
    ) -> list[Annotation]:
        return [_sure(one) for one in super().annotate(articles, options, heard)]


def _sure(one: Annotation) -> Annotation:
    rubric, tags = one.rubric, one.tags
    changed: dict[str, Any] = {"reasons": ()}
    if isinstance(rubric, RubricAnswer):
        changed["rubric"] = replace(rubric, decision="auto")
    if isinstance(tags, tuple):
        changed["tags"] = tuple(replace(tag, decision="auto") for tag in tags)
    return replace(one, **changed)


@pytest.fixture
def client(tmp_path: Path, store: str) -> Iterator[httpx.Client]:
    registry, _ = fake_registry(tmp_path)
    settings = Settings(home=tmp_path, store=store, audit_share=0.5)
    app = create_app(settings, registry, lambda directory: Sure(directory.name))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        ready(client)
        yield client


def ready(client: httpx.Client) -> None:
    """Until the editors' decisions have been read: nothing is published unseen before."""
    until(lambda: client.get("/health/ready").json()["problem"] is None)


def annotate(client: httpx.Client, id_: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(
        "/annotate", json={"id": id_, "title": "Мост открыли", "text": f"Статья {id_}."}
    ).json()
    return answer


def queue(client: httpx.Client, strategy: str = "audit") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/review", params={"strategy": strategy, "limit": 1000}).json()
    return found


def until(holds: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def published(client: httpx.Client, ids: Sequence[str]) -> list[str]:
    """Their predictions, when they wait to be judged."""
    ready(client)
    predictions: list[str] = [annotate(client, id_)["prediction_id"] for id_ in ids]
    until(lambda: set(ids) <= {one["article_id"] for one in queue(client)})
    return predictions


def judge(client: httpx.Client, prediction: str | None, rubric: str, **more: Any) -> dict[str, Any]:
    sent = {"prediction_id": prediction, "final": {"rubric": {"id": rubric}}, "seen": True, "audit": True, **more}
    response = client.post("/corrections", json=sent)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    return told


def audits(client: httpx.Client) -> dict[str, Any]:
    return {f"{one['head']}:{one['id']}": one for one in client.get("/numbers").json()["trust"]["audited"]}


DRAWN = [f"a{i}" for i in range(200) if is_drawn(f"a{i}", 0.5)]
OTHERS = [f"a{i}" for i in range(200) if not is_drawn(f"a{i}", 0.5)]


def test_a_share_of_what_is_published_is_drawn_and_its_labels_are_not_told(client: httpx.Client) -> None:
    for id_ in (*DRAWN[:5], *OTHERS[:5]):
        annotate(client, id_)
    until(lambda: len(queue(client)) == 5)
    found = queue(client)
    assert {one["article_id"] for one in found} == set(DRAWN[:5])
    assert all(set(one) == {"article_id", "prediction_id", "at", "why"} for one in found)
    assert "Рубрика" not in str(found)


def test_an_audit_counts_once_and_leaves_the_queue(client: httpx.Client) -> None:
    first, second = published(client, DRAWN[:2])
    judge(client, first, "r")
    told = judge(client, second, "a")
    assert told["audited"] == [{"head": "rubric", "id": "r", "label": "Рубрика baseline", "correct": False}]
    until(lambda: audits(client).get("rubric:r", {}).get("count") == 2)
    one = audits(client)["rubric:r"]
    assert (one["right"], one["count"], one["held_back"]) == (1, 2, False)
    assert one["low"] < one["precision"] < one["high"]
    assert queue(client) == []
    assert told["warnings"] == []
    again = judge(client, second, "r")  # who looks again has seen the label
    assert [one["code"] for one in again["warnings"]] == ["audit_not_counted"]
    assert (audits(client)["rubric:r"]["right"], audits(client)["rubric:r"]["count"]) == (1, 2)
    client.delete(f"/corrections/{told['id']}")
    until(lambda: audits(client)["rubric:r"]["count"] == 1)


def test_an_answer_that_heeds_an_editor_hides_no_error(client: httpx.Client) -> None:
    """The same text again gives the editor's label: what was published at first is what is judged."""
    [prediction] = published(client, DRAWN[:1])
    client.post("/corrections", json={"prediction_id": prediction, "final": {"rubric": {"id": "a"}}, "seen": True})
    assert annotate(client, DRAWN[0])["rubric"]["id"] == "a"
    time.sleep(0.5)  # until that answer has taken the place of the first
    assert [one["article_id"] for one in queue(client)] == DRAWN[:1]
    assert [one["correct"] for one in judge(client, prediction, "a")["audited"]] == [False]


def test_heads_that_were_asked_for_one_by_one_are_judged_together(client: httpx.Client) -> None:
    sent = {"id": DRAWN[0], "title": "Мост открыли", "text": "Статья."}
    prediction = client.post("/classify", json=sent).json()["prediction_id"]
    client.post("/tags", json=sent)
    client.post("/annotate", json=sent)
    time.sleep(0.7)  # until all three are written
    assert len(queue(client)) == 1
    told = judge(client, prediction, "r", final={"rubric": {"id": "r"}, "tags": []})
    assert [(one["head"], one["correct"]) for one in told["audited"]] == [("rubric", True), ("tags", False)]
    assert queue(client) == []


def test_an_audit_of_another_article_can_not_be_slipped_in(client: httpx.Client) -> None:
    """The draw goes by the article's id, and so does the judgement: no prediction can be named in its stead."""
    other = annotate(client, OTHERS[0])["prediction_id"]
    told = judge(client, other, "r", article_id=DRAWN[0])
    assert [one["code"] for one in told["warnings"]] == ["audit_not_counted"]


def test_of_an_erased_article_nothing_is_left_but_the_count(client: httpx.Client, tmp_path: Path, store: str) -> None:
    [judged, _] = published(client, DRAWN[:2])
    judge(client, judged, "a")
    until(lambda: audits(client).get("rubric:r", {}).get("count") == 1)
    for id_ in DRAWN[:2]:
        assert client.delete(f"/articles/{id_}").status_code == 200
    assert queue(client) == []
    assert audits(client)["rubric:r"]["count"] == 1
    connection = opened(database_of(store, tmp_path))
    assert connection.rows("SELECT count(*) FROM draws") == [(0,)]
    keys = {bytes(key) for [key] in connection.rows("SELECT key FROM audits")}
    assert not keys & {journal.key_of(id_) for id_ in DRAWN[:2]}
    connection.close()


def test_only_drawn_articles_and_what_was_published_count(client: httpx.Client) -> None:
    other = annotate(client, OTHERS[0])["prediction_id"]
    assert [one["code"] for one in judge(client, other, "a")["warnings"]] == ["audit_not_counted"]
    [drawn] = published(client, DRAWN[:1])
    client.post("/corrections", json={"prediction_id": drawn, "final": {"rubric": {"id": "a"}}, "seen": True})
    assert audits(client) == {}
    until(lambda: {one["article_id"] for one in queue(client)} == {DRAWN[0]})  # corrected, and still to be judged


def test_a_label_that_audits_speak_against_is_for_review_and_everybody_is_told(
    client: httpx.Client, tmp_path: Path, store: str
) -> None:
    wrong = DRAWN[:12]
    assert annotate(client, "before")["rubric"]["decision"] == "auto"
    for prediction in published(client, wrong):
        judge(client, prediction, "a")
    until(lambda: annotate(client, "after")["rubric"]["decision"] == "review")
    answer = annotate(client, "after")
    assert [tag["decision"] for tag in answer["tags"]] == ["auto"] * 3  # another label
    assert {"code": "held_back", "pointer": "/rubric"} in answer["warnings"]
    assert client.get("/health/ready").json()["held_back"] == ["Рубрика baseline"]
    metrics = client.get("/metrics").text
    assert 'rubricator_label_held_back{head="rubric",label="r"} 1.0' in metrics
    assert (
        f'rubricator_audits{{head="rubric",label="r",outcome="wrong"}} {audits(client)["rubric:r"]["count"]}' in metrics
    )
    settings = Settings(home=tmp_path / "other", store=store or f"sqlite:///{tmp_path / 'store.db'}")
    registry, _ = fake_registry(tmp_path / "other")
    app = create_app(settings, registry, lambda directory: Sure(directory.name))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as other:
        until(lambda: annotate(other, "elsewhere")["rubric"]["decision"] == "review")


def test_an_operator_lists_audits_and_trusts_a_label_again(run: Any, home: Path) -> None:  # noqa: F811
    registry, _ = fake_registry(home / "registry-of-fakes")
    app = create_app(Settings(home=home, audit_share=1.0), registry, lambda directory: Sure(directory.name))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for prediction in published(client, [str(i) for i in range(12)]):
            judge(client, prediction, "a")
        until(lambda: annotate(client, "after")["rubric"]["decision"] == "review")
        told = run("audits")
        assert "rubric:r" in told.out
        assert "FOR REVIEW" in told.out
        assert run("audits", "--trust-again", "rubric:x").code == 2
        assert run("audits", "--trust-again", "rubric:r", "--reason", "the articles were odd").code == 0
        until(lambda: annotate(client, "again")["rubric"]["decision"] == "auto")
        connection = opened(database_of("", home))
        kept = connection.rows("SELECT label, reason FROM audits WHERE correct IS NULL")
        assert kept == [("r", "the articles were odd")]
        connection.close()


def test_editors_who_differ_are_shown(client: httpx.Client) -> None:
    article = {"id": "d1", "title": "Мост открыли"}
    for actor, rubric in (("Анна", "r"), ("Борис", "a")):
        sent = {"article": article, "final": {"rubric": {"id": rubric}}, "seen": True, "actor": actor}
        assert client.post("/corrections", json=sent).status_code == 201
    [one] = queue(client, "disagreement")
    assert one["article_id"] == "d1"
    assert [(voice["by"], voice["label"]) for voice in one["voices"]] == [
        ("Борис", "Другая рубрика"),
        ("Анна", "Рубрика baseline"),
    ]


def test_versions_that_differ_are_shown(tmp_path: Path) -> None:
    registry, [version] = fake_registry(tmp_path, ("first",))
    app = create_app(Settings(home=tmp_path), registry, lambda directory: Sure(directory.name))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for model in ("baseline", version):
            client.post("/annotate", params={"model": model}, json={"id": "v1", "title": "Мост", "text": model})
        until(lambda: len(queue(client, "disagreement")) == 1)
        [one] = queue(client, "disagreement")
        assert {voice["by"] for voice in one["voices"]} == {"baseline", version}


def test_an_editors_rubric_that_the_model_doubts_is_shown(client: httpx.Client) -> None:
    for i in range(6):
        article = {"id": f"e{i}", "title": "Мост открыли", "text": f"Статья {i}."}
        sent = {"article": article, "final": {"rubric": {"id": "r" if i else "a"}}, "seen": True}
        assert client.post("/corrections", json=sent).status_code == 201
    [one] = queue(client, "label_error")
    assert (one["article_id"], one["voices"][0]["label"]) == ("e0", "Другая рубрика")
    assert one["rubrics"][0]["label"] == "Рубрика baseline"
    assert one["margin"] == pytest.approx(0.9)
    assert "«Другая рубрика»" in one["why"]
    assert "«Рубрика baseline»" in one["why"]
    again = {"article_id": "e0", "final": {"rubric": {"id": "a"}}, "seen": True, "actor": "Анна"}
    assert client.post("/corrections", json=again).status_code == 201
    assert queue(client, "label_error") == []  # a second look confirmed it


def test_a_rejected_tag_that_the_model_was_sure_of_is_shown(client: httpx.Client) -> None:
    for i in range(4):
        article = {"id": f"g{i}", "title": "Мост открыли", "text": f"Статья {i}."}
        sent = {"article": article, "final": {"tags": [{"id": "t"}] if i else []}, "seen": True}
        assert client.post("/corrections", json=sent).status_code == 201
    [one] = queue(client, "label_error")
    assert (one["article_id"], one["tags"][0]["id"], one["usual"]) == ("g0", "t", 0.5)


@pytest.mark.parametrize(("precision", "most"), [(0.90, ALPHA), (0.95, ALPHA), (0.99, ALPHA)])
def test_a_label_as_right_as_it_should_be_is_seldom_held_back_however_often_one_looks(
    precision: float, most: float
) -> None:
    """2,000 labels, each looked at after every one of 300 audits: evidence can only rise when one was wrong."""
    dice = np.random.default_rng(1)
    correct = dice.random((2_000, 300)) < precision
    counts = {(int(done), int(wrong)) for row in correct for done, wrong in _looks(row)}
    crossed = {(done, wrong) for done, wrong in counts if evidence(done - wrong, wrong, 0.90) >= 1 / ALPHA}
    held = sum(any(look in crossed for look in _looks(row)) for row in correct)
    assert held / 2_000 <= most


def _looks(correct: Any) -> Iterator[tuple[int, int]]:
    """After each wrong one: how many there were, how many of them wrong."""
    for wrong, at in enumerate(np.flatnonzero(~correct), 1):
        yield int(at) + 1, wrong


def test_a_label_that_is_far_less_right_is_held_back_soon() -> None:
    dice = np.random.default_rng(2)
    right = np.cumsum(dice.random((400, 120)) < 0.70, axis=1)
    held = [
        next((i for i in range(120) if evidence(int(row[i]), int(i + 1 - row[i]), 0.90) >= 1 / ALPHA), 120)
        for row in right
    ]
    assert np.median(held) <= 45
    assert np.mean(np.array(held) < 120) >= 0.95


def test_a_slip_or_two_of_an_editor_take_no_label_away() -> None:
    assert not audited("rubric", "r", "Рубрика", 0, 2, 0.99).held_back
    assert not audited("rubric", "r", "Рубрика", 19, 20, 0.99).held_back
    assert audited("rubric", "r", "Рубрика", 2, 10, 0.90).held_back


def test_the_interval_holds_what_is_true() -> None:
    one = audited("tags", "t", "Тег", 46, 50, 0.9)
    assert one.low < 0.92 < one.high
    assert not one.held_back
    assert upper(0, 40) < 0.2
    assert upper(40, 0) == pytest.approx(1, abs=1e-4)


def test_the_draw_is_as_large_as_was_asked_for() -> None:
    drawn = sum(is_drawn(str(i), 0.02) for i in range(50_000))
    assert 0.018 <= drawn / 50_000 <= 0.022
    assert not any(is_drawn(str(i), 0.0) for i in range(1_000))
    assert all(is_drawn(str(i), 1.0) for i in range(1_000))


@pytest.mark.parametrize(
    ("newest", "most", "days", "too_old"),
    [
        ("2026-05-01", 45, 31, False),
        ("2026-04-17", 45, 45, False),
        ("2026-04-16T12:00:00Z", 45, 46, True),
        ("2020-01-01", 0, 2343, False),
        ("2026-07-01", 45, 0, False),
        (None, 45, None, False),
    ],
)
def test_a_model_is_old_when_its_newest_article_is(
    newest: str | None, most: int, days: int | None, too_old: bool
) -> None:
    age = Aging(lambda _: newest, most).of("v", datetime.date(2026, 6, 1))
    assert (age.days, age.too_old) == (days, too_old)


def test_an_old_model_is_told_everywhere(client: httpx.Client) -> None:
    assert client.get("/health/ready").json()["age"]["too_old"]
    assert client.get("/numbers").json()["trust"]["age"]["too_old"]
    assert "rubricator_model_too_old 1.0" in client.get("/metrics").text


def test_an_old_model_is_told_on_the_command_line_too(run: Any) -> None:  # noqa: F811
    assert "is old" in run("doctor").out
    assert "is old" in run("models", "list").err
