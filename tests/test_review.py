"""The queue for review, the numbers for people, and the labels there are, over the real baseline."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.sample_model import labelled_articles
from tests.serving import listening

SENT = 40


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    app = create_app(Settings(home=tmp_path_factory.mktemp("home")))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for article in labelled_articles()[:SENT]:
            sent = {"id": article.id, "title": article.title, "text": article.text}
            assert client.post("/annotate", json=sent).status_code == 200
        until(lambda: len(queue(client, limit=1000)) == SENT)
        yield client


def until(holds: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def queue(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/review", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_margin_begins_where_two_rubrics_are_nearly_as_likely(client: httpx.Client) -> None:
    found = queue(client, strategy="margin")
    margins = [one["margin"] for one in found]
    assert margins == sorted(margins)
    assert all(
        one["margin"] == pytest.approx(one["rubrics"][0]["score"] - one["rubrics"][1]["score"], abs=1e-4)
        for one in found
    )
    assert queue(client, strategy="margin", limit=3) == found[:3]


def test_rare_begins_with_the_rubric_that_fewest_articles_have(client: httpx.Client) -> None:
    found = queue(client, strategy="rare")
    counts = [one["like_it"] for one in found]
    assert counts == sorted(counts) and counts[0] < counts[-1]
    first = found[0]["rubrics"][0]["id"]
    assert counts[0] == sum(one["rubrics"][0]["id"] == first for one in found)
    assert {one["of"] for one in found} == {SENT}


def test_an_article_is_there_once_and_leaves_when_it_has_been_decided(client: httpx.Client) -> None:
    sent = {"id": "revised", "title": "Вузы объявили о наборе в аспирантуру"}
    for text in ("Первая редакция текста.", "Вторая редакция того же текста."):
        client.post("/annotate", json=sent | {"text": text})
    until(lambda: "revised" in {one["article_id"] for one in queue(client, limit=1000)})
    [latest] = [one for one in queue(client, limit=1000) if one["article_id"] == "revised"]
    decided = {"prediction_id": latest["prediction_id"], "final": {"tags": []}, "seen": True}
    recorded = client.post("/corrections", json=decided).json()
    assert "revised" not in {one["article_id"] for one in queue(client, limit=1000)}
    assert client.delete(f"/corrections/{recorded['id']}").status_code == 201
    client.delete("/articles/revised")


def test_a_strategy_that_is_not_there_is_named(client: httpx.Client) -> None:
    answer = client.get("/review?strategy=none")
    assert answer.status_code == 400
    assert "margin or rare or disagreement or label_error or audit" in answer.json()["detail"]


def test_numbers_add_up(client: httpx.Client) -> None:
    before = client.get("/numbers").json()
    client.post("/annotate", json={"id": "foreign", "text": "The quick brown fox jumps over the lazy dog again."})
    after = client.get("/numbers").json()
    assert after["articles"] == before["articles"] + 1
    assert after["abstentions"]["not_russian"] == before["abstentions"].get("not_russian", 0) + 1
    rubrics = sum(one["count"] for one in after["decisions"] if one["head"] == "rubric")
    assert rubrics == after["articles"]
    assert after["store"]["up"] is True
    assert sum(one["count"] for one in after["labels"]["rubrics"]) <= after["labels"]["answers"]
    counts = [one["count"] for one in after["labels"]["rubrics"]]
    assert counts == sorted(counts, reverse=True)


def test_the_vocabulary_has_every_label_that_is_answered(client: httpx.Client) -> None:
    vocabulary = client.get("/vocabulary").json()
    known = {head: {one["id"]: one["label"] for one in vocabulary[head]} for head in ("rubrics", "tags", "regions")}
    for article in labelled_articles()[:SENT]:
        answer = client.post("/annotate", json={"title": article.title, "text": article.text}).json()
        assert answer["model"]["vocabulary"] == vocabulary["version"]
        for head, labels in (
            ("rubrics", [answer["rubric"], *answer["alternatives"]]),
            ("tags", answer["tags"]),
            ("regions", answer["regions"]),
        ):
            assert all(known[head][one["id"]] == one["label"] for one in labels if one)


def test_without_a_store_the_numbers_say_so_and_the_queue_is_a_problem(
    tmp_path: Path,
) -> None:
    home = tmp_path
    (home / "store.db").mkdir()  # nothing that can be opened
    with (
        listening(create_app(Settings(home=home))) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        numbers = client.get("/numbers").json()
        assert numbers["store"]["up"] is False
        assert numbers["store"]["corrections"] is None
        answer = client.get("/review")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
