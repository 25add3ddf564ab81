"""Bulk retagging that is interrupted: killed, out of room, given damaged input. Nothing is lost or comes twice."""

import errno
import gzip
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard

from service.jobs import json_lines, local_file, place
from service.jobs.engines.local import engine
from service.jobs.job import all_jobs
from service.jobs.plan import JobError
from service.jobs.run import run
from service.lines import lines_between
from tests.retagging import Newsroom, archive, encoded, newsroom, sure, until  # noqa: F401 - fixtures

SHARDS = 14


@pytest.fixture
def whole(newsroom: Newsroom) -> bytes:
    """What an undisturbed run makes of the archive."""
    newsroom.retag(newsroom.file("in.jsonl", archive(200)), "whole.jsonl.gz")
    return (newsroom.folder / "whole.jsonl.gz").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_after_kill_9_resume_makes_what_an_undisturbed_run_makes(
    newsroom: Newsroom, whole: bytes, workers: str
) -> None:
    (newsroom.folder / "home").rename(newsroom.folder / "before")
    words = (str(newsroom.folder / "in.jsonl"), str(newsroom.folder / "out.jsonl.gz"), "--workers", workers)
    process = newsroom.started(*words)
    try:
        until(lambda: newsroom.finished_shards() >= 3, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL) if workers == "1" else process.kill()
        process.wait(10)
    assert not (newsroom.folder / "out.jsonl.gz").exists()
    done = newsroom.finished_shards()
    [job] = all_jobs(newsroom.settings)
    assert not job.is_running
    process = newsroom.started(*words, "--resume")
    assert process.wait(60) == 0, (newsroom.folder / "told").read_text()
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole
    assert f"job {job.id}" in (newsroom.folder / "told").read_text()
    assert 3 <= done < SHARDS


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(newsroom: Newsroom, whole: bytes) -> None:
    (newsroom.folder / "home").rename(newsroom.folder / "before")
    words = (str(newsroom.folder / "in.jsonl"), str(newsroom.folder / "out.jsonl.gz"))
    process = newsroom.started(*words, "--workers", "2")
    try:
        until(lambda: newsroom.finished_shards() >= 2, process)
        workers = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        loky = [pid for pid in workers if b"popen_loky_posix" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(loky[0], signal.SIGKILL)
        assert process.wait(60) == 0, (newsroom.folder / "told").read_text()
    finally:
        process.kill()
        process.wait(10)
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole


@pytest.mark.slow
def test_workers_end_when_their_parent_was_killed(newsroom: Newsroom) -> None:
    source = newsroom.file("in.jsonl", archive(200) * 3)
    process = newsroom.started(str(source), str(newsroom.folder / "out.jsonl"), "--workers", "2")
    try:
        until(lambda: newsroom.finished_shards() >= 2, process)
        pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    finally:
        process.kill()
        process.wait(10)
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_a_signal_stops_it_between_shards(newsroom: Newsroom, whole: bytes) -> None:
    (newsroom.folder / "home").rename(newsroom.folder / "before")
    words = (str(newsroom.folder / "in.jsonl"), str(newsroom.folder / "out.jsonl.gz"), "--workers", "2")
    process = newsroom.started(*words)
    try:
        until(lambda: newsroom.finished_shards() >= 2, process)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.wait(10)
    assert "stopped; --resume goes on" in (newsroom.folder / "told").read_text()
    [job] = all_jobs(newsroom.settings)
    assert job.state.status == "stopped"
    assert newsroom.started(*words, "--resume").wait(60) == 0
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole


def test_it_is_the_same_in_any_packing(newsroom: Newsroom, whole: bytes) -> None:
    content = gzip.decompress(whole)
    assert [line[:14] for line in content.splitlines()] == [encoded(one)[:14] for one in archive(200)]
    plain = b"".join(map(encoded, archive(200)))
    (newsroom.folder / "in.jsonl.gz").write_bytes(gzip.compress(plain[:90_000]) + gzip.compress(plain[90_000:]))
    (newsroom.folder / "in.jsonl.zst").write_bytes(zstandard.compress(plain))
    for name in ("in.jsonl.gz", "in.jsonl.zst"):
        newsroom.retag(name, f"out-{name}")
    assert gzip.decompress((newsroom.folder / "out-in.jsonl.gz").read_bytes()) == content
    assert zstandard.ZstdDecompressor().stream_reader(
        (newsroom.folder / "out-in.jsonl.zst").read_bytes(), read_across_frames=True
    ).read() == content  # fmt: skip


def test_a_folder_is_mirrored(newsroom: Newsroom) -> None:
    articles = archive(60)
    newsroom.file("archive/2024/b.jsonl", articles[:30])
    newsroom.file("archive/a.jsonl", articles[30:])
    newsroom.file("archive/notes.txt", [b"no article"])
    _, outcome = newsroom.retag("archive", "out")
    assert sorted(
        str(path.relative_to(newsroom.folder / "out")) for path in (newsroom.folder / "out").rglob("*.*")
    ) == [
        "2024/b.jsonl",
        "a.jsonl",
    ]
    assert [one["id"] for one in newsroom.read("out/2024/b.jsonl")] == [one["id"] for one in articles[:30]]
    assert outcome.totals.articles == 60


def test_a_damaged_file_is_told_the_rest_goes_on_and_resume_mends(newsroom: Newsroom) -> None:
    newsroom.file("archive/a.jsonl", archive(30))
    packed = gzip.compress(b"".join(map(encoded, archive(60)[30:])))
    damaged = newsroom.folder / "archive" / "b.jsonl.gz"
    damaged.write_bytes(packed[:-2000])
    job, outcome = newsroom.retag("archive", "out")
    assert outcome.status == "broken" == job.state.status
    [problem] = outcome.problems
    assert f"{damaged} is damaged after line" in problem
    assert len(newsroom.read("out/a.jsonl")) == 30
    assert not (newsroom.folder / "out" / "b.jsonl.gz").exists()
    changed_since = newsroom.file("out/a.jsonl", [b"an editor's"])
    damaged.write_bytes(packed)
    again, outcome = newsroom.retag("archive", "out", resume=True)
    assert (again.id, outcome.status) == (job.id, "done")
    assert gzip.decompress((newsroom.folder / "out" / "b.jsonl.gz").read_bytes()).count(b"\n") == 30
    assert changed_since.read_bytes() == b"an editor's\n"


def test_a_stretch_that_can_not_be_read_is_told_and_done_when_it_is_mended(
    newsroom: Newsroom, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(file: Any, name: str, start: int, end: int) -> Any:
        if start:
            yield from lines_between(file, name, start, end)
        else:
            raise OSError(errno.EIO, "Input/output error", name)

    monkeypatch.setattr(json_lines, "lines_between", failing)
    job, outcome = newsroom.retag("in.jsonl", "out.jsonl.gz")
    assert outcome.status == "broken"
    assert "Input/output error" in outcome.problems[0]
    assert len(list((job.folder / "parts").glob("*.json"))) == SHARDS - 1
    monkeypatch.undo()
    assert newsroom.retag("in.jsonl", "out.jsonl.gz", resume=True)[1].status == "done"
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole


def test_an_input_that_was_written_again_is_read_again(newsroom: Newsroom, whole: bytes) -> None:
    source = newsroom.file("in.jsonl", archive(60))
    job, outcome = newsroom.retag(source, max_change=0.0)
    assert outcome.status == "held"
    newsroom.file("in.jsonl", archive(200))
    assert newsroom.retag(source, resume=True)[0].id == job.id
    assert len(newsroom.read()) == 200


def test_an_input_that_is_written_to_while_it_is_read_is_not_put_in_place(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(file: Any, name: str, start: int, end: int) -> Any:
        yield from lines_between(file, name, start, end)
        newsroom.file("in.jsonl", archive(30))

    source = newsroom.file("in.jsonl", archive(5))
    monkeypatch.setattr(json_lines, "lines_between", reading)
    _, outcome = newsroom.retag(source)
    assert outcome.status == "broken"
    assert "was written to while it was read" in outcome.problems[0]
    assert not (newsroom.folder / "out.jsonl").exists()
    monkeypatch.undo()
    assert newsroom.retag(source, resume=True)[1].status == "done"
    assert len(newsroom.read()) == 30


def test_an_input_that_has_gone_is_told(newsroom: Newsroom) -> None:
    source = newsroom.file("in.jsonl", archive(5))
    newsroom.retag(source, max_change=0.0)
    source.unlink()
    _, outcome = newsroom.retag(source, resume=True)
    assert outcome.status == "broken"
    assert "No such file" in outcome.problems[0]


def test_another_version_of_the_program_does_not_go_on(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    source = newsroom.file("in.jsonl", archive(5))
    job, _ = newsroom.retag(source, max_change=0.0)
    next((job.folder / "parts").glob("*.json")).unlink()
    monkeypatch.setattr("service.jobs.run.code", lambda: "99.0")
    with pytest.raises(JobError, match=r"this is 99\.0"):
        newsroom.retag(source, resume=True)


@pytest.mark.parametrize(
    "when", [5, *(pytest.param(one, marks=pytest.mark.slow) for one in (1, 20, -9, -8, -7, -6, -5, -4, -3, -2, -1))]
)
def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(
    newsroom: Newsroom, whole: bytes, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    """Whichever of its writes has no room, counted from the end too: those that put the result in place."""
    writes = 0

    def fsync(_: int) -> None:
        nonlocal writes
        writes += 1
        if writes > room:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    room = 1_000
    newsroom.retag("in.jsonl", "other.jsonl.gz")
    room, writes = when if when > 0 else writes + when, 0
    with pytest.raises((JobError, OSError), match=r"the disk is full|No space left"):
        newsroom.retag("in.jsonl", "out.jsonl.gz")
    room = 1_000
    assert newsroom.retag("in.jsonl", "out.jsonl.gz", resume=True)[1].status == "done"
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole
    assert not list(newsroom.folder.rglob(".beside-*"))


@pytest.mark.parametrize(
    ("where", "step"), [(local_file.LocalFile, "keep"), (place, "_write"), (local_file, "sync_directory")]
)
def test_a_crash_while_results_are_put_in_place_does_no_harm(
    newsroom: Newsroom, whole: bytes, monkeypatch: pytest.MonkeyPatch, where: Any, step: str
) -> None:
    class CrashError(Exception):
        pass

    def crash(*_: object) -> None:
        raise CrashError

    before = b'{"id": "earlier"}\n'
    (newsroom.folder / "out.jsonl.gz").write_bytes(before)
    monkeypatch.setattr(where, step, crash)
    with pytest.raises(CrashError):
        newsroom.retag("in.jsonl", "out.jsonl.gz")
    monkeypatch.undo()
    job, outcome = newsroom.retag("in.jsonl", "out.jsonl.gz", resume=True)
    assert outcome.status == "done"
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole
    place.undo(job.folder)
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == before


def test_what_editors_decide_meanwhile_does_not_change_the_result(newsroom: Newsroom, whole: bytes) -> None:
    from tests.test_retag import corrected

    job, _ = newsroom.retag("in.jsonl", "out.jsonl.gz", max_change=0.0)
    for part in sorted((job.folder / "parts").iterdir())[:20]:
        part.unlink()
    corrected(newsroom, {"tags": [], "regions": []})
    newsroom.retag("in.jsonl", "out.jsonl.gz", resume=True)
    assert (newsroom.folder / "out.jsonl.gz").read_bytes() == whole


def test_another_model_under_the_same_name_is_refused(newsroom: Newsroom, whole: bytes) -> None:
    job, _ = newsroom.retag("in.jsonl", "out.jsonl.gz", max_change=0.0)
    next((job.folder / "parts").glob("*.json")).unlink()
    plan = job.folder / "plan.json"
    plan.write_text(plan.read_text().replace(job.plan.digest, "0" * 64))
    with pytest.raises(JobError, match="not the model that the job began with"):
        newsroom.retag("in.jsonl", "out.jsonl.gz", resume=True)


def test_a_job_is_resumed_as_it_was_started(newsroom: Newsroom, whole: bytes) -> None:
    newsroom.retag("in.jsonl", "out.jsonl.gz", max_change=0.0)
    with pytest.raises(JobError, match="--accept"):
        newsroom.retag("in.jsonl", "out.jsonl.gz", accept="review", resume=True)


def test_a_job_that_is_done_is_not_done_again_by_resume(newsroom: Newsroom, whole: bytes) -> None:
    (newsroom.folder / "whole.jsonl.gz").write_bytes(b"touched")
    _, outcome = newsroom.retag("in.jsonl", "whole.jsonl.gz", resume=True)
    assert (outcome.status, outcome.totals.articles) == ("done", 200)
    assert (newsroom.folder / "whole.jsonl.gz").read_bytes() == b"touched"


def test_two_processes_never_work_on_one_job(newsroom: Newsroom, whole: bytes) -> None:
    job, _ = newsroom.retag("in.jsonl", "out.jsonl.gz", max_change=0.0)
    with job.alone(), pytest.raises(JobError, match="by another process"):
        run(job, engine(1))
