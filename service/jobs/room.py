"""The disk that jobs may take: how much they do, and what goes to make room for another one."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from service.jobs.job import FOLDER, Job, remove
from service.jobs.plan import JobError
from service.settings import Settings


def make_room(settings: Settings, wanted: int, done: Sequence[str]) -> int:
    """The bytes that a job which wants so many may take; those that are done are removed for it, in this order, as far
    as that is needed. Reads all of the jobs' folders."""
    left = settings.jobs_bytes - _bytes_in(settings.home / FOLDER)
    for id_ in done:
        if left >= wanted:
            break
        with suppress(JobError):  # it has gone already
            job = Job(settings.home / FOLDER / id_)
            if job.state.status == "done" and not job.is_running:
                remove(settings, job)
                left = settings.jobs_bytes - _bytes_in(settings.home / FOLDER)
    return max(0, left)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # it has gone meanwhile
            total += path.lstat().st_size
    return total
