"""Retagging on a real Dask cluster: the same bytes, whatever becomes of its workers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.dask_cluster import cluster
from tests.process import RUBRICATOR
from tests.sample_model import labelled_articles

pytestmark = pytest.mark.slow


def archive(path: Path, times: int) -> Path:
    rows = [
        json.dumps({"id": f"{one.id}-{again}", "title": one.title, "text": one.text}, ensure_ascii=False)
        for again in range(times)
        for one in labelled_articles()[:100]
    ]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def retag(home: Path, source: Path, target: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [str(RUBRICATOR), "retag", str(source), str(target), "--accept", "review", "--yes", *more]
    return subprocess.run(
        command, env={**os.environ, "RUBRICATOR_HOME": str(home)}, capture_output=True, text=True, check=False
    )


def test_a_cluster_makes_what_one_machine_makes_though_a_worker_dies(tmp_path: Path) -> None:
    source = archive(tmp_path / "in.jsonl", 300)
    assert retag(tmp_path / "a", source, tmp_path / "local.jsonl", "--workers", "1").returncode == 0
    with cluster(tmp_path) as running:
        killer = threading.Thread(target=_kill_in_the_middle, args=(tmp_path / "b", running.workers[0].pid))
        killer.start()
        told = retag(tmp_path / "b", source, tmp_path / "b.jsonl", "--engine", "dask", "--scheduler", running.address)
        killer.join()
        assert told.returncode == 0, told.stderr
        assert running.workers[0].wait(10) == -signal.SIGKILL
        assert running.workers[1].poll() is None
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()


def _kill_in_the_middle(home: Path, pid: int) -> None:
    """When some parts are there and others are not."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if len(list(home.glob("jobs/*/parts/*"))) >= 2:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.02)


def test_what_is_wrong_with_a_cluster_is_told_within_seconds(tmp_path: Path) -> None:
    source = archive(tmp_path / "in.jsonl", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    told = retag(tmp_path / "a", source, tmp_path / "out.jsonl", "--engine", "dask", "--scheduler", nobody)
    assert (told.returncode, "there is no Dask scheduler" in told.stderr) == (1, True), told.stderr
    with cluster(tmp_path, workers=0) as running:
        told = retag(tmp_path / "b", source, tmp_path / "out.jsonl", "--engine", "dask", "--scheduler", running.address)
    assert (told.returncode, "has no workers" in told.stderr) == (1, True), told.stderr
    told = retag(tmp_path / "c", source, tmp_path / "out.jsonl", "--engine", "dask")
    assert (told.returncode, "go together" in told.stderr) == (2, True)
    assert not (tmp_path / "out.jsonl").exists()


def test_help_does_not_import_the_cluster() -> None:
    code = "import sys; import service.jobs.command; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
