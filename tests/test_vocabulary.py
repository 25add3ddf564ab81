"""The vocabulary over HTTP, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Served, serving


@pytest.fixture
def served(tmp_path: Path, store: str) -> Iterator[Served]:
    with serving(tmp_path, (), store=store) as served:
        yield served


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
