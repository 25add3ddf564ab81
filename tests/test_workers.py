"""Several workers behind one port, as an operator sees them: real processes, a real model."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import httpx
import pytest

from service.loading import open_registry
from service.settings import Settings
from tests.sample_model import trained

pytestmark = pytest.mark.slow

BRIDGE = {"id": "1", "title": "В Твери открыли мост через Волгу"}
ENOUGH = 60  # connections after which each of two workers has had some


@dataclass(frozen=True)
class Service:
    process: "subprocess.Popen[str]"
    url: str
    home: Path

    def workers(self) -> list[int]:
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

    def ask(self) -> str:
        """The version that answers, over a connection of its own."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        try:
            connection.request("POST", "/annotate", json.dumps(BRIDGE), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return answer.headers["X-Model-Version"]
        finally:
            connection.close()

    def counted(self) -> int:
        found = re.search(r"^rubricator_articles_total (\d+)", httpx.get(f"{self.url}/metrics").text, re.MULTILINE)
        assert found
        return int(found[1])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    command = [str(Path(sys.executable).with_name("rubricator")), "serve", "--port", "0", "--workers", "2"]
    environment = {**os.environ, "RUBRICATOR_HOME": str(tmp_path)}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        yield Service(process, line.split()[-1], tmp_path)
        process.terminate()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def answered_by(service: Service, version: str) -> bool:
    return {service.ask() for _ in range(10)} == {version}


def megabytes(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def test_a_worker_that_dies_is_replaced_and_what_it_counted_stays(service: Service) -> None:
    for _ in range(20):
        service.ask()
    assert within(5, lambda: service.counted() == 20)
    time.sleep(1.5)  # each has written what it counted
    dead, other = service.workers()
    os.kill(dead, signal.SIGKILL)
    assert within(10, lambda: len(service.workers()) == 2 and dead not in service.workers())
    assert other in service.workers()
    service.ask()
    assert within(5, lambda: service.counted() == 21)


def test_a_further_worker_takes_little_memory(service: Service) -> None:
    for _ in range(ENOUGH):
        service.ask()
    assert max(map(megabytes, service.workers())) <= 60


def test_an_activation_reaches_every_worker_and_no_call_fails(service: Service) -> None:
    trained().write(service.home / "model", compress=True, with_report=False)
    registry = open_registry(Settings(home=service.home))
    version = registry.add(service.home / "model", reason="test")
    stopped = threading.Event()
    failed: list[object] = []

    def keep_asking() -> None:
        while not stopped.is_set() and not failed:
            try:
                service.ask()
                time.sleep(0.01)
            except (AssertionError, OSError, HTTPException) as error:
                failed.append(error)

    asking = [threading.Thread(target=keep_asking) for _ in range(2)]
    for thread in asking:
        thread.start()
    try:
        for target in [version, "baseline"] * 3:
            registry.activate(target, "test", "")
            # within a second on a quiet machine; beside other tests it may take longer
            assert within(10, partial(answered_by, service, target))
    finally:
        stopped.set()
        for thread in asking:
            thread.join()
    assert failed == []


def test_workers_end_cleanly_when_told(service: Service) -> None:
    workers = service.workers()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(20) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert "Traceback" not in (service.home / "log").read_text()


def test_what_one_worker_was_told_every_worker_heeds(service: Service) -> None:
    sent = {"article_id": BRIDGE["id"], "article": BRIDGE, "seen": True, "final": {"tags": ["Новый тег"]}}
    assert httpx.post(f"{service.url}/corrections", json=sent).status_code == 201

    def heeded() -> bool:
        """By ten calls, each over a connection of its own."""
        answers = [httpx.post(f"{service.url}/annotate", json=BRIDGE).json() for _ in range(10)]
        return all([tag["label"] for tag in answer["tags"]][:1] == ["Новый тег"] for answer in answers)

    assert within(5, heeded)
    assert all(heeded() for _ in range(3))


def test_no_worker_holds_what_makes_the_tables(service: Service) -> None:
    """Alembic and SQLAlchemy are 36 MB."""
    service.ask()
    assert within(10, (service.home / "store.db").exists)
    time.sleep(1)
    for pid in service.workers():
        assert "sqlalchemy" not in Path(f"/proc/{pid}/maps").read_text()
