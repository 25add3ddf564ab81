"""Answers that can be asked for again, and articles of which nothing is left."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import zstandard

from service.keeping import Keeping
from service.store import journal
from service.store.database import database_of
from service.store.schema import opened
from tests.serving import Served, serving
from tests.test_durability import wait_until

TEXT = {"title": "Мост", "text": "В Вологде открыли мост, о котором больше никто не напишет."}


@pytest.fixture
def served(tmp_path: Path, store: str) -> Iterator[Served]:
    with serving(tmp_path, (), store=store) as served:
        yield served


def post(served: Served, path: str = "/annotate", id_: str = "a1", **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = served.client.post(path, json={"id": id_, **TEXT, **fields}).json()
    return answer


def correct(served: Served, id_: str = "a1", **fields: Any) -> httpx.Response:
    sent = {"article_id": id_, "seen": True, "final": {"tags": []}, "article": TEXT, **fields}
    return served.client.post("/corrections", json=sent)


def kept(served: Served) -> float:
    """Answers in the store, by its own count."""
    for line in served.client.get("/metrics").text.splitlines():
        if line.startswith("rubricator_predictions "):
            return float(line.partition(" ")[2])
    raise AssertionError("not counted")


def test_an_answer_can_be_asked_for_at_once_and_after_a_restart(tmp_path: Path, store: str) -> None:
    with serving(tmp_path, (), store=store) as served:
        given = post(served)
        assert served.client.get(f"/predictions/{given['prediction_id']}").json() == given
    with serving(tmp_path / "again", (), store=store or f"sqlite:///{tmp_path}/store.db") as served:
        again = served.client.get(f"/predictions/{given['prediction_id']}")
        assert again.json() == given
        assert again.headers["content-type"] == "application/json"
        assert served.client.get("/predictions/0123456789abcdef").status_code == 404


def test_what_was_asked_in_two_calls_is_one_answer(served: Served) -> None:
    rubric, tags = post(served, "/classify"), post(served, "/tags")
    assert rubric["prediction_id"] == tags["prediction_id"]
    found = served.client.get(f"/predictions/{tags['prediction_id']}").json()
    assert found["rubric"] == rubric["rubric"]
    assert (found["tags"], found["regions"]) == (tags["tags"], tags["regions"])


def test_the_latest_answer_to_the_same_text_is_kept(served: Served) -> None:
    first = post(served)
    correct(served)
    second = post(served)
    assert second["prediction_id"] == first["prediction_id"]
    assert served.client.get(f"/predictions/{first['prediction_id']}").json()["tags"] == []


def test_the_text_is_not_kept_with_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path, ()) as served:
        post(served)
    connection = opened(database_of("", tmp_path))
    [[answer]] = connection.rows("SELECT answer FROM predictions")
    assert "никто не напишет" not in zstandard.decompress(answer).decode()
    connection.close()


def test_a_pruned_answer_is_gone_and_one_that_never_was_is_not_found(tmp_path: Path) -> None:
    with serving(tmp_path, (), predictions_bytes=1) as served:
        given = post(served)
        wait_until(lambda: opened(database_of("", tmp_path)).rows("SELECT count(*) FROM predictions") == [(1,)])
        connection = opened(database_of("", tmp_path))
        keeping = Keeping(database_of("", tmp_path), 30, 1)
        keeping.start()
        assert keeping.prune() == 1
        keeping.close()
        connection.close()
        response = served.client.get(f"/predictions/{given['prediction_id']}")
        assert response.status_code == 410
        assert served.client.get("/predictions/0123").status_code == 404


def test_sizes_are_told_to_prometheus(served: Served) -> None:
    post(served)
    correct(served)
    time.sleep(0.5)
    metrics = served.client.get("/metrics").text
    assert "\nrubricator_corrections 1.0" in metrics
    assert "\nrubricator_predictions 1.0" in metrics
    assert "\nrubricator_articles_remembered 1.0" in metrics
    assert "\nrubricator_store_up 1.0" in metrics
    sizes = dict(line.split(" ") for line in metrics.splitlines() if line.startswith("rubricator_") and "{" not in line)
    assert 100 < float(sizes["rubricator_predictions_bytes"]) < float(sizes["rubricator_store_bytes"])


def test_nothing_of_an_erased_article_is_left(served: Served, tmp_path: Path, store: str) -> None:
    given = post(served)
    correct(served, note="о Вологде", actor="ivanova")
    key = {"Idempotency-Key": "k1"}
    sent = {"article_id": "a1", "seen": True, "final": {"tags": []}}
    served.client.post("/corrections", json=sent, headers=key)
    other = post(served, id_="b1", text="Другой мост.")
    correct(served, "b1")
    time.sleep(0.5)
    erased = served.client.delete("/articles/a1")
    assert erased.json() == {"corrections": 2, "predictions": 1}
    assert served.client.delete("/articles/a1").json() == {"corrections": 0, "predictions": 0}
    assert served.client.get(f"/predictions/{given['prediction_id']}").status_code == 410
    assert served.client.get(f"/predictions/{other['prediction_id']}").status_code == 200
    first, second, third = served.client.get("/corrections").json()["corrections"]
    for gone in (first, second):
        assert gone["erased"]
        assert (gone["article_id"], gone["actor"], gone["note"], gone["final"]) == (None, None, None, {})
    assert third["article_id"] == "b1"
    assert served.client.delete(f"/corrections/{first['id']}").status_code == 410
    assert len(served.client.get("/corrections/export").content.splitlines()) == 1
    # what comes later is answered, and neither kept nor learnt from
    answer = post(served)
    assert [tag["id"] for tag in answer["tags"]]
    time.sleep(0.5)
    assert served.client.get(f"/predictions/{answer['prediction_id']}").status_code == 410
    assert correct(served).status_code == 410
    assert served.client.post("/corrections", json=sent, headers=key).status_code == 410
    connection = opened(database_of(store, tmp_path))
    [tombstone] = journal.erased(connection)
    assert (tombstone.key, tombstone.article_id, tombstone.memory) == (journal.key_of("a1"), None, None)
    connection.close()


def test_an_erased_text_is_not_left_in_the_file(tmp_path: Path) -> None:
    note = "приметное слово " * 100
    with serving(tmp_path, ()) as served:
        assert correct(served, note=note).status_code == 201
        assert note.encode() in everything_in(tmp_path)
        assert served.client.delete("/articles/a1").status_code == 200
        assert note.encode() not in everything_in(tmp_path)
        assert journal.key_of("a1") in everything_in(tmp_path)


def everything_in(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("store.db*"))


@pytest.mark.parametrize("id_", ["2024/118", "https://example.ru/news/1?a=b", "статья 7"])
def test_an_id_may_be_a_path(served: Served, id_: str) -> None:
    assert correct(served, id_).status_code == 201
    assert served.client.delete(f"/articles/{quote(id_, safe='')}").json()["corrections"] == 1
