"""The service as an operator starts it: a process of its own, that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

RUBRICATOR = Path(sys.executable).with_name("rubricator")


class Process:
    def __init__(self, home: Path, **settings: str) -> None:
        self._environment = {**os.environ, "RUBRICATOR_HOME": str(home), "RUBRICATOR_LOG_LEVEL": "error"}
        self._environment |= {f"RUBRICATOR_{name.upper()}": value for name, value in settings.items()}
        self.url = ""
        self._port = "0"
        self.pid = 0
        self._running: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Seconds until it was ready. It keeps its port when it is started again."""
        started = time.monotonic()
        command = [str(RUBRICATOR), "serve", "--port", self._port]
        self._running = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        assert line.startswith("listening on "), line
        self.url = line.removeprefix("listening on ").strip()
        self._port = self.url.rpartition(":")[2]
        self.pid = self._running.pid
        return time.monotonic() - started

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(number)
        if self._running is not None:
            self._running.wait(30)
            assert self._running.stdout is not None
            self._running.stdout.close()


@contextmanager
def process(home: Path, **settings: str) -> Iterator[tuple[Process, httpx.Client]]:
    running = Process(home, **settings)
    running.start()
    try:
        with httpx.Client(base_url=running.url, timeout=30) as client:
            yield running, client
    finally:
        running.kill(signal.SIGTERM)
