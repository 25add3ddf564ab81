"""What `rubricator retag` does: starts or resumes a job, shows how far it is, and tells how it ended."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM, signal
from threading import Event
from typing import Any

import msgspec

from service.inference.article import Profile
from service.inference.decisions import ENOUGH_OF_A_SOURCE
from service.inference.labels import Head
from service.jobs import place
from service.jobs.counts import Totals
from service.jobs.engines.local import engine
from service.jobs.job import UNFINISHED, Job, all_jobs, create, find, latest
from service.jobs.location import in_target, named, names_in
from service.jobs.plan import Accept, Asked, JobError, LabelsBy, Scope, WrongUsageError, differences
from service.jobs.run import MAX_CHANGE, Engine, Outcome, run
from service.jobs.sql import take_passwords
from service.loading import open_keeping, outlets_at
from service.progress import progress
from service.settings import Settings

HEADS: Sequence[Head] = ("rubric", "regions", "tags")
FAILED = 1
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def asked_for(
    settings: Settings, source: str, target: str, *, heads: str, ids: Path | None, profile: Profile | None,
    since: str | None, until: str | None, rubrics: Sequence[str], tags: Sequence[str],
    accept: Accept, labels_by: LabelsBy, only_changes: bool, dry_run: bool,
) -> Asked:  # fmt: skip
    """Raises WrongUsageError."""
    wanted = set(heads.split(","))
    if unknown := wanted - set(HEADS):
        raise WrongUsageError(f"--heads: there is no {min(unknown)!r}, name some of {', '.join(HEADS)}")
    for name, date in (("--since", since), ("--until", until)):
        if date is not None and not _DATE.match(date):
            raise WrongUsageError(f"{name} {date!r}: it has to begin as dates do, 2023, 2023-10 or 2023-10-01")
    known = () if ids is None else tuple(filter(None, map(str.strip, ids.read_text("utf-8").splitlines())))
    if ids is not None and not known:
        raise WrongUsageError(f"--ids: there are no ids in {ids}, one a line")
    take_passwords(source, target)
    input_ = named(source)
    output = in_target(target, input_) if names_in(input_) is None else named(target)
    if only_changes and input_ == output:
        raise WrongUsageError("--only-changes would leave out the rest of the archive: name another OUTPUT")
    return Asked(
        input=input_,
        output=output,
        heads=tuple(head for head in HEADS if head in wanted),
        accept=accept,
        labels_by=labels_by,
        scope=Scope(since, until, tuple(rubrics), tuple(tags), known),
        only_changes=only_changes,
        dry_run=dry_run,
        profile=profile or settings.profile,
    )


def retag(
    settings: Settings,
    asked: Asked,
    model: str,
    *,
    workers: int | None,
    scheduler: str | None = None,
    resume: bool,
    max_change: float = MAX_CHANGE,
    tell: Callable[[str], object],
) -> tuple[Job, Outcome]:
    """Raises JobError, ArtifactError."""
    job = _job(settings, asked, model, resume, tell)
    if job.state.status == "done":
        tell(f"the job {job.id} is done; without --resume it would be done again")
        return job, Outcome("done", msgspec.json.decode(job.totals.read_bytes(), type=Totals), ())
    tell(f"job {job.id}: model {job.plan.model}, {job.folder}")
    if asked.accept == "review":
        tell("labels are taken that the model is not sure of and no editor has seen (--accept review)")
    with progress("articles") as report, told_to_stop() as stopped:
        outcome = run(
            job,
            _engine(workers, scheduler),
            lambda done: report(done.articles, done.share),
            stopped,
            max_change=max_change,
        )
    return job, outcome


@contextmanager
def told_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM came: shards that were begun are finished, within seconds. A second one ends all."""
    told = Event()

    def tell(number: int, _: object) -> None:
        if told.is_set():
            raise KeyboardInterrupt
        told.set()

    before = {number: signal(number, tell) for number in (SIGINT, SIGTERM)}
    try:
        yield told.is_set
    finally:
        for number, handler in before.items():
            signal(number, handler)


def _engine(workers: int | None, scheduler: str | None) -> Engine:
    if scheduler is not None:
        from service.jobs.engines import dask

        return dask.engine(scheduler)
    return engine(workers or len(os.sched_getaffinity(0)))


def _job(settings: Settings, asked: Asked, model: str, resume: bool, tell: Callable[[str], object]) -> Job:
    before = latest(settings, asked)
    if before is not None and before.state.status in UNFINISHED:
        if not resume:
            tell(f"the job {before.id} with this input and output was not finished: --resume goes on with it")
        elif differing := differences(asked, before.plan.asked):
            options = ", ".join(f"--{name.replace('_', '-')}" for name in differing)
            raise JobError(f"the job {before.id} was started with other {options}: resume it as it was, or start anew")
        else:
            return before
    elif resume and before is not None and before.state.status == "done":
        return before
    elif resume:
        tell("there is nothing to resume: this is a new job")
    keeping = open_keeping(settings)
    try:
        job = create(settings, keeping, asked, model)
    finally:
        keeping.close()
    calibrated = max(outlets_at(Path(job.plan.artifact)).values(), default=0) >= ENOUGH_OF_A_SOURCE
    if asked.accept == "auto" and not calibrated:
        tell("this model was calibrated for no outlet, so nothing is decided auto: see --accept review")
    return job


def undo(settings: Settings, id_: str) -> int:
    """Raises JobError."""
    job = find(settings, id_)
    with job.alone():
        if not (files := place.undo(job.folder)):
            raise JobError(f"the job {id_} has put nothing in place: there is nothing to undo")
        job.tell("undone")
    return files


def listed(settings: Settings) -> Sequence[dict[str, Any]]:
    return [
        {
            "job": job.id,
            "status": state.status if state.status != "running" or job.is_running else "interrupted",
            "at": state.at,
            "input": job.plan.asked.input,
            "output": job.plan.asked.output,
            "dry_run": job.plan.asked.dry_run,
            "model": job.plan.model,
            **state.counts,
            "note": state.note,
        }
        for job in all_jobs(settings)
        for state in (job.state,)
    ]
