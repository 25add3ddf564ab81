"""The vocabulary over HTTP, on both databases."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import Served, serving


@pytest.fixture
def served(tmp_path: Path, store: str) -> Iterator[Served]:
    with serving(tmp_path, (), store=store) as served:
        yield served


def annotate(served: Served, title: str = "Мост", id_: str = "a1", **fields: Any) -> dict[str, Any]:
    sent = {"id": id_, "title": title, "text": "В Вологде открыли мост.", **fields}
    answer: dict[str, Any] = served.client.post("/annotate", json=sent).json()
    return answer


def tags(answer: dict[str, Any]) -> set[str]:
    return {tag["id"] for tag in answer["tags"]}


def version(served: Served) -> str:
    found: str = served.client.get("/vocabulary").json()["version"]
    return found


def add(served: Served, label: str, *synonyms: str) -> httpx.Response:
    return served.client.post("/vocabulary/tags", json={"label": label, "synonyms": synonyms})


def patch(served: Served, id_: str, **change: Any) -> httpx.Response:
    return served.client.patch(f"/vocabulary/tags/{id_}", json=change, headers={"If-Match": "*"})


def merge(served: Served, id_: str, into: str) -> httpx.Response:
    return served.client.post(f"/vocabulary/tags/{id_}/merge", json={"into": into}, headers={"If-Match": "*"})


def retire(served: Served, id_: str) -> httpx.Response:
    return served.client.post(f"/vocabulary/tags/{id_}/retire", headers={"If-Match": "*"})


def correct(served: Served, tags: list[Any]) -> dict[str, Any]:
    article = {"id": "a1", "title": "Мост", "text": "В Вологде открыли мост."}
    sent = {"article_id": "a1", "article": article, "seen": True, "final": {"tags": tags}}
    answer: dict[str, Any] = served.client.post("/corrections", json=sent).json()
    return answer


def rename(served: Served, if_match: str | None) -> httpx.Response:
    headers = {"If-Match": if_match} if if_match else {}
    return served.client.patch("/vocabulary/tags/t", json={"label": "Мосты"}, headers=headers)


def test_all_labels_are_listed_under_the_version_that_answers_name(served: Served) -> None:
    answer = served.client.post(
        "/annotate", json={"id": "a1", "title": "Мост", "text": "В Вологде открыли мост."}
    ).json()
    response = served.client.get("/vocabulary")
    listed = response.json()
    assert listed["version"] == answer["model"]["vocabulary"]
    assert response.headers["ETag"] == f'"{listed["version"]}"'
    assert {tag["id"] for tag in listed["tags"]} == {"t", "u"}
    assert listed["tags"][0] == {
        "id": "t", "label": "Тег baseline", "synonyms": [], "status": "active", "merged_into": None, "policy": "normal",
    }  # fmt: skip
    again = served.client.get("/vocabulary", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_new_tag_is_found_at_once_in_every_form_of_its_names(served: Served) -> None:
    before = version(served)
    added = add(served, "Красный трамвай", "эскалатор")
    assert added.status_code == 201
    assert added.json()["id"] == "krasnyy-tramvay"
    for title in ("О красных трамваях", "Красному трамваю быть", "Сломались эскалаторы", "Нет эскалатора"):
        [tag] = [tag for tag in annotate(served, title)["tags"] if tag["id"] == "krasnyy-tramvay"]
        assert (tag["label"], tag["origin"], tag["decision"]) == ("Красный трамвай", "lexical", "review")
    assert "krasnyy-tramvay" not in tags(annotate(served, "Красный дом, трамвай"))
    answer = annotate(served, "Мост")
    assert answer["model"]["vocabulary"] == version(served) != before
    assert added.headers["ETag"] == f'"{version(served)}"'


def test_another_process_hears_of_it_within_a_second(tmp_path: Path, store: str) -> None:
    with serving(tmp_path / "one", (), store=store) as one:
        shared = store or f"sqlite:///{tmp_path / 'one' / 'store.db'}"
        add(one, "Эскалатор")
        with serving(tmp_path / "other", (), store=shared) as other:
            assert "eskalator" in tags(annotate(other, "Сломался эскалатор"))
            retire(one, "eskalator")
            time.sleep(1)
            assert "eskalator" not in tags(annotate(other, "Сломался эскалатор"))
            assert version(one) == version(other)


def test_a_renamed_tag_keeps_its_id(served: Served) -> None:
    assert patch(served, "t", label="Мосты").json()["label"] == "Мосты"
    assert ("t", "Мосты") in {(tag["id"], tag["label"]) for tag in annotate(served)["tags"]}
    correction = correct(served, ["Мосты"])
    assert correction["accepted"]["tags"] == [{"id": "t", "label": "Мосты"}]


def test_a_merged_tag_means_the_other_in_answers_memory_and_corrections(served: Served) -> None:
    correct(served, [])  # t was rejected
    assert merge(served, "t", "u").json()["merged_into"] == "u"
    answer = annotate(served)
    assert answer["tags"] == []
    assert [one["id"] for one in answer["suppressed"]] == ["u"]
    assert [(tag["id"], tag["label"]) for tag in annotate(served, id_="a2")["tags"]] == [("u", "Другой тег")]
    correct(served, [{"id": "t"}])
    assert [(tag["id"], tag["origin"]) for tag in annotate(served)["tags"]] == [("u", "history")]
    [line] = served.client.get("/corrections/export").text.splitlines()
    assert json.loads(line)["tags"] == ["Другой тег"]


def test_a_retired_tag_is_never_answered_until_it_is_brought_back(served: Served) -> None:
    correct(served, ["t"])
    assert retire(served, "t").json()["status"] == "retired"
    current = {"tags": [{"id": "t", "by": "editor"}, {"label": "Тег baseline", "by": "editor"}]}
    for fields in ({}, {"id_": "a2"}, {"id_": "a3", "current": current}):
        assert annotate(served, **fields)["tags"] == []
    sent = {"article_id": "a1", "seen": True, "final": {"tags": ["Тег baseline"]}}
    refused = served.client.post("/corrections", json=sent)
    assert refused.status_code == 422
    assert "retired" in refused.json()["detail"]
    assert patch(served, "t", status="active").json()["status"] == "active"
    assert tags(annotate(served)) == tags(annotate(served, id_="a2")) == {"t"}


def test_a_change_names_the_version_it_was_made_for(served: Served) -> None:
    old = version(served)
    add(served, "Эскалатор")
    assert rename(served, None).status_code == 428
    assert rename(served, f'"{old}"').status_code == 412
    done = rename(served, f'"{version(served)}"')
    assert done.status_code == 200
    assert done.headers["ETag"] == f'"{version(served)}"'


def test_merges_never_lead_in_circles(served: Served) -> None:
    add(served, "Эскалатор")
    assert merge(served, "eskalator", "t").status_code == 200
    assert merge(served, "t", "u").status_code == 200
    assert [merge(served, id_, into).status_code for id_, into in (("u", "t"), ("u", "eskalator"), ("t", "t"))] == [
        409
    ] * 3
    assert [tag["id"] for tag in annotate(served, "Эскалатор")["tags"]] == ["u"]
    retire(served, "u")
    assert annotate(served, "Эскалатор")["tags"] == []


@pytest.mark.parametrize(
    ("label", "synonyms", "status", "said"),
    [
        ("ДРУГОЙ  тег", [], 409, "Другой тег"),
        ("Новый", ["тег BASELINE"], 409, "Тег baseline"),
        ("я" * 201, [], 400, "200"),
        ("Те\x00г", [], 400, "control"),
        ("!!!", [], 400, "letter"),
        ("東京", [], 400, "Cyrillic"),
        ("Новый", [f"имя {i}" for i in range(10_000)], 400, "100"),
    ],
)
def test_a_name_that_can_not_be_is_refused(
    served: Served, label: str, synonyms: list[str], status: int, said: str
) -> None:
    refused = add(served, label, *synonyms)
    assert (refused.status_code, said in refused.json()["detail"]) == (status, True)
    assert len(served.client.get("/vocabulary").json()["tags"]) == 2
    russian = served.client.post(
        "/vocabulary/tags", json={"label": label, "synonyms": synonyms}, headers={"Accept-Language": "ru"}
    ).json()
    assert not set("bcdfghjklmpqrtuvwxyz") & set(russian["detail"].split("«")[0].replace("u,", ""))


def test_unknown_ids_are_404(served: Served) -> None:
    assert patch(served, "nobody", label="Новый").status_code == 404
    assert retire(served, "nobody").status_code == 404
    assert merge(served, "nobody", "t").status_code == 404
    assert merge(served, "t", "nobody").status_code == 422


def test_a_tag_that_is_held_back_is_nowhere(served: Served) -> None:
    add(served, "Эскалатор")
    for id_ in ("t", "eskalator"):
        patch(served, id_, policy="never_suggest")
    assert annotate(served, "Эскалатор")["tags"] == []
    patch(served, "t", policy="review_only")
    assert [(tag["id"], tag["policy"]) for tag in annotate(served)["tags"]] == [("t", "review_only")]


@pytest.mark.parametrize("name", ["и", "Ы", "на", "из-за", "не же", "тег\u202eгет", "те\u200bг", "тег\u0007"])
def test_a_name_that_is_everywhere_or_can_not_be_seen_is_no_name(served: Served, name: str) -> None:
    for refused, pointer in (
        (add(served, name), "/label"),
        (add(served, "Эскалатор", "лестница", name), "/synonyms/1"),
    ):
        assert refused.status_code in {400, 422}
        assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]
    assert add(served, "Эскалатор", "лестница").status_code == 201


def test_half_a_pair_of_surrogates_is_told(served: Served) -> None:
    refused = served.client.post(
        "/vocabulary/tags", content=b'{"label": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 400
    assert "without its other half" in refused.json()["detail"]
