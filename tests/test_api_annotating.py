"""POST /classify, /tags and /annotate, as a CMS sees them."""

import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.problems import MEDIA_TYPE, language_of
from tests.serving import Served, serving

LIMIT = 100_000
BRIDGE = {"id": "1", "title": "В Вологде открыли мост"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("home"), max_body=LIMIT) as served:
        yield served


def cases() -> list[Any]:
    lines = Path(__file__).with_name("cases").joinpath("bad_input.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [pytest.param(*row, id=row[0][:40] or "nothing") for row in rows]


def as_bytes(cell: str) -> bytes:
    return re.sub(rb"<([0-9a-f]{2})>", lambda match: bytes.fromhex(match[1].decode()), cell.encode())


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """A whole problem, whatever is wrong."""
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    found: dict[str, Any] = response.json()
    assert found["type"].startswith("urn:rubricator:problem:")
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert found["instance"] == response.request.url.path
    return found


def test_an_article_is_annotated_in_one_pass(served: Served) -> None:
    answer = served.client.post("/annotate", json=BRIDGE).json()
    assert answer["id"] == "1"
    assert answer["status"] == "ok"
    assert answer["rubric"]["label"] == "Рубрика baseline"
    assert answer["model"]["version"] == "baseline"
    assert answer["warnings"] == []
    assert answer["took_ms"] >= 0
    assert {"alternatives", "regions", "tags", "suppressed", "notices"} < answer.keys()


def test_parts_that_were_not_asked_for_are_left_out(served: Served) -> None:
    classified = served.client.post("/classify", json=BRIDGE).json()
    assert "rubric" in classified
    assert not {"regions", "tags", "explain"} & classified.keys()
    tagged = served.client.post("/tags", json=BRIDGE).json()
    assert "tags" in tagged
    assert not {"rubric", "alternatives"} & tagged.keys()


def test_the_same_text_gives_the_same_prediction(served: Served) -> None:
    def prediction(article: dict[str, str], **query: Any) -> str:
        return str(served.client.post("/annotate", json=article, params=query).json()["prediction_id"])

    first = prediction(BRIDGE)
    assert re.fullmatch(r"[0-9a-f]{16}", first)
    assert prediction(BRIDGE | {"id": "2"}, limit=1) == first
    assert prediction({"id": "1", "lead": BRIDGE["title"], "title": ""}) != first
    assert prediction(BRIDGE, model=served.versions[0]) != first


def test_what_is_not_read_is_warned_about_or_refused(served: Served) -> None:
    article = {"title": "мост", "body": "открыт"}
    warnings = served.client.post("/annotate", json=article).json()["warnings"]
    assert {"code": "unknown_field", "pointer": "/body", "did_you_mean": "text"} in warnings
    assert {"code": "no_id", "pointer": "/id"} in warnings
    found = problem(served.client.post("/annotate?strict=true", json=article), 400)
    assert found["type"].endswith("unknown-field")
    assert found["errors"] == [{"pointer": "/body", "detail": "this field is not read, did you mean text?"}]


@pytest.mark.parametrize(("body", "status", "pointers", "english", "russian"), cases())
def test_bad_input(served: Served, body: str, status: str, pointers: str, english: str, russian: str) -> None:
    for language, told in (("en", english), ("ru", russian)):
        headers = {"Content-Type": "application/json", "Accept-Language": language}
        response = served.client.post("/annotate", content=as_bytes(body), headers=headers)
        if status == "200":
            assert response.status_code == 200
            continue
        found = problem(response, int(status))
        assert told in found["detail"]
        assert response.headers["content-language"] == language
        assert [error["pointer"] for error in found.get("errors", ())] == pointers.split()
        if language == "ru":
            assert re.search("[а-я]", found["title"])


@pytest.mark.parametrize("body", [b"[" * 50_000, b'{"title":' * 10_000, b'{"title":"a","x":' + b"[" * 50_000])
def test_deep_nesting_is_refused(served: Served, body: bytes) -> None:
    problem(served.client.post("/annotate", content=body), 400)


@pytest.mark.parametrize(
    ("query", "pointer", "told"),
    [
        ("limt=3", "?limt", "did you mean limit?"),
        ("Limit=3", "?Limit", "did you mean limit?"),
        ("zzz=3", "?zzz", "known are explain, limit"),
        ("limit=0", "?limit", "limit must be a whole number from 1 to 1000"),
        ("limit=many", "?limit", "limit must be a whole number from 1 to 1000"),
        ("limit=", "?limit", "limit must be a whole number from 1 to 1000"),
        ("threshold=1.5", "?threshold", "threshold must be a number from 0 to 1"),
        ("threshold=nan", "?threshold", "threshold must be a number from 0 to 1"),
        ("explain=all", "?explain", "explain must be none or words"),
        ("profile=fast", "?profile", "profile must be precision or balanced or recall"),
        ("profile=null", "?profile", "profile must be precision or balanced or recall"),
        ("profile=", "?profile", "profile must be precision or balanced or recall"),
        ("limit=null", "?limit", "limit must be a whole number from"),
        ("threshold=NULL", "?threshold", "threshold must be a number from 0 to 1"),
        ("spans=bytes", "?spans", "spans must be codepoints or utf16"),
        ("strict=perhaps", "?strict", "strict must be true or false"),
        ("limit=1&limit=2", "?limit", "the parameter limit comes twice"),
        ("limit=%ff", None, "the query is not UTF-8"),
    ],
)
def test_a_wrong_parameter_is_named(served: Served, query: str, pointer: str | None, told: str) -> None:
    found = problem(served.client.post(f"/annotate?{query}", json=BRIDGE), 400)
    assert told in found["detail"]
    assert [error["pointer"] for error in found.get("errors", ())] == ([pointer] if pointer else [])
    russian = served.client.post(f"/annotate?{query}", json=BRIDGE, headers={"Accept-Language": "ru"}).json()
    assert re.search("[а-я]", russian["detail"])
    assert "must be" not in russian["detail"]


def test_fields_of_other_names_are_told_where_the_text_is_missing(served: Served) -> None:
    found = problem(served.client.post("/annotate", json={"headline": "Мост", "body": "Открыт", "views": 3}), 400)
    assert found["errors"] == [
        {"pointer": "/headline", "detail": "this field is not read, did you mean title?"},
        {"pointer": "/body", "detail": "this field is not read, did you mean text?"},
        {"pointer": "/views", "detail": "this field is not read"},
    ]


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        (None, {"code": "source_missing", "pointer": "/source", "did_you_mean": "gazeta.ru"}),
        (" ", {"code": "source_missing", "pointer": "/source", "did_you_mean": "gazeta.ru"}),
        ("Gazeta", {"code": "source_unknown", "pointer": "/source", "did_you_mean": "gazeta.ru"}),
        ("other.example", {"code": "source_unknown", "pointer": "/source"}),
        ("small.ru", None),
        (" GAZETA.ru", None),
    ],
)
def test_a_source_that_its_sender_can_mend_is_told(
    served: Served, source: str | None, warning: dict[str, str] | None
) -> None:
    article = BRIDGE | ({"source": source} if source is not None else {})
    answer = served.client.post("/annotate", params={"model": served.versions[0]}, json=article).json()
    assert answer["warnings"] == ([warning] if warning else [])
    assert served.client.post("/annotate", json=article).json()["warnings"] == []  # the baseline never says `auto`


