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
from msgspec.structs import replace

from service.jobs.engines import dask
from service.jobs.plan import JobError, Plan
from tests.dask_cluster import cluster
from tests.process import RUBRICATOR
from tests.retagging import Newsroom, newsroom, sure  # noqa: F401 - fixtures
from tests.retagging import archive as newsroom_archive
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
    environment = {**os.environ, "RUBRICATOR_HOME": home.name}  # relative, as it is by default
    return subprocess.run(command, env=environment, cwd=home.parent, capture_output=True, text=True, check=False)


def test_a_cluster_makes_what_one_machine_makes_though_a_worker_dies(tmp_path: Path) -> None:
    source = archive(tmp_path / "in.jsonl", 300)
    assert retag(tmp_path / "a", source, tmp_path / "local.jsonl", "--workers", "1").returncode == 0
    (tmp_path / "cluster").mkdir()
    with cluster(tmp_path / "cluster") as running:
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


def test_workers_of_another_version_or_without_the_folder_are_refused(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = newsroom.retag(newsroom.file("in.jsonl", newsroom_archive(5)), max_change=0.0)
    with cluster(newsroom.folder, workers=1) as running:

        def work(plan: Plan, folder: Path) -> object:
            return next(dask.on_cluster(running.address, plan, [], folder, lambda: False), None)

        assert work(job.plan, job.folder) is None
        with pytest.raises(JobError, match=r"does not see .*/elsewhere: put it on a folder"):
            work(job.plan, newsroom.folder / "elsewhere")
        with pytest.raises(JobError, match="does not see /no/model"):
            work(replace(job.plan, artifact="/no/model"), job.folder)
        monkeypatch.setattr(dask, "code", lambda: "99.0")
        with pytest.raises(JobError, match=r"has rubricator .*, this is 99\.0: install the same there"):
            work(job.plan, job.folder)


def test_help_does_not_import_the_cluster() -> None:
    code = "import sys; import service.jobs.command; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
