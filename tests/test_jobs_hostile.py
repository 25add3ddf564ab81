"""Jobs over HTTP: removed files, calls at the wrong moment, and callbacks that lead nowhere."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.jobs import callback, queue
from service.jobs.callback import CallbackError
from service.jobs.job import Job
from service.jobs.plan import JobError
from tests.test_jobs import LINES, SECRET, archive, ended, send, service, until


@pytest.mark.slow
def test_a_job_whose_folder_is_removed_while_it_runs_holds_up_no_other(tmp_path: Path) -> None:
    with service(tmp_path) as client:
        id_ = send(client, archive(40, times=100)).json()["id"]
        until((tmp_path / "jobs" / id_ / "lock").exists)
        while (tmp_path / "jobs" / id_).exists():
            shutil.rmtree(tmp_path / "jobs" / id_, ignore_errors=True)
        assert ended(client, send(client, archive(2)).json()["id"])["status"] == "done"


def test_a_call_that_is_sent_several_times_at_once_is_one_job(tmp_path: Path) -> None:
    with service(tmp_path) as client, ThreadPoolExecutor(4) as senders:
        sent = list(senders.map(lambda _: send(client, archive(2), {**LINES, "Idempotency-Key": "k"}), range(4)))
        assert sorted(one.status_code for one in sent) == [200, 200, 200, 201]
        [id_] = {one.json()["id"] for one in sent}
        assert ended(client, id_)["status"] == "done"
    jobs = tmp_path / "jobs"
    assert ([one.name for one in jobs.glob("2*")], len(list((jobs / "uploads").iterdir()))) == ([id_], 1)


def test_a_job_that_is_cancelled_while_it_begins_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path) as client:
        told: list[str] = []

        def cancelling(path: Path) -> Job:
            if not told:
                told.append(client.post(f"/jobs/{path.name}/cancel").json()["status"])
            return Job(path)

        monkeypatch.setattr(queue, "Job", cancelling)
        id_ = send(client, archive(2)).json()["id"]
        until(lambda: bool(told))
        time.sleep(3 * queue.EVERY)
        assert (told, client.get(f"/jobs/{id_}").json()["status"]) == (["cancelled"], "cancelled")


@pytest.mark.parametrize("url", ["https://127.0.0.1:9/x", "http://127.0.0.1:9/x"])
def test_a_callback_that_nobody_hears_is_tried_later_and_holds_up_no_job(tmp_path: Path, url: str) -> None:
    with service(tmp_path, callback_secret=SECRET, callbacks_private=True) as client:
        id_ = send(client, archive(2), callback=url).json()["id"]
        until(lambda: client.get(f"/jobs/{id_}").json()["callback"]["attempts"] > 0, 20)


def test_a_callback_of_a_job_that_is_gone_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Any) -> bytes:
        raise JobError("gone")

    monkeypatch.setattr("service.app.told", lambda row, _: gone(row))
    with service(tmp_path, callback_secret=SECRET, callbacks_private=True) as client:
        id_ = send(client, archive(2), callback="http://127.0.0.1:9/x").json()["id"]
        ended(client, id_)
        until(lambda: client.get(f"/jobs/{id_}").json()["callback"]["next_attempt"] is None, 20)


def test_callbacks_are_told_at_addresses_in_cyrillic() -> None:
    heard: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.headers["Host"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        callback.send(f"http://127.0.0.1:{server.server_port}/конец?имя=%D0%B0&b=1", "id", b"{}", SECRET, private=True)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert heard == [
        ("/%D0%BA%D0%BE%D0%BD%D0%B5%D1%86?%D0%B8%D0%BC%D1%8F=%D0%B0&b=1", f"127.0.0.1:{server.server_port}")
    ]


def test_who_answers_a_letter_at_a_time_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "ALTOGETHER", 0.5)
    began = time.monotonic()
    with dripping() as port:
        with pytest.raises(CallbackError):
            callback.send(f"http://127.0.0.1:{port}/", "id", b"{}", SECRET, private=True)
        assert time.monotonic() - began < 3


@contextmanager
def dripping() -> Iterator[int]:
    """A server that sends its answer slowly: 5 s in all."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                for letter in b"HTTP/1.1 204 No Content with very many words in it":
                    connection.sendall(bytes([letter]))
                    time.sleep(0.1)
            except OSError:
                pass

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()
