"""A job and its folder: `HOME/jobs/ID/`, all that is needed to go on with it, to look at it and to take it back.

plan.json       what decides the result, never changed
snapshot.jsonl  what editors had decided
pairs.json      the inputs, and where the result of each goes
files/          how each input was cut into shards
unpacked/       compressed inputs, while the job runs
parts/          each shard's result, and its counts as the sign that it is whole; gone when all is in place
placed/         what was put where, before/ what had been there
state.json      how far it has come, and totals.json, what was counted
report.html     what changes, for editors
rejects.jsonl   records that could not be read, with line and reason; rejected.jsonl has them as they came
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname
from typing import Literal

import msgspec
from msgspec import Struct

from service.inference.beside import file_beside, sync_directory
from service.jobs import plan as plans
from service.jobs import snapshot
from service.jobs.location import S3, named
from service.jobs.plan import SHARD_BYTES, Asked, JobError, Plan, code, digest_of
from service.jobs.shards import beside_output, pairs, read_pairs, write_pairs
from service.keeping import Keeping
from service.loading import directory_of
from service.settings import Settings

FOLDER = "jobs"
UPLOADS = "uploads"  # in it, archives that were sent over HTTP

# held: more would change than is allowed; broken: some of the input can't be read; stopped: by whoever started it
Status = Literal["running", "stopped", "held", "broken", "failed", "done", "undone"]
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
UNFINISHED: frozenset[Status] = frozenset({"running", "stopped", "held", "broken", "failed"})


class State(Struct, frozen=True, kw_only=True):
    """`at` is UTC, of the latest change. Nothing of it gets into the result."""

    status: Status
    started_at: str
    at: str
    note: str = ""
    counts: dict[str, int] = {}


class Job:
    def __init__(self, folder: Path) -> None:
        """Raises JobError where there is none."""
        self.folder = folder.absolute()  # other machines' workers stand elsewhere
        self.plan: Plan = plans.read(folder)

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def rejects(self) -> Path:
        return self.folder / "rejects.jsonl"

    @property
    def rejected(self) -> Path:
        return self.folder / "rejected.jsonl"

    @property
    def totals(self) -> Path:
        return self.folder / "totals.json"

    @property
    def state(self) -> State:
        try:
            return msgspec.json.decode((self.folder / "state.json").read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError):
            return State(status="running", started_at="", at="")

    @property
    def is_running(self) -> bool:
        """Whether a process works on it now."""
        with (self.folder / "lock").open("ab") as lock:
            return not _locked(lock.fileno())

    def stop(self) -> None:
        """SIGTERM to the process that works on it, whoever started that, if it is one of this machine."""
        with suppress(OSError, ValueError):
            pid, host = (self.folder / "lock").read_text().split()
            if host != gethostname():
                return
            process = os.pidfd_open(int(pid))
            try:
                if self.is_running:  # looked at now that the number can't come to be another's
                    signal.pidfd_send_signal(process, signal.SIGTERM)
            finally:
                os.close(process)

    def tell(self, status: Status, note: str = "", **counts: int) -> None:
        before, now = self.state, _now()
        state = State(
            status=status, started_at=before.started_at or now, at=now, note=note, counts=counts or before.counts
        )
        with file_beside(self.folder / "state.json") as file:
            file.write(msgspec.json.encode(state))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Raises JobError while another process works on it. The system opens the lock when its holder dies."""
        with (self.folder / "lock").open("ab") as lock:
            if not _locked(lock.fileno()):
                raise JobError(f"the job {self.id} is being worked on by another process: wait for it")
            lock.truncate(0)
            lock.write(f"{os.getpid()} {gethostname()}".encode())
            lock.flush()
            yield


def create(settings: Settings, keeping: Keeping, asked: Asked, model: str) -> Job:
    """Pins the model, `active`, a version, a directory or `s3://…`, and what editors have decided until now. Reads the
    store. Raises ArtifactError, JobError, AwayError."""
    inputs = pairs(asked.input, asked.output)
    if model.startswith(S3):
        from service.jobs.s3_object import fetched

        model = str(fetched(named(model), settings.cache))
    directory, version = directory_of(settings, model)
    digest = digest_of(directory)
    folder = settings.home / FOLDER / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder.mkdir(parents=True)
    try:
        for name in ("parts", "files", "placed", "before"):
            (folder / name).mkdir()
        write_pairs(inputs, folder)
        Plan(
            id=folder.name,
            asked=asked,
            model=version,
            artifact=str(directory.absolute()),
            digest=digest,
            snapshot=snapshot.take(keeping, folder, version),
            shard_bytes=SHARD_BYTES,
            code=code(),
            predictor=settings.predictor,
            trusted_keys=tuple(str(one.absolute()) for one in settings.trusted_keys),
        ).write(folder)
        job = Job(folder)
        job.tell("running")
        sync_directory(folder.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return job


def all_jobs(settings: Settings) -> list[Job]:
    """Newest first; a folder without a plan is one whose start was interrupted."""
    folder = settings.home / FOLDER
    found = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
    return [Job(each) for each in found if (each / plans.NAME).is_file()]


def find(settings: Settings, id_: str) -> Job:
    """Raises JobError."""
    folder = settings.home / FOLDER / id_
    if not _ID.fullmatch(id_) or not (folder / plans.NAME).is_file():
        raise JobError(f"there is no job {id_!r} here: see `rubricator retag jobs`")
    return Job(folder)


def latest(settings: Settings, asked: Asked) -> Job | None:
    """Of this input and output; a dry run is another thing than one in earnest."""

    def key(one: Asked) -> tuple[str, str, bool]:
        return one.input, one.output, one.dry_run

    return next((job for job in all_jobs(settings) if key(job.plan.asked) == key(asked)), None)


def prune(settings: Settings, days: int) -> int:
    """Jobs that nobody has touched for so long; what they replaced can't be brought back then. Returns how many."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    gone = 0
    for job in all_jobs(settings):
        if job.state.at < before and not job.is_running:
            remove(settings, job)
            gone += 1
    return gone


def remove(settings: Settings, job: Job) -> None:
    """With what it left elsewhere; what it put in place stays."""
    for pair in read_pairs(job.folder):
        beside_output(job.folder, pair).unlink(missing_ok=True)
    shutil.rmtree(job.folder)
    forget_upload(settings, job.plan.asked)


def forget_upload(settings: Settings, asked: Asked) -> None:
    """What was sent over HTTP goes with its job. Of an archive that a path named nothing is touched, whatever its
    folders are called."""
    if is_upload(settings, asked):
        shutil.rmtree(Path(asked.input).parent, ignore_errors=True)


def is_upload(settings: Settings, asked: Asked) -> bool:
    """Whether the archive was sent over HTTP."""
    return Path(asked.input).parent.parent == (settings.home / FOLDER / UPLOADS).absolute()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
