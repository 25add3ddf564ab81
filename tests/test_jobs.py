"""Bulk retagging over HTTP: sent, worked on beside the answers, fetched; cancelled, resumed, told of."""

import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from service.__main__ import app
from service.app import create_app
from service.jobs.callback import CallbackError, check
from service.jobs.job import Job
from service.settings import Settings
from tests.process import process
from tests.s3_server import Bucket, bucket, variables  # noqa: F401 - fixtures
from tests.sample_model import labelled_articles
from tests.serving import listening

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0"
LINES = {"Content-Type": "application/x-ndjson"}
ALL = {"accept": "review", "max_change": 1.0}


def archive(articles: int = 40, times: int = 1) -> bytes:
    rows = [
        json.dumps({"id": f"{one.id}-{again}", "title": one.title, "text": one.text, "odd": again}, ensure_ascii=False)
        for again in range(times)
        for one in labelled_articles()[:articles]
    ]
    return ("\n".join(rows) + "\n").encode()


@contextmanager
def service(home: Path, **settings: Any) -> Iterator[httpx.Client]:
    with (
        listening(create_app(Settings(home=home, jobs_workers=1, **settings))) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield client


@pytest.fixture
def client(tmp_path: Path, store: str) -> Iterator[httpx.Client]:
    with service(tmp_path, store=store) as client:
        yield client


def send(client: httpx.Client, content: bytes, headers: dict[str, str] = LINES, **options: Any) -> httpx.Response:
    return client.post("/jobs", params={"options": json.dumps({**ALL, **options})}, content=content, headers=headers)


def ended(client: httpx.Client, id_: str, seconds: float = 60) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        told: dict[str, Any] = client.get(f"/jobs/{id_}").json()
        if told["status"] not in {"queued", "running", "cancelling"}:
            return told
        assert time.monotonic() < end, told
        time.sleep(0.1)


def retagged(tmp_path: Path, content: bytes) -> bytes:
    """What the command makes of it."""
    (tmp_path / "in.jsonl").write_bytes(content)
    arguments = ["retag", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "--accept", "review", "--yes"]
    told = CliRunner().invoke(app, arguments, env={"RUBRICATOR_HOME": str(tmp_path / "command")})
    assert told.exit_code == 0, told.output
    return (tmp_path / "out.jsonl").read_bytes()


def test_an_archive_that_is_sent_comes_back_as_the_command_makes_it(client: httpx.Client, tmp_path: Path) -> None:
    sent = send(client, archive())
    assert sent.status_code == 201, sent.text
    job = sent.json()
    assert (job["status"], job["input"], sent.headers["Location"]) == ("queued", None, f"/jobs/{job['id']}")
    told = ended(client, job["id"])
    assert (told["status"], told["counts"]["articles"], told["share"]) == ("done", 40, 1.0)
    results = client.get(f"/jobs/{job['id']}/results")
    assert results.headers["Content-Type"].startswith("application/x-ndjson")
    assert results.content == retagged(tmp_path, archive())
    assert client.get(f"/jobs/{job['id']}/errors").content == b""
    assert "<html" in client.get(f"/jobs/{job['id']}/report").text
    assert [one["id"] for one in client.get("/jobs").json()] == [job["id"]]
    assert client.get("/numbers").json()["store"]["predictions"] == 0


def test_a_packed_archive_comes_back_packed_and_bad_lines_are_told(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/gzip"}
    job = send(client, gzip.compress(archive(5) + b"no json\n"), headers).json()
    assert ended(client, job["id"])["rejected"] == 1
    assert len(gzip.decompress(client.get(f"/jobs/{job['id']}/results").content).splitlines()) == 5
    [error] = client.get(f"/jobs/{job['id']}/errors").text.splitlines()
    assert json.loads(error)["line"] == 6


@pytest.mark.slow
def test_what_changes_too_much_is_held_until_it_is_confirmed(client: httpx.Client) -> None:
    job = send(client, archive(), max_change=0.01).json()
    assert ended(client, job["id"])["status"] == "held"
    assert client.get(f"/jobs/{job['id']}/results").status_code == 409
    assert client.post(f"/jobs/{job['id']}/resume", json={}).status_code == 409
    assert client.post(f"/jobs/{job['id']}/resume", json={"max_change": 1}).json()["status"] == "queued"
    assert ended(client, job["id"])["status"] == "done"
    assert client.post(f"/jobs/{job['id']}/resume", json={"max_change": 1}).status_code == 409


def test_a_dry_run_has_a_report_and_no_results(client: httpx.Client) -> None:
    job = send(client, archive(5), dry_run=True).json()
    assert ended(client, job["id"])["status"] == "done"
    assert client.get(f"/jobs/{job['id']}/results").status_code == 409
    assert client.get(f"/jobs/{job['id']}/report").status_code == 200


def test_a_call_that_is_sent_again_is_one_job(client: httpx.Client) -> None:
    first, again = (send(client, archive(3), {**LINES, "Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert send(client, archive(2), {**LINES, "Idempotency-Key": "k"}).status_code == 409


@pytest.mark.slow
def test_paths_are_read_and_written_in_allowed_folders_alone(tmp_path: Path) -> None:
    allowed = tmp_path / "archive"
    allowed.mkdir()
    (allowed / "in.jsonl").write_bytes(archive(5))
    (tmp_path / "secret.jsonl").write_bytes(archive(1))
    (allowed / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with service(tmp_path / "home", jobs_folders=(allowed,)) as client:
        for name in ("../secret.jsonl", "link.jsonl", "/etc/passwd", "../nothing.jsonl", "\0"):
            sent = {**ALL, "input": str(allowed / name), "output": str(allowed / "out.jsonl")}
            assert client.post("/jobs", json=sent).status_code in {400, 403}, name
        elsewhere = {**ALL, "input": str(allowed / "in.jsonl"), "output": str(tmp_path / "out.jsonl")}
        assert client.post("/jobs", json=elsewhere).status_code == 403
        missing = {**ALL, "input": str(allowed / "no.jsonl"), "output": str(allowed / "out.jsonl")}
        assert client.post("/jobs", json=missing).status_code == 422
        url = {**ALL, "input": "s3://bucket/in.jsonl", "output": str(allowed / "out.jsonl")}
        assert client.post("/jobs", json=url).status_code == 403
        sent = {**ALL, "input": str(allowed / "in.jsonl"), "output": str(allowed / "out.jsonl")}
        job = client.post("/jobs", json=sent).json()
        assert ended(client, job["id"])["status"] == "done"
        assert len((allowed / "out.jsonl").read_bytes().splitlines()) == 5
    with service(tmp_path / "other") as client:
        refused = client.post("/jobs", json=sent)
        assert (refused.status_code, "RUBRICATOR_JOBS_FOLDERS" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("content", "options", "headers", "status", "said"),
    [
        (b"", {}, LINES, 400, "empty"),
        (b"{}", {"heads": ["colour"]}, LINES, 400, "heads"),
        (b"{}", {"speed": 9}, LINES, 400, "speed"),
        (b"{}", {"max_change": 2}, LINES, 400, "max_change"),
        (b"{}", {"model": "20200101-00000000"}, LINES, 422, "20200101-00000000"),
        (b"{}", {"callback": "https://example.org/"}, LINES, 422, "RUBRICATOR_CALLBACK_SECRET"),
        (b"{}", {}, {"Content-Type": "text/csv"}, 415, "text/csv"),
        (b"{}", {}, {**LINES, "Origin": "http://evil.example"}, 403, "page"),
    ],
)
def test_what_can_not_be_done_is_told_at_once_and_leaves_nothing(
    client: httpx.Client, tmp_path: Path, content: bytes, options: Any, headers: Any, status: int, said: str
) -> None:
    refused = send(client, content, headers, **options)
    assert (refused.status_code in {status, 404}, said in refused.text) == (True, True), refused.text
    uploads = tmp_path / "jobs" / "uploads"
    assert not uploads.exists() or list(uploads.iterdir()) == []
    assert client.get("/jobs").json() == []


@pytest.mark.slow
def test_limits_hold(tmp_path: Path) -> None:
    with service(tmp_path, jobs_upload=1000, jobs_waiting=0) as client:
        refused = send(client, archive(1))
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    with service(tmp_path / "b", jobs_upload=1000) as client:
        refused = send(client, archive(5))
        assert (refused.status_code, refused.json()["max_bytes"]) == (413, 1000)
        chunked = client.post("/jobs", content=iter([archive(5)] * 3), headers=LINES)
        assert chunked.status_code == 413
    for address in ("", "/results", "/errors", "/report"):
        with service(tmp_path / "c") as client:
            assert client.get(f"/jobs/20260101-000000-abcd{address}").status_code == 404


class Listener:
    """An address that is told how jobs end; fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.failures = failures
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(500 if len(outer.calls) <= outer.failures else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ended?x=1"


@pytest.fixture
def listener() -> Iterator[Listener]:
    told = Listener(failures=2)
    thread = threading.Thread(target=told.server.serve_forever)
    thread.start()
    try:
        yield told
    finally:
        told.server.shutdown()
        thread.join()
        told.server.server_close()


@pytest.mark.slow
def test_the_end_is_told_signed_and_again_until_it_is_heard(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.jobs.queue.BACK_OFF", (0, 0, 0))
    with service(tmp_path, callback_secret=SECRET, callbacks_private=True) as client:
        job = send(client, archive(3), callback=listener.url).json()
        ended(client, job["id"])
        end = time.monotonic() + 20
        while (
            len(listener.calls) < 3 or client.get(f"/jobs/{job['id']}").json()["callback"]["next_attempt"] is not None
        ):
            assert time.monotonic() < end
            time.sleep(0.1)
        assert client.get(f"/jobs/{job['id']}").json()["callback"]["attempts"] == 3
    assert len({headers["webhook-id"] for headers, _ in listener.calls}) == 1
    headers, body = listener.calls[-1]
    told = Webhook(SECRET).verify(body, headers)
    assert (told["type"], told["data"]["id"], told["data"]["counts"]["articles"]) == ("job.done", job["id"], 3)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "https://[::1]/", "http://10.0.0.8/", "http://192.168.1.1/x",
        "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://2130706433/",
        "ftp://example.org/", "file:///etc/passwd", "http://user:pw@example.org/", "http:///x", "nonsense",
        "http://example.org:99999/", "http://" + "a" * 3000,
        "http://[2002:7f00:1::]/", "http://[64:ff9b::a00:1]/", "http://[64:ff9b:1::a00:1]/", "http://[::7f00:1]/",
        "http://[fec0::1]/",
    ],
)  # fmt: skip
def test_no_callback_goes_to_addresses_of_this_network(url: str) -> None:
    with pytest.raises(CallbackError):
        check(url, private=False)


@pytest.mark.slow
def test_a_job_survives_the_death_of_its_service_and_is_done_once(tmp_path: Path) -> None:
    content = archive(40, times=600)
    with process(tmp_path / "home", jobs_workers="1") as (running, client):
        job = send(client, content).json()
        folder = tmp_path / "home" / "jobs" / job["id"]
        while client.get(f"/jobs/{job['id']}").json()["status"] == "queued":
            time.sleep(0.05)
        running.kill(signal.SIGKILL)
        running.start()
        with httpx.Client(base_url=running.url, timeout=30) as again:
            assert ended(again, job["id"], 300)["status"] == "done"
            results = again.get(f"/jobs/{job['id']}/results").content
    assert results == retagged(tmp_path, content)
    assert not (folder / "parts").exists()


@pytest.mark.slow
def test_a_job_is_cancelled_and_gone_on_with(tmp_path: Path) -> None:
    content = archive(40, times=1000)
    with process(tmp_path / "home", jobs_workers="1") as (_, client):
        job = send(client, content).json()
        while client.get(f"/jobs/{job['id']}").json()["status"] == "queued":
            time.sleep(0.05)
        assert client.post(f"/jobs/{job['id']}/cancel").json()["status"] == "cancelling"
        assert ended(client, job["id"], 120)["status"] == "cancelled"
        assert client.post(f"/jobs/{job['id']}/cancel").status_code == 409
        client.post(f"/jobs/{job['id']}/resume", json={})
        assert ended(client, job["id"], 300)["status"] == "done"
        assert client.get(f"/jobs/{job['id']}/results").content == retagged(tmp_path, content)


@pytest.mark.slow
def test_of_two_workers_one_does_the_job(tmp_path: Path) -> None:
    with process(tmp_path / "home", workers="2", jobs_workers="1") as (_, client):
        jobs = [send(client, archive(20)).json()["id"] for _ in range(3)]
        assert [ended(client, one)["status"] for one in jobs] == ["done"] * 3
    assert (tmp_path / "home" / "jobs" / ".queue").exists()


def test_a_refused_job_never_removes_what_it_was_to_read(tmp_path: Path) -> None:
    """Only what was sent over HTTP is ours to remove, whatever a newsroom calls its folders."""
    archives = tmp_path / "uploads"
    archives.mkdir()
    (archives / "in.jsonl").write_bytes(archive(2))
    (archives / "other.jsonl").write_bytes(archive(1))
    with service(tmp_path / "home", jobs_folders=(archives,)) as client:
        sent = {**ALL, "input": str(archives / "in.jsonl"), "output": str(archives / "out.jsonl")}
        assert client.post("/jobs", json={**sent, "model": "20200101-00000000"}).status_code in {404, 422}
    assert (archives / "in.jsonl").read_bytes() == archive(2)
    assert (archives / "other.jsonl").exists()


def test_a_secret_that_can_not_sign_is_told_before_the_job_begins(tmp_path: Path, listener: Listener) -> None:
    with service(tmp_path, callback_secret="whsec_не base64", callbacks_private=True) as client:
        refused = send(client, archive(1), callback=listener.url)
        assert (refused.status_code, "RUBRICATOR_CALLBACK_SECRET" in refused.text) == (422, True)


def test_what_is_held_is_told_in_russian_too(client: httpx.Client) -> None:
    job = send(client, archive(5), max_change=0.0).json()
    assert ended(client, job["id"])["status"] == "held"
    told = client.post(f"/jobs/{job['id']}/resume", json={}, headers={"Accept-Language": "ru"}).json()
    assert "посмотрите отчёт" in told["detail"]


@pytest.mark.slow
def test_what_a_killed_service_left_at_work_can_be_cancelled(tmp_path: Path) -> None:
    content = archive(40, times=1000)
    with process(tmp_path / "home", jobs_workers="1") as (running, client):
        job = send(client, content).json()
        found = Job(tmp_path / "home" / "jobs" / job["id"])
        until(lambda: (found.folder / "lock").exists() and found.is_running)
        running.kill(signal.SIGKILL)
        pid = int((found.folder / "lock").read_text().split()[0])
        running.start()
        with httpx.Client(base_url=running.url, timeout=30) as again:
            until(lambda: again.get(f"/jobs/{job['id']}").json()["status"] == "running")
            assert again.post(f"/jobs/{job['id']}/cancel").json()["status"] == "cancelling"
            assert ended(again, job["id"])["status"] == "cancelled"
        assert not found.is_running
        until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_process_of_another_machine_is_left_alone(tmp_path: Path) -> None:
    with service(tmp_path) as client:
        id_ = send(client, archive(3)).json()["id"]
        ended(client, id_)
    job = Job(tmp_path / "jobs" / id_)
    with job.alone():
        for content in (f"{os.getpid()} another-machine", "nonsense", ""):
            (job.folder / "lock").write_text(content)
            job.stop()  # else this process would end


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_oldest_that_are_done_make_room_and_without_room_nothing_is_taken(tmp_path: Path) -> None:
    with service(tmp_path, jobs_bytes=600_000) as client:
        ids = []
        for _ in range(3):
            sent = send(client, archive(40))
            assert sent.status_code == 201, sent.text
            ids.append(sent.json()["id"])
            assert ended(client, ids[-1])["status"] == "done"
            (tmp_path / "jobs" / ids[-1] / "padding").write_bytes(b"x" * 200_000)
        assert [client.get(f"/jobs/{one}").status_code for one in ids] == [410, 200, 200]
        assert len(list((tmp_path / "jobs" / "uploads").iterdir())) == 2
        (tmp_path / "jobs" / "others").write_bytes(b"x" * 600_000)
        refused = send(client, archive(40))
        assert (refused.status_code, "600000 bytes" in refused.json()["detail"]) == (507, True)
        assert list((tmp_path / "jobs" / "uploads").iterdir()) == []


def test_a_job_that_can_be_taken_back_makes_no_room(tmp_path: Path) -> None:
    newsroom = tmp_path / "newsroom"
    newsroom.mkdir()
    (newsroom / "in.jsonl").write_bytes(archive(5))
    with service(tmp_path / "home", jobs_bytes=600_000, jobs_folders=(newsroom,)) as client:
        path = str(newsroom / "in.jsonl")
        id_ = client.post("/jobs", json={**ALL, "input": path, "output": path}).json()["id"]
        assert ended(client, id_)["status"] == "done"
        (tmp_path / "home" / "jobs" / id_ / "padding").write_bytes(b"x" * 600_000)
        assert send(client, archive(5)).status_code == 507
        assert client.get(f"/jobs/{id_}").status_code == 200


def test_what_is_sent_again_needs_no_room(tmp_path: Path) -> None:
    with service(tmp_path, jobs_bytes=600_000) as client:
        keyed = {**LINES, "Idempotency-Key": "one"}
        id_ = send(client, archive(5), keyed).json()["id"]
        assert ended(client, id_)["status"] == "done"
        (tmp_path / "jobs" / id_ / "padding").write_bytes(b"x" * 600_000)
        again = send(client, archive(5), keyed)
        assert (again.status_code, again.json()["id"]) == (200, id_)


def test_a_small_archive_that_unpacks_to_a_large_one_fills_no_disk(tmp_path: Path) -> None:
    with service(tmp_path, jobs_bytes=1_000_000) as client:
        bomb = gzip.compress(b" " * 5_000_000)
        told = ended(client, send(client, bomb, {"Content-Type": "application/gzip"}).json()["id"])
        assert told["status"] == "failed"
        assert "RUBRICATOR_JOBS_BYTES" in told["note"]
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1_000_000
        assert ended(client, send(client, archive(5)).json()["id"])["status"] == "done"


@pytest.mark.slow
def test_objects_are_read_and_written_where_the_settings_allow_it(tmp_path: Path, bucket: Bucket) -> None:
    bucket.put("archive/in.jsonl", archive(5))
    bucket.put("secret.jsonl", archive(1))
    with service(tmp_path / "home", jobs_urls=(bucket.url("archive/"),)) as client:
        for name in ("secret.jsonl", "archive/../secret.jsonl", "archive-of-others/in.jsonl"):
            sent = {**ALL, "input": bucket.url(name), "output": bucket.url("archive/out.jsonl")}
            assert client.post("/jobs", json=sent).status_code == 403, name
        sent = {**ALL, "input": bucket.url("archive/in.jsonl"), "output": bucket.url("secret.jsonl")}
        assert client.post("/jobs", json=sent).status_code == 403
        for url in ("postgresql://h/d?table=articles", "file:///etc/passwd"):
            assert client.post("/jobs", json={**sent, "input": url}).status_code == 403
        missing = {**sent, "input": bucket.url("archive/no.jsonl"), "output": bucket.url("archive/out.jsonl")}
        assert client.post("/jobs", json=missing).status_code == 422
        foreign = {**sent, "output": bucket.url("archive/out.jsonl"), "model": bucket.url("models/theirs")}
        assert client.post("/jobs", json=foreign).status_code == 422
        job = client.post("/jobs", json={**sent, "output": bucket.url("archive/out/")}).json()
        assert ended(client, job["id"])["status"] == "done"
        results = client.get(f"/jobs/{job['id']}/results")
        assert (results.status_code, bucket.url("archive/out/in.jsonl") in results.text) == (409, True)
    assert len(bucket.get("archive/out/in.jsonl").splitlines()) == 5
