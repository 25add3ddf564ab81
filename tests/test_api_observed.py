"""What every answer bears, and what it leaves behind in the metrics and the log."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from service.app import create_app
from service.log import log_to
from service.settings import Settings
from tests.fake_service import fake_model, fake_registry
from tests.serving import Served, serving

BRIDGE = {"id": "1", "title": "В Вологде открыли мост"}
SECRET = "тайна-тайна"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, max_body=10_000) as served:
        yield served


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log_to(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines_of(log: io.StringIO, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == event]


def requests(client: httpx.Client) -> list[httpx.Response]:
    """One of each kind of answer."""
    return [
        client.post("/annotate", json=BRIDGE),
        client.post("/annotate", content=b"x"),
        client.post("/annotate", content=b"x" * 20_000),
        client.post("/annotate", json={"title": "!"}),
        client.post("/annotate", data={"title": "мост"}),
        client.post("/annotate/batch", content=json.dumps(BRIDGE), headers={"Content-Type": "application/x-ndjson"}),
        client.get("/annotate"),
        client.get("/nowhere"),
        client.get("/health/live"),
        client.head("/health/live"),
        client.options("/annotate"),
        client.request("PROPFIND", "/annotate"),
    ]


def test_every_answer_bears_the_three_headers(served: Served) -> None:
    answers = requests(served.client)
    assert [answer.status_code for answer in answers] == [200, 400, 413, 500, 415, 200, 405, 404, 200, 200, 204, 405]
    for answer in answers:
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
        assert answer.headers["x-model-version"] == "baseline"
        assert re.fullmatch(r"total;dur=\d+\.\d\d", answer.headers["server-timing"])


@pytest.mark.parametrize(
    ("sent", "kept"), [("cms-42/a.b:c", True), ("x" * 128, True), ("x" * 129, False), ("a b", False)]
)
def test_a_sane_request_id_is_kept(served: Served, sent: str, kept: bool) -> None:
    answer = served.client.get("/nowhere", headers={"X-Request-Id": sent})
    assert (answer.headers["x-request-id"] == sent) is kept


def test_head_answers_as_get_without_the_body(served: Served) -> None:
    for path in ("/health/ready", "/openapi.json", "/docs", "/models"):
        head, get = served.client.head(path), served.client.get(path)
        assert head.status_code == get.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == str(len(get.content))
    assert served.client.head("/annotate").status_code == 405


def test_methods_are_told(served: Served) -> None:
    assert served.client.options("/annotate").headers["allow"] == "OPTIONS, POST"
    wrong = served.client.put("/annotate", json=BRIDGE, headers={"Accept-Language": "ru"})
    assert set(wrong.headers["allow"].split(", ")) == {"OPTIONS", "POST"}
    assert "/annotate принимает" in wrong.json()["detail"]


def test_health_takes_no_parameters(served: Served) -> None:
    assert served.client.get("/health/live").json() == {"status": "live"}
    ready = served.client.get("/health/ready").json()
    assert ready.pop("age")["most"] == 45
    assert ready == {
        "status": "ready", "model": "baseline", "vocabulary": "words of baseline", "problem": None, "held_back": [],
    }  # fmt: skip
    wrong = served.client.get("/health/ready?x=1")
    assert wrong.json()["detail"] == "there is no parameter 'x', this address takes none"


def test_what_the_client_saw_is_what_is_counted(served: Served) -> None:
    """Also what was refused around the handler: Litestar's own plugin counts such a 413 as 200."""
    requests(served.client)
    metrics = served.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    counted = dict(re.findall(r"rubricator_requests_total{(.*)} (\S+)", metrics.text))
    for labels, count in [
        ('method="POST",route="/annotate",status="200"', "1.0"),
        ('method="POST",route="/annotate",status="400"', "1.0"),
        ('method="POST",route="/annotate",status="413"', "1.0"),
        ('method="POST",route="/annotate",status="415"', "1.0"),
        ('method="POST",route="/annotate",status="500"', "1.0"),
        ('method="POST",route="/annotate/batch",status="200"', "1.0"),
        ('method="HEAD",route="/health/live",status="200"', "1.0"),
        ('method="GET",route="(none)",status="404"', "1.0"),
        ('method="other",route="(none)",status="405"', "1.0"),
    ]:
        assert counted[labels] == count, labels
    assert re.search(r'rubricator_request_seconds_bucket{[^}]*le="\+Inf"[^}]*} 6.0', metrics.text)
    assert 'rubricator_request_seconds_count{route="/annotate"} 6.0' in metrics.text


