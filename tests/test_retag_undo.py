"""A job is taken back: what was there before is there again, byte for byte."""

import os
from pathlib import Path

import pytest

from service.jobs import command
from service.jobs.plan import JobError
from tests.retagging import Newsroom, archive, newsroom, sure  # noqa: F401 - fixtures


def test_an_output_that_was_not_there_is_removed_with_its_folders(newsroom: Newsroom) -> None:
    newsroom.file("archive/2024/a.jsonl", archive(5))
    job, _ = newsroom.retag("archive", "new/out")
    assert (newsroom.folder / "new/out/2024/a.jsonl").exists()
    assert command.undo(newsroom.settings, job.id) == 1
    assert not (newsroom.folder / "new").exists()
    assert job.state.status == "undone"


@pytest.mark.parametrize("linked", [True, False])
def test_an_archive_that_was_retagged_in_place_is_as_it_was(
    newsroom: Newsroom, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the home is on another disk."""
    if not linked:
        monkeypatch.setattr(os, "link", no_link)
    files = [newsroom.file(f"archive/{name}.jsonl", archive(20)) for name in "ab"]
    for path in files:
        path.chmod(0o640)
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    job, outcome = newsroom.retag("archive", "archive")
    assert outcome.status == "done"
    assert all(b'"annotation":' in path.read_bytes() for path in files)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    command.undo(newsroom.settings, job.id)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    command.undo(newsroom.settings, job.id)
    assert [path.read_bytes() for path in files] == [content for content, _ in before]


def no_link(*_: object) -> None:
    raise OSError("another disk")


def test_what_was_changed_since_is_not_touched(newsroom: Newsroom) -> None:
    files = [newsroom.file(f"archive/{name}.jsonl", archive(20)) for name in "ab"]
    job, _ = newsroom.retag("archive", "archive")
    retagged = files[0].read_bytes()
    files[1].write_bytes(files[1].read_bytes() + b"{}\n")
    with pytest.raises(JobError, match=r"b\.jsonl has been changed since: nothing was undone"):
        command.undo(newsroom.settings, job.id)
    assert files[0].read_bytes() == retagged
    files[1].unlink()
    with pytest.raises(JobError, match=r"b\.jsonl is gone"):
        command.undo(newsroom.settings, job.id)


def test_the_same_bytes_with_another_time_are_not_changed(newsroom: Newsroom) -> None:
    source = newsroom.file("a.jsonl", archive(60))
    before = source.read_bytes()
    job, _ = newsroom.retag(source, "a.jsonl")
    os.utime(source, (1, 1))
    command.undo(newsroom.settings, job.id)
    assert source.read_bytes() == before


def test_an_unknown_job_is_no_path(newsroom: Newsroom) -> None:
    for id_ in ("../..", "20260101-000000-abcd", str(Path("/tmp"))):
        with pytest.raises(JobError, match="retag jobs"):
            command.undo(newsroom.settings, id_)
