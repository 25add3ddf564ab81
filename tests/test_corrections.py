"""Editors' decisions over HTTP, on both databases: durable, in the server's order, answered once, heeded at once."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from service.inference.article import LabelledArticle
from tests.serving import Served, serving

TEXT = {"title": "Мост", "text": "В Вологде открыли мост."}


@pytest.fixture
def served(tmp_path: Path, store: str) -> Iterator[Served]:
    with serving(tmp_path, (), store=store) as served:
        yield served


def annotate(served: Served, id_: str = "a1", **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = served.client.post("/annotate", json={"id": id_, **TEXT, **fields}).json()
    return answer


def correct(served: Served, key: str | None = None, **fields: Any) -> httpx.Response:
    sent = {"article_id": "a1", "seen": True, **fields}
    return served.client.post("/corrections", json=sent, headers={"Idempotency-Key": key} if key else {})


def tags(answer: dict[str, Any]) -> set[str]:
    return {tag["id"] for tag in answer["tags"]}


def journal(served: Served, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.client.get("/corrections", params=query).json()["corrections"]
    return found


def test_a_rejected_tag_is_not_suggested_again_over_all_revisions(served: Served) -> None:
    before = annotate(served)
    assert tags(before) == {"t"}
    recorded = correct(served, prediction_id=before["prediction_id"], final={"tags": []})
    assert recorded.status_code == 201
    assert recorded.json()["rejected"] == {"tags": [{"id": "t", "label": "Тег baseline"}]}
    for revision in ("Мост", "Мост открыт", "Открыт новый мост"):
        answer = annotate(served, title=revision)
        assert answer["tags"] == []
        assert answer["suppressed"] == [{"id": "t", "kind": "tag", "why": "rejected in correction 1"}]
        assert answer["rubric"]["id"] == "r"
    assert tags(annotate(served, "another")) == {"t"}


def test_adding_it_again_lifts_that_and_what_was_set_stays_set(served: Served) -> None:
    correct(served, article={"id": "a1", **TEXT}, final={"tags": []})
    correct(served, final={"tags": ["t", "u"], "rubric": {"label": "рубрика BASELINE"}})
    answer = annotate(served)
    assert answer["suppressed"] == []
    assert [(tag["id"], tag["origin"], tag["decision"]) for tag in answer["tags"]] == [
        ("t", "history", "review"),
        ("u", "history", "review"),
    ]
    assert answer["rubric"]["origin"] == "history"


def test_the_service_works_out_what_was_accepted_added_and_rejected(served: Served) -> None:
    recorded = correct(served, article={"id": "a1", **TEXT}, final={"rubric": "a", "tags": ["t", "Новый тег"]}).json()
    assert recorded["accepted"] == {"rubric": [], "tags": [{"id": "t", "label": "Тег baseline"}]}
    assert recorded["added"]["tags"] == [{"id": "Новый тег", "label": "Новый тег"}]
    assert [one["id"] for one in recorded["added"]["rubric"]] == ["a"]
    assert [one["id"] for one in recorded["rejected"]["rubric"]] == ["r"]
    assert journal(served)[0]["model"]["version"] == "baseline"


def test_an_undo_is_a_record_and_brings_back_what_was_before(served: Served) -> None:
    correct(served, article={"id": "a1", **TEXT}, final={"tags": []}, actor="ivanova")
    correct(served, final={"tags": ["u"]})
    undone = served.client.delete("/corrections/2?actor=petrov")
    assert undone.status_code == 201
    assert served.client.delete("/corrections/2").status_code == 200
    assert tags(annotate(served)) == set()
    assert served.client.delete("/corrections/1").status_code == 201
    assert tags(annotate(served)) == {"t"}
    first, second, undo_of_second, undo_of_first = journal(served)
    assert (first["undone_by"], second["undone_by"]) == (undo_of_first["id"], undo_of_second["id"])
    assert (undo_of_second["undoes"], undo_of_second["actor"]) == (2, "petrov")
    assert served.client.delete("/corrections/3").status_code == 409
    assert served.client.delete("/corrections/999").status_code == 404


def test_two_editors_decisions_are_both_kept_in_the_servers_order(served: Served) -> None:
    correct(served, final={"tags": ["t"]}, actor="ivanova", at="2030-01-01T12:00:00+03:00", note="важно")
    correct(served, final={"tags": ["u"]}, actor="petrov", at="2020-01-01")
    first, second = journal(served)
    assert (first["id"], first["actor"], first["at"], first["note"]) == (
        1,
        "ivanova",
        "2030-01-01T12:00:00+03:00",
        "важно",
    )
    assert first["received_at"] < second["received_at"]
    assert tags(annotate(served)) == {"u"}


def test_the_journal_is_read_in_pages_and_by_article_editor_and_time(served: Served) -> None:
    for number in range(5):
        correct(served, article_id=f"a{number % 2}", actor="я" if number < 3 else "ты", final={"tags": []})
    page = served.client.get("/corrections?limit=2&after=2").json()
    assert [one["id"] for one in page["corrections"]] == [3, 4]
    assert page["next"] == 4
    assert served.client.get("/corrections?after=4").json()["next"] is None
    assert [one["id"] for one in journal(served, article_id="a1")] == [2, 4]
    assert [one["id"] for one in journal(served, actor="ты")] == [4, 5]
    third = journal(served)[2]["received_at"]
    assert [one["id"] for one in journal(served, since=third)] == [3, 4, 5]
    assert journal(served, since="2099-01-01") == []
    assert served.client.get("/corrections?since=yesterday").status_code == 400


def test_a_call_with_a_key_is_done_once(served: Served) -> None:
    first = correct(served, "k1", final={"tags": []})
    again = correct(served, "k1", final={"tags": []})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"status": 200} == again.json()
    another = correct(served, "k1", final={"tags": ["u"]})
    assert another.status_code == 409
    assert another.headers["content-type"] == "application/problem+json"
    assert len(journal(served)) == 1


def test_the_same_key_at_the_same_time_writes_once(served: Served) -> None:
    answers: list[int] = []

    def send() -> None:
        with httpx.Client(base_url=served.url, timeout=20) as client:
            sent = {"article_id": "a1", "seen": True, "article": TEXT, "final": {"tags": []}}
            answers.append(client.post("/corrections", json=sent, headers={"Idempotency-Key": "k"}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(201) == 1
    assert set(answers) <= {200, 201, 409}
    assert len(journal(served)) == 1


def test_a_thousand_in_one_call_are_answered_each_in_its_place(served: Served) -> None:
    many: list[Any] = [{"article_id": f"a{i}", "seen": True, "final": {"tags": ["u"]}} for i in range(1000)]
    many[10] = {"article_id": "a10", "seen": True, "final": {"tags": ["u", "no-such-tag"]}}
    many[20] = {"article_id": 20, "seen": True, "final": {"tags": []}}
    many[30] = {"article_id": "a30", "seen": True, "final": {}}
    response = served.client.post("/corrections", json=many, headers={"Idempotency-Key": "many"})
    assert response.status_code == 207
    told = response.json()
    assert [i for i, one in enumerate(told) if one["status"] != 201] == [10, 20, 30]
    assert [one["status"] for one in told if one["status"] != 201] == [422, 400, 400]
    assert told[10]["problem"]["errors"][0]["pointer"] == "/10/final/tags/1"
    assert told[20]["problem"]["errors"][0]["pointer"] == "/20/article_id"
    assert told[30]["problem"]["errors"][0]["pointer"] == "/30/final"
    again = served.client.post("/corrections", json=many, headers={"Idempotency-Key": "many"})
    assert again.status_code == 207
    assert [one.get("id") for one in again.json()] == [one.get("id") for one in told]
    assert again.json()[0]["status"] == 200
    assert len(journal(served, limit=1000)) == 997


def test_lines_are_answered_with_lines(served: Served) -> None:
    lines = b'{"article_id":"a1","seen":true,"final":{"tags":[]}}\n\n{"seen":true}\n'
    response = served.client.post("/corrections", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert response.status_code == 207
    first, second = map(msgspec.json.decode, response.content.splitlines())
    assert (first["status"], second["status"]) == (201, 400)


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ({"seen": True, "final": {"tags": []}}, 400, None),
        ({"article_id": "a", "final": {"tags": []}}, 400, "/seen"),
        ({"article_id": "a", "seen": True}, 400, "/final"),
        ({"article_id": "a", "seen": True, "final": {"tags": "t"}}, 400, "/final/tags"),
        ({"article_id": "a", "seen": True, "final": {"tags": [{"name": "t"}]}}, 400, "/final/tags/0"),
        ({"article_id": "a", "seen": True, "final": {"tags": [{"id": "нет"}]}}, 422, "/final/tags/0"),
        ({"article_id": "a", "seen": True, "final": {"rubric": ["r", "a"]}}, 422, "/final/rubric"),
        ({"article_id": "a", "seen": True, "final": {"regions": ["RU-99"]}}, 422, "/final/regions/0"),
        ({"article_id": "a\0", "seen": True, "final": {"tags": []}}, 400, "/article_id"),
        ({"article_id": "a", "article": {"id": "b", **TEXT}, "seen": True, "final": {"tags": []}}, 400, "/article_id"),
        ({"article": {"body": "…"}, "seen": True, "final": {"tags": []}}, 400, "/article/body"),
        ({"prediction_id": "0123", "seen": True, "final": {"tags": []}}, 422, "/prediction_id"),
        ({"article_id": "a", "seen": "yes", "final": {"tags": []}}, 400, "/seen"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    served: Served, sent: dict[str, Any], status: int, pointer: str | None
) -> None:
    response = served.client.post("/corrections", json=sent, headers={"Accept-Language": "ru"})
    assert response.status_code == status, response.text
    problem = response.json()
    assert [error["pointer"] for error in problem.get("errors", ())] == ([pointer] if pointer else [])
    assert any("а" <= letter <= "я" for letter in problem["detail"]), "not in Russian"
    assert journal(served) == []


def test_a_prediction_that_was_not_kept_loses_no_decision(served: Served) -> None:
    recorded = correct(served, prediction_id="0123456789abcdef", final={"tags": ["u"]})
    assert recorded.status_code == 201
    assert recorded.json()["warnings"] == [{"code": "prediction_not_kept", "pointer": "/prediction_id"}]
    assert tags(annotate(served)) >= {"u"}


def test_the_prediction_names_the_article(served: Served) -> None:
    prediction = annotate(served, "a7")["prediction_id"]
    sent = {"prediction_id": prediction, "seen": True, "final": {"tags": []}}
    assert served.client.post("/corrections", json=sent).json()["article_id"] == "a7"
    assert annotate(served, "a7")["tags"] == []


def test_only_what_an_editor_has_seen_teaches_and_no_draft(served: Served) -> None:
    correct(served, article_id="unseen", article=TEXT, final={"tags": ["u"]}, seen=False)
    correct(served, article_id="draft", article={**TEXT, "stage": "draft"}, final={"tags": ["u"]})
    annotated = annotate(served, "draft by prediction", text="Черновик про мост.", stage="draft")
    correct(served, article_id="d2", prediction_id=annotated["prediction_id"], final={"tags": ["u"]})
    correct(served, article_id="undone", article=TEXT, final={"tags": ["u"]})
    served.client.delete("/corrections/4")
    correct(served, article_id="without a text", final={"tags": ["u"]})
    correct(served, article_id="good", article={**TEXT, "source": "v.example"}, final={"tags": ["t"]})
    correct(served, article_id="good", final={"tags": ["u"], "rubric": "r"})
    correct(served, article_id="good", final={"regions": []})
    exported = served.client.get("/corrections/export")
    assert exported.headers["content-type"].startswith("application/x-ndjson")
    [line] = exported.content.splitlines()
    assert msgspec.json.decode(line) == {
        **TEXT,
        "id": "good",
        "source": "v.example",
        "rubric": "Рубрика baseline",
        "regions": [],
        "tags": ["Другой тег"],
    }
    assert msgspec.json.decode(line, type=LabelledArticle).tags == ("Другой тег",)
    assert "u" not in tags(annotate(served, "unseen"))
    assert "u" in tags(annotate(served, "draft"))


def test_a_page_of_another_site_can_not_decide(served: Served) -> None:
    sent = {"article_id": "a1", "seen": True, "final": {"tags": []}}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert served.client.post("/corrections", json=sent, headers=headers).status_code == 403
        assert served.client.delete("/articles/a1", headers=headers).status_code == 403
    assert journal(served) == []


def test_a_browser_is_believed_under_addresses_and_names_that_are_set(tmp_path: Path) -> None:
    """A name that somebody made point here is his page's, though Origin and Host agree."""
    sent = {"article_id": "a1", "seen": True, "final": {"tags": []}}
    with serving(tmp_path, (), hosts=("Tags.Newsroom.example",)) as served:
        for host, status in {
            "evil.example": 403, "evil.example:8000": 403, "localhost:1": 201, "127.0.0.1": 201, "10.0.0.7:8000": 201,
            "[::1]:8000": 201, "tags.newsroom.example": 201, "TAGS.newsroom.example:443": 201,
        }.items():  # fmt: skip
            headers = {"Host": host, "Origin": f"http://{host}"}
            assert served.client.post("/corrections", json=sent, headers=headers).status_code == status, host
        told = served.client.post(
            "/corrections", json=sent, headers={"Host": "x.example", "Origin": "http://x.example"}
        )
        assert "RUBRICATOR_HOSTS" in told.json()["detail"]
        assert served.client.post("/corrections", json=sent, headers={"Host": "cms.example"}).status_code == 201


def test_an_id_beside_another_labels_name_is_refused(served: Served) -> None:
    final = {"tags": [{"id": "t", "label": "Другой тег"}]}
    refused = correct(served, article={"id": "a1", **TEXT}, final=final)
    assert refused.status_code == 422
    assert "t is «Тег baseline», not «Другой тег»" in refused.json()["detail"]
    final = {"tags": [{"id": "t", "label": "как его зовёт CMS"}]}
    assert correct(served, article={"id": "a1", **TEXT}, final=final).status_code == 201


def test_an_article_whose_id_is_no_utf_8_is_not_another_one(served: Served) -> None:
    assert served.client.delete("/articles/%F1").status_code == 400


def test_every_worker_heeds_what_one_of_them_was_told(tmp_path: Path, store: str) -> None:
    same = store or f"sqlite:///{tmp_path}/store.db"
    with serving(tmp_path / "1", (), store=same) as first, serving(tmp_path / "2", (), store=same) as second:
        correct(first, article={"id": "a1", **TEXT}, final={"tags": []})
        assert annotate(first)["tags"] == []
        deadline = time.monotonic() + 1
        while annotate(second)["tags"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
