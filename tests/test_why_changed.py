"""«Why not X?» of tags that editors added, renamed, merged or retired; and the words of those found by name alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.loading import open_registry
from service.settings import Settings
from tests.sample_model import articles
from tests.serving import listening

ARTICLE = next(article for article in articles() if article.id == "s003")
TEXT = "🙂 В Казани построят фуникулёр. " + (ARTICLE.text or "") + " О фуникулёрах рассказали в мэрии."
OWN, OTHER = "vladimir-putin", "futbol"  # of the baseline


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    app = create_app(Settings(home=tmp_path), open_registry(Settings(home=tmp_path)))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def change(client: httpx.Client, path: str, method: str = "POST", **sent: Any) -> dict[str, Any]:
    answer = client.request(method, f"/vocabulary/tags{path}", json=sent, headers={"If-Match": "*"})
    assert answer.status_code in {200, 201}, answer.text
    told: dict[str, Any] = answer.json()
    return told


def explained(client: httpx.Client, label: str, **query: str) -> tuple[dict[str, Any], dict[str, Any]]:
    sent = {"id": "1", "title": ARTICLE.title, "text": TEXT}
    answer = client.post("/annotate", params={"why": f"tags:{label}", **query}, json=sent)
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.json()["explain"]["why"]


def test_an_added_tag_is_explained_by_where_its_names_stand(client: httpx.Client) -> None:
    change(client, "", label="Фуникулёр", synonyms=["Канатка"])
    answer, why = explained(client, "Фуникулёр")
    [tag] = [tag for tag in answer["tags"] if tag["id"] == "funikuler"]
    assert (why["id"], why["label"], why["named"], why["learnt"]) == ("funikuler", "Фуникулёр", True, False)
    assert why["score"] == tag["score"] >= why["threshold"]
    assert [word["text"] for word in why["words"]] == ["фуникулёр", "фуникулёрах"]
    assert all(TEXT[word["start"] : word["end"]] == word["text"] for word in why["words"])
    assert answer["explain"]["tags"]["funikuler"] == why["words"]


def test_spans_for_javascript_count_utf16_units(client: httpx.Client) -> None:
    change(client, "", label="Фуникулёр")
    _, here = explained(client, "Фуникулёр")
    answer, there = explained(client, "Фуникулёр", spans="utf16")
    assert [one["start"] + 1 for one in here["words"]] == [one["start"] for one in there["words"]]
    assert answer["explain"]["tags"]["funikuler"] == there["words"]


def test_an_added_tag_that_no_text_names_says_so_with_the_score_that_it_would_need(client: httpx.Client) -> None:
    change(client, "", label="Дирижабль")
    _, why = explained(client, "Дирижабль")
    assert (why["named"], why["score"], why["words"]) == (False, 0.0, [])
    assert 0 < why["threshold"] < 1


def test_a_renamed_tag_keeps_what_the_model_says_of_it(client: httpx.Client) -> None:
    change(client, f"/{OTHER}", "PATCH", synonyms=["Канатка"])
    _, before = explained(client, OWN)
    change(client, f"/{OWN}", "PATCH", label="Путин В. В.")
    answer, why = explained(client, "Путин В. В.")
    assert why["label"] == "Путин В. В."
    assert (why["score"], why["words"], why["threshold"]) == (before["score"], before["words"], before["threshold"])
    assert answer["explain"]["tags"][OWN] == why["words"]


def test_a_synonym_that_stands_in_the_text_counts_for_a_tag_that_the_model_knows(client: httpx.Client) -> None:
    _, before = explained(client, OTHER)
    assert not before["named"]
    change(client, f"/{OTHER}", "PATCH", synonyms=["фуникулёр"])
    answer, why = explained(client, OTHER)
    assert why["named"] and why["score"] > before["score"]
    assert OTHER in {tag["id"] for tag in answer["tags"]}


def test_a_merged_tag_names_what_stands_instead_and_a_retired_one_says_so(client: httpx.Client) -> None:
    change(client, f"/{OWN}/merge", into=OTHER)
    _, why = explained(client, OWN)
    assert (why["status"], why["instead"], why["label"]) == ("merged", "футбол", "Владимир Путин")
    change(client, f"/{OTHER}/retire")
    _, why = explained(client, OTHER)
    assert why["status"] == "retired" and "instead" not in why
    _, why = explained(client, OWN)  # what it was merged into is retired now
    assert why["status"] == "merged" and "instead" not in why
    for name in ("футбол", "ФУТБОЛ"):
        assert explained(client, name)[1]["id"] == OTHER


def test_a_tag_that_is_never_suggested_says_whether_the_text_names_it(client: httpx.Client) -> None:
    change(client, "", label="Фуникулёр", policy="never_suggest")
    answer, why = explained(client, "Фуникулёр")
    assert (why["policy"], why["named"]) == ("never_suggest", True)
    assert "funikuler" not in {tag["id"] for tag in answer["tags"]}


def test_what_nobody_knows_is_an_error_in_russian_too(client: httpx.Client) -> None:
    change(client, "", label="Фуникулёр")
    answer = client.post("/annotate?why=tags:Ничего", json={"title": "Мост"}, headers={"Accept-Language": "ru"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "?why", "detail": "тега с id Ничего нет"}]


def test_why_is_told_of_an_article_that_editors_decided_on(client: httpx.Client) -> None:
    change(client, "", label="Фуникулёр")
    sent = {"id": "1", "title": ARTICLE.title, "text": TEXT}
    seen = {"article": sent, "final": {"tags": []}, "seen": True}
    assert client.post("/corrections", json=seen).status_code == 201
    answer, why = explained(client, "Фуникулёр")
    assert "funikuler" in {one["id"] for one in answer["suppressed"]}
    assert why["score"] >= why["threshold"]


def test_a_text_that_can_t_be_read_explains_nothing(client: httpx.Client) -> None:
    change(client, "", label="Фуникулёр")
    answer = client.post("/annotate?why=tags:funikuler", json={"text": "Hello, dear world of ours"}).json()
    assert "explain" not in answer