def test_articles_decisions_and_abstentions_are_counted(served: Served) -> None:
    served.client.post("/annotate/batch?limit=2", json=[BRIDGE, BRIDGE, {"title": "bridge"}, {}])
    text = served.client.get("/metrics").text
    for line in (
        "rubricator_articles_total 3.0",
        "rubricator_articles_refused_total 1.0",
        'rubricator_decisions_total{decision="review",head="rubric"} 2.0',
        'rubricator_decisions_total{decision="abstain",head="rubric"} 1.0',
        'rubricator_decisions_total{decision="review",head="tags"} 4.0',
        'rubricator_abstentions_total{reason="not_russian"} 1.0',
        'rubricator_model_info{version="baseline",vocabulary="words of baseline"} 1.0',
        "rubricator_model_swaps_total 0.0",
        "process_resident_memory_bytes",
    ):
        assert line in text


def test_each_request_writes_one_line_without_its_body(log: io.StringIO, served: Served) -> None:
    article = {"id": SECRET, "title": SECRET, "text": SECRET, SECRET: SECRET}
    answer = served.client.post("/annotate?model=" + SECRET, json=article, headers={"X-Request-Id": "cms-42"})
    assert answer.status_code == 404
    served.client.post("/annotate", json=article, headers={"X-Request-Id": "cms-43"})
    served.client.post("/annotate", json={"title": "!", "text": SECRET}, headers={"X-Request-Id": "cms-44"})
    first, second, third = lines_of(log, "request")
    assert first | {"at": "", "ms": 0} == {
        "at": "",
        "level": "info",
        "logger": "service.requests",
        "event": "request",
        "method": "POST",
        "path": "/annotate",
        "status": 404,
        "ms": 0,
        "request_id": "cms-42",
    }
    assert (second["status"], third["status"], third["request_id"]) == (200, 500, "cms-44")
    assert SECRET not in log.getvalue()


def test_a_failure_leaves_its_traceback_under_the_request_id(log: io.StringIO, served: Served) -> None:
    served.client.post("/annotate", json={"title": "!"}, headers={"X-Request-Id": "cms-42"})
    [line] = lines_of(log, "a request failed")
    assert line["request_id"] == "cms-42"
    assert "RuntimeError: this article is beyond the model" in line["exception"]


def test_the_request_lines_can_be_switched_off(log: io.StringIO, served: Served) -> None:
    log_to(log, "warning")
    served.client.post("/annotate", json=BRIDGE)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    # the store may have been made meanwhile, and the baseline is old
    assert [
        line for line in lines if line["logger"] != "service.aging" and not line["logger"].startswith("alembic")
    ] == []


def test_an_exchange_of_the_model_is_logged(log: io.StringIO, served: Served) -> None:
    served.client.post(f"/models/{served.versions[0]}/activate")
    [line] = lines_of(log, "model exchanged")
    assert (line["from"], line["to"]) == ("baseline", served.versions[0])


def test_the_app_runs_without_a_server_too(tmp_path: Path) -> None:
    registry, _ = fake_registry(tmp_path)
    app = create_app(Settings(home=tmp_path), registry, fake_model)
    with TestClient(app, base_url="http://testserver.local") as client:
        assert client.post("/annotate", json=BRIDGE).json()["status"] == "ok"
        assert client.post("/models/rollback").status_code == 403