def test_an_unknown_address_is_answered_with_where_to_look(served: Served) -> None:
    found = problem(served.client.post("/anotate", json=BRIDGE), 404)
    assert found["detail"] == "there is nothing at /anotate: /docs lists what there is"
    russian = served.client.get("/anotate", headers={"Accept-Language": "ru"}).json()
    assert "/docs" in russian["detail"] and re.search("[а-я]", russian["detail"])


def test_too_many_parameters_are_told_as_such(served: Served) -> None:
    found = problem(served.client.post(f"/annotate?{'a=1&' * 101}", json=BRIDGE), 400)
    assert found["detail"] == "the query has more than 100 parameters"


def test_the_limit_holds_for_each_list_and_the_threshold_reaches_the_model(served: Served) -> None:
    answer = served.client.post("/annotate?limit=1&threshold=0.25", json=BRIDGE).json()
    assert len(answer["tags"]) == len(answer["alternatives"]) == 1
    assert answer["tags"][0]["score"] == 0.25


def test_a_model_can_be_asked_for(served: Served) -> None:
    [first, _] = served.versions
    response = served.client.post(f"/annotate?model={first}", json=BRIDGE)
    assert response.json()["rubric"]["label"] == f"Рубрика {first}"
    assert response.headers["x-model-version"] == response.json()["model"]["version"] == first
    for unknown in ("20200101-00000000", "../../etc", "x" * 300):
        found = problem(served.client.post("/annotate", params={"model": unknown}, json=BRIDGE), 404)
        assert found["type"].endswith("unknown-version")


