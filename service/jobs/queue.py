"""Jobs that were asked for over HTTP, one after the other, each in a process of its own.

No queueing library: those for these databases bring SQLAlchemy's ORM and an event loop of their own into every worker
(0.6 s and 40 MB at the start), and a job is a folder that can be gone on with already. Of all workers on a machine one
runs the jobs.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from service.jobs import child
from service.jobs.callback import BACK_OFF, CallbackError, send
from service.jobs.job import FOLDER, Job
from service.jobs.plan import JobError
from service.keeping import Keeping
from service.lead import Lead
from service.settings import Settings
from service.store import jobs
from service.store.database import Connection, StoreError
from service.store.jobs import Row

log = logging.getLogger(__name__)

EVERY = 0.5  # seconds between two looks
PATIENCE = 10.0  # seconds that a job has to come to the end of its shards when the service ends

UNDER_WAY = ("running", "cancelling", "queued")  # which goes first, if several are after a restart
# what a job can be gone on with from
RESUMABLE = ("cancelled", "held", "broken", "failed", "stopped")
ENDED = (*RESUMABLE, "done")


class Queue:
    """`view` makes of a row what a callback is told."""

    def __init__(self, settings: Settings, keeping: Keeping, view: Callable[[Row], bytes]) -> None:
        self._settings, self._keeping, self._view = settings, keeping, view
        self._folder = settings.home / FOLDER
        self._closing = threading.Event()
        self._lead = Lead(self._folder / ".queue")
        self._running: tuple[str, subprocess.Popen[bytes] | None] | None = None
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """A running job is told to stop, and is gone on with at the next start."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE + 2)

    def _run(self) -> None:
        while not self._closing.wait(EVERY):
            try:
                if self._leads():
                    self._turn()
            except StoreError:
                pass  # it is told elsewhere; the job goes on
            except Exception:
                log.exception("the queue of jobs stumbled")
        if self._running is not None:
            self._stop(*self._running)
        self._lead.close()

    def _leads(self) -> bool:
        """Until somebody has asked for a job here nobody does."""
        return self._keeping.database.exists() and self._folder.is_dir() and self._lead.taken()

    def _turn(self) -> None:
        if self._running is None:
            self._begin()
        if self._running is not None:
            self._look(*self._running)
        self._tell(int(time.time() * 1000))

    def _begin(self) -> None:
        """First what was running when the service ended."""
        with self._keeping.readers.one() as connection:
            waiting = [row for status in UNDER_WAY for row in jobs.with_status(connection, status)]
        for row in waiting:
            try:
                job = Job(self._folder / row.id)
            except JobError as error:
                self._end(row.id, "failed", str(error))
                continue
            process = None
            if row.status != "cancelling":
                if not self._keeping.writer.do(partial(_turn_to_running, id_=row.id)).result():
                    continue  # it was cancelled meanwhile
                if not job.is_running:  # else the process of a service that was killed is still at it
                    process = self._child(row)
            self._running = row.id, process
            return

    def _child(self, row: Row) -> "subprocess.Popen[bytes]":
        folder = self._folder / row.id
        (folder / child.PROGRESS).unlink(missing_ok=True)
        workers = self._settings.jobs_workers or len(os.sched_getaffinity(0))
        numbers = (str(workers), repr(row.max_change), str(self._settings.jobs_bytes))
        command = [sys.executable, "-m", "service.jobs.child", str(folder), *numbers]
        with (folder / "log.txt").open("ab") as told:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told)  # noqa: S603

    def _look(self, id_: str, process: "subprocess.Popen[bytes] | None") -> None:
        try:
            job = Job(self._folder / id_)
        except JobError as error:  # somebody removed it
            self._running = None
            if process is not None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
            self._end(id_, "failed", str(error))
            return
        ended = process.poll() is not None if process is not None else not job.is_running
        with self._keeping.readers.one() as connection:
            row = jobs.get(connection, id_)
        cancelled = row is not None and row.status == "cancelling"
        if not ended:
            if cancelled:
                job.stop()
            self._note(id_, job)
            return
        self._running = None
        self._note(id_, job)
        state = job.state
        status: str = state.status if state.status in ENDED else "failed"
        if cancelled and status != "done":
            status = "cancelled"
        note = state.note if state.status in ENDED else f"its process ended unexpectedly: {self._last_words(id_)}"
        self._end(id_, status, note)

    def _stop(self, id_: str, process: "subprocess.Popen[bytes] | None") -> None:
        with suppress(JobError, subprocess.TimeoutExpired):
            Job(self._folder / id_).stop()
            if process is not None:
                process.wait(PATIENCE)

    def _note(self, id_: str, job: Job) -> None:
        path = job.folder / child.PROGRESS
        with suppress(FileNotFoundError):
            self._set(id_, progress=path.read_bytes())

    def _end(self, id_: str, status: str, note: str) -> None:
        def work(connection: Connection) -> None:
            row = jobs.get(connection, id_)
            if row is None:
                return
            tell = int(time.time() * 1000) if row.callback is not None else None
            jobs.change(connection, id_, status=status, note=note, updated_at=now(), attempts=0, next_attempt=tell)

        self._keeping.writer.do(work).result()
        log.info("the job %s ended: %s %s", id_, status, note)

    def _last_words(self, id_: str) -> str:
        with suppress(OSError):
            lines = (self._folder / id_ / "log.txt").read_text("utf-8", "replace").strip().splitlines()
            return lines[-1][:300] if lines else "without a word"
        return "without a word"

    def _set(self, id_: str, **values: object) -> None:
        self._keeping.writer.do(lambda connection: jobs.change(connection, id_, updated_at=now(), **values)).result()

    def _tell(self, at: int) -> None:
        """Callbacks that are due; each is tried again later and later, over restarts too."""
        with self._keeping.readers.one() as connection:
            due = jobs.to_tell(connection, at)
        for row in due:
            if row.callback is None or self._closing.is_set():
                continue
            try:
                send(
                    row.callback, f"{row.id}-{row.updated_at}", self._view(row), self._settings.callback_secret,
                    private=self._settings.callbacks_private,
                )  # fmt: skip
            except CallbackError as error:
                left = row.attempts < len(BACK_OFF)
                again = at + BACK_OFF[row.attempts] * 1000 if left else None
                log.warning("callback of the job %s: %s; %s", row.id, error, "tried again" if left else "given up")
                change: dict[str, Any] = {"attempts": row.attempts + 1, "next_attempt": again}
            except JobError as error:
                log.warning("callback of the job %s: %s; given up", row.id, error)
                change = {"next_attempt": None}
            else:
                change = {"attempts": row.attempts + 1, "next_attempt": None}
            self._keeping.writer.do(partial(jobs.change, id_=row.id, **change)).result()


def _turn_to_running(connection: Connection, id_: str) -> bool:
    return jobs.turn(connection, id_, "running", of=("queued", "running"), at=now())


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
