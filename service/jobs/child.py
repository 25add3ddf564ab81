"""`python -m service.jobs.child FOLDER WORKERS MAX_CHANGE LARGEST`: one job, in a process of its own that gives way to
the answers. SIGTERM ends it between two shards; it can be gone on with then. LARGEST is the most bytes of a file: what
a small archive unpacks to must not fill the disk of the store."""

import os
import resource
import signal
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from service.inference.artifact import ArtifactError
from service.inference.beside import file_beside
from service.jobs.engines.local import engine
from service.jobs.job import Job
from service.jobs.plan import JobError
from service.jobs.run import Progress, run

NICE = 10
EVERY = 0.5  # seconds between two notes of how far it is
PROGRESS = "progress.json"


class Note(msgspec.Struct, frozen=True):
    """Of this run: `share` is of the bytes that were left to do when it began."""

    articles: int
    changed: int
    rejected: int
    share: float
    seconds: float


def main(folder: Path, workers: int, max_change: float, largest: int) -> int:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))  # Python ignores the signal and raises EFBIG
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    job = Job(folder)
    began = told = monotonic()

    def report(done: Progress) -> None:
        nonlocal told
        if monotonic() - told >= EVERY or done.share >= 1:
            told = monotonic()
            write(folder, Note(*done, seconds=round(told - began, 1)))

    try:
        run(job, engine(workers), report, lambda: bool(stopped), max_change=max_change)
    except (JobError, ArtifactError, OSError) as error:
        job.tell("failed", str(error))
        return 1
    return 0


def write(folder: Path, note: Note) -> None:
    with file_beside(folder / PROGRESS) as file:
        file.write(msgspec.json.encode(note))


def read(folder: Path) -> Note | None:
    try:
        return msgspec.json.decode((folder / PROGRESS).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


if __name__ == "__main__":
    arguments: list[Any] = sys.argv[1:]
    sys.exit(main(Path(arguments[0]), int(arguments[1]), float(arguments[2]), int(arguments[3])))
