"""A real Dask scheduler and workers of it, on loopback, each a process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCAL = ["--host", "127.0.0.1", "--no-dashboard"]


@dataclass
class Cluster:
    address: str
    scheduler: "subprocess.Popen[bytes]"
    workers: "list[subprocess.Popen[bytes]]"


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """`folder` is for what they say, and for their scratch."""
    folder = folder.absolute()  # they work in it
    about = folder / "scheduler.json"
    running: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (folder / f"{name}.log").open("wb") as told:
            command = [sys.executable, "-m", *arguments]
            running.append(subprocess.Popen(command, stdout=told, stderr=told, cwd=folder))
        return running[-1]

    try:
        start("scheduler", "distributed.cli.dask_scheduler", *LOCAL, "--port", "0", "--scheduler-file", str(about))
        end = time.monotonic() + 60
        while not about.exists():
            assert time.monotonic() < end, (folder / "scheduler.log").read_text()
            time.sleep(0.1)
        started = [
            start(
                f"worker-{number}", "distributed.cli.dask_worker", *LOCAL, "--scheduler-file", str(about),
                "--nthreads", "1", "--no-nanny", "--local-directory", str(folder),
            )
            for number in range(workers)
        ]  # fmt: skip
        yield Cluster(json.loads(about.read_text())["address"], running[0], started)
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