def test_too_large_a_body_is_refused_with_the_limit(served: Served) -> None:
    body = json.dumps({"title": "м" * LIMIT}).encode()
    found = problem(served.client.post("/annotate", content=body), 413)
    assert found["max_bytes"] == LIMIT
    assert "RUBRICATOR_MAX_BODY" in found["detail"]


def test_a_chunked_body_is_measured_while_it_is_read(served: Served) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"title":"'
        for _ in range(40):
            yield b"x" * 10_000
        yield b'"}'

    assert problem(served.client.post("/annotate", content=endless()), 413)["max_bytes"] == LIMIT
    assert served.client.post("/annotate", content=iter([b'{"title":', b'"x"}'])).status_code == 200


def test_not_a_byte_is_read_of_a_body_that_announces_too_much(served: Served) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"POST /annotate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-ndjson"},
        {"Content-Type": "application/json; charset=windows-1251"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_another_kind_of_body_is_not_read(served: Served, headers: dict[str, str]) -> None:
    response = served.client.post("/annotate", content=json.dumps(BRIDGE), headers=headers | {"Accept-Language": "ru"})
    assert re.search("[а-я]", problem(response, 415)["detail"])


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "APPLICATION/JSON; charset=UTF-8",
        "application/ld+json",
        'application/json;charset="utf-8"',
    ],
)
def test_json_goes_by_several_names(served: Served, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert served.client.post("/annotate", content=json.dumps(BRIDGE), headers=headers).status_code == 200


def test_an_article_beyond_the_model_is_our_failure_and_tells_nothing(served: Served) -> None:
    found = problem(served.client.post("/annotate", json={"title": "!"}), 500)
    assert "beyond" not in json.dumps(found)


def test_a_slow_client_keeps_nobody_waiting(served: Served) -> None:
    head = b"POST /annotate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    slow = [socket.create_connection(served.address) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(head + b'{"title":')
        started = time.monotonic()
        for _ in range(20):
            assert served.client.post("/annotate", json=BRIDGE).status_code == 200
        assert time.monotonic() - started < 5
    finally:
        for connection in slow:
            connection.close()
    assert served.client.get("/health/ready").status_code == 200


def test_many_bad_requests_harm_no_good_one(served: Served) -> None:
    bad = [b"[" * 50_000, b"\xff", b'{"title":' + b"9" * 5000 + b"}", b"{}", b'{"title":"!"}']

    def ask(number: int) -> bool:
        if number % 2:
            return served.client.post("/annotate", content=bad[number % len(bad)]).status_code >= 400
        answer = served.client.post("/annotate", json=BRIDGE | {"id": str(number)}).json()
        return bool(answer["id"] == str(number))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200)))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("en-US,en;q=0.9,ru;q=0.8", "en"),
        ("RU", "ru"),
        ("de, ru;q=0.1", "ru"),
        ("de", "en"),
        ("*", "en"),
        ("ru;q=0", "en"),
        ("ru;q=x, en;q=0.1", "en"),
        ("," * 1000, "en"),
    ],
)
def test_problems_are_told_in_the_language_that_is_preferred(header: str | None, language: str) -> None:
    assert language_of(header) == language
