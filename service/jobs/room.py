"""The disk that jobs may take: how much they do, and what goes to make room for another one."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from service.jobs.job import FOLDER, Job, is_upload, remove
from service.jobs.plan import JobError
from service.settings import Settings

SPENT = {"done", "broken", "failed"}


def make_room(settings: Settings, wanted: int, ended: Sequence[str]) -> int:
    """The bytes that a job which wants so many may take. For it `ended` ones are removed, in this order, as far as that
    is needed: those whose archive was sent and whose results could be fetched, none that can be taken back or gone on
    with. Reads all of the jobs' folders."""
    left = settings.jobs_bytes - _bytes_in(settings.home / FOLDER)
    for id_ in ended:
        if left >= wanted:
            break
        with suppress(JobError):  # it has gone already
            job = Job(settings.home / FOLDER / id_)
            if is_upload(settings, job.plan.asked) and job.state.status in SPENT and not job.is_running:
                remove(settings, job)
                left = settings.jobs_bytes - _bytes_in(settings.home / FOLDER)
    return max(0, left)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # it has gone meanwhile
            total += path.lstat().st_size
    return total
