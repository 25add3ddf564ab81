"""A job from its plan to its results, from top to bottom. Whatever interrupts it, the next run goes on from there."""

import errno
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from service.inference.beside import file_beside
from service.jobs import shards as cutting
from service.jobs import snapshot
from service.jobs.counts import ShardCounts, Totals, add_up
from service.jobs.job import Job, Status
from service.jobs.location import AwayError, stamp_of
from service.jobs.pieces import Piece
from service.jobs.place import place, read
from service.jobs.plan import JobError, Plan, code
from service.jobs.rejects import write_rejects
from service.jobs.retag_shard import FULL, counts_file, counts_of, part_file
from service.jobs.shards import Cut, Shard
from service.lines import DamagedFileError

MAX_CHANGE = 0.05  # of the articles that are looked at


class Engine(Protocol):
    def __call__(
        self, plan: Plan, shards: Sequence[Shard], folder: Path, stopped: Callable[[], bool], /
    ) -> Iterator[ShardCounts]:
        """retag_shard of each, in whatever order; begins no further one when `stopped` says so."""


class Progress(NamedTuple):
    """Of this run; `share` is of the bytes that were left to do when it began."""

    articles: int
    changed: int
    rejected: int
    share: float


class Outcome(NamedTuple):
    """`problems` are inputs, or stretches of them, that could not be read."""

    status: Status
    totals: Totals
    problems: Sequence[str]


def run(
    job: Job,
    engine: Engine,
    report: Callable[[Progress], object] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    *,
    max_change: float = MAX_CHANGE,
) -> Outcome:
    """Heavy on disk and CPU. Raises JobError, ArtifactError, OSError; all of it can be resumed."""
    plan, folder = job.plan, job.folder
    with job.alone(), _told(job):
        job.tell("running")
        cuts, problems = _cut(plan, folder)
        todo = [shard for cut in cuts for shard in cut.shards if not counts_file(folder, shard).exists()]
        _check_code(plan, todo)
        problems += _work(job, engine, report, stopped, todo)
        problems += _written_meanwhile(folder, cuts)
        totals = add_up(_counted(folder, cuts))
        write_rejects(job, cuts)
        held = not plan.asked.dry_run and totals.share > max_change
        _write_report(job, totals, held, problems)
        if stopped():
            return _ended(job, "stopped", totals, problems)
        if plan.asked.dry_run:
            return _ended(job, "broken" if problems else "done", totals, problems)
        if held:
            return _ended(job, "held", totals, problems)
        for cut in cuts:
            _place(job, cut)
        if problems:
            return _ended(job, "broken", totals, problems)
        outcome = _ended(job, "done", totals, problems)
        _tidy(folder)  # after it was told: a crash in between must not make it be done again
        return outcome


def _cut(plan: Plan, folder: Path) -> tuple[list[Cut], list[str]]:
    """Each input in shards, and what can't be cut. One that was written again since is cut anew, and its parts are of
    no use any more; what is in place already is not looked at again."""
    cuts, problems = [], []
    for pair in cutting.read_pairs(folder):
        before = cutting.read(folder, pair.number)
        if before is not None and (read(folder, pair.number) is not None or _is_same(before)):
            cuts.append(before)
            continue
        for old in before.shards if before is not None else ():
            counts_file(folder, old).unlink(missing_ok=True)
        try:
            cut = cutting.cut(pair, folder, plan.shard_bytes)
        except (DamagedFileError, OSError) as error:
            if isinstance(error, AwayError) or (isinstance(error, OSError) and error.errno in FULL):
                raise
            problems.append(str(error))
            continue
        cutting.write(cut, folder)
        cuts.append(cut)
    return cuts, problems


def _is_same(cut: Cut) -> bool:
    """Whether the input is as it was when it was cut."""
    try:
        return cut.stamp == stamp_of(cut.input)
    except FileNotFoundError:
        return False


def _check_code(plan: Plan, todo: Sequence[Shard]) -> None:
    if todo and plan.code != code():
        raise JobError(
            f"the job was started by rubricator {plan.code}, and this is {code()}, which may decide otherwise: "
            "start a new job"
        )


def _written_meanwhile(folder: Path, cuts: Sequence[Cut]) -> list[str]:
    """Inputs that somebody wrote to while they were read: what was made of them is of no use."""
    return [
        f"{cut.input} was written to while it was read: --resume reads it again"
        for cut in cuts
        if read(folder, cut.number) is None and not _is_same(cut)
    ]


def _counted(folder: Path, cuts: Sequence[Cut]) -> Iterator[ShardCounts]:
    for cut in cuts:
        for shard in cut.shards:
            if (counts := counts_of(folder, shard)) is not None:
                yield counts


def _work(
    job: Job,
    engine: Engine,
    report: Callable[[Progress], object],
    stopped: Callable[[], bool],
    todo: Sequence[Shard],
) -> list[str]:
    """What went wrong with single shards."""
    problems = []
    whole = sum(shard.weight for shard in todo) or 1
    weight = articles = changed = rejected = 0
    for counts in engine(job.plan, todo, job.folder, stopped) if todo else ():
        weight += counts.weight
        if counts.problem is not None:
            problems.append(counts.problem)
            continue
        articles += counts.articles
        changed += counts.changed
        rejected += len(counts.rejected)
        report(Progress(articles, changed, rejected, weight / whole))
    return problems


def _place(job: Job, cut: Cut) -> None:
    """If all of it is there, and of the input as it is."""
    if read(job.folder, cut.number) is None and not _is_same(cut):
        return
    done = [counts_file(job.folder, shard) for shard in cut.shards]
    if all(counts.exists() for counts in done):
        parts = [part_file(job.folder, shard) for shard in cut.shards]
        # of the counts these two fields alone: those of a million articles, as a whole, take 150 MB
        pieces = [msgspec.json.decode(counts.read_bytes(), type=Piece) for counts in done]
        place(job.plan, job.folder, cut, parts, pieces)


def _write_report(job: Job, totals: Totals, held: bool, problems: Sequence[str]) -> None:
    from service.jobs.report import render  # with Jinja, 60 ms to import

    with file_beside(job.report) as file:
        file.write(render(job.plan, totals, held=held, problems=problems).encode())


def _ended(job: Job, status: Status, totals: Totals, problems: Sequence[str]) -> Outcome:
    with file_beside(job.totals) as file:
        file.write(msgspec.json.encode(totals))
    job.tell(status, "; ".join(problems), articles=totals.articles, changed=totals.changed, rejected=totals.rejected)
    return Outcome(status, totals, problems)


def _tidy(folder: Path) -> None:
    """What is not needed to look at the job, nor to take it back. Editors' decisions are not kept longer than that."""
    for name in ("parts", "unpacked"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / snapshot.NAME).unlink(missing_ok=True)


@contextmanager
def _told(job: Job) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        job.tell("stopped")
        raise
    except OSError as error:
        with suppress(OSError):  # on a full disk this may fail too
            job.tell("failed", str(error))
        if error.errno == errno.EFBIG:
            raise JobError("a file of this job would be larger than RUBRICATOR_JOBS_BYTES allows") from error
        if error.errno in FULL:
            raise JobError(f"the disk is full ({error.filename or job.folder}): make room, then --resume") from error
        raise
    except Exception as error:
        job.tell("failed", f"{type(error).__name__}: {error}")
        raise
