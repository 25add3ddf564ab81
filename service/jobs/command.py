"""What `rubricator retag` does: starts or resumes a job, shows how far it is, and tells how it ended."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGTERM, signal
from threading import Event
from typing import Any

import msgspec
import typer

from service.inference.article import Profile
from service.inference.decisions import ENOUGH_OF_A_SOURCE
from service.inference.labels import Head
from service.jobs import place
from service.jobs.counts import Example, Totals
from service.jobs.engines.local import engine
from service.jobs.job import UNFINISHED, Job, all_jobs, create, find, latest
from service.jobs.plan import Accept, Asked, JobError, LabelsBy, Scope, WrongUsageError, differences
from service.jobs.run import MAX_CHANGE, Engine, Outcome, run
from service.loading import open_keeping, outlets_at
from service.progress import progress
from service.settings import Settings

HEADS: Sequence[Head] = ("rubric", "regions", "tags")
FAILED = 1
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_COUNTS = ("lines", "articles", "passed", "abstained", "changed", "written", "rejected")


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
    input_, output = Path(source).resolve(), Path(target).resolve()
    if not input_.exists():
        raise WrongUsageError(f"there is no {source}: name a file or a folder")
    if input_.is_file() and output.is_dir():
        output /= input_.name
    return Asked(
        input=str(input_),
        output=str(output),
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
            job, _engine(workers), lambda done: report(done.articles, done.share), stopped, max_change=max_change
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


def _engine(workers: int | None) -> Engine:
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


def told(job: Job, outcome: Outcome) -> dict[str, Any]:
    """For machines."""
    totals = outcome.totals
    return {
        "job": job.id,
        "status": outcome.status,
        "model": job.plan.model,
        "input": job.plan.asked.input,
        "output": job.plan.asked.output,
        **{name: getattr(totals, name) for name in _COUNTS},
        "share_changed": round(totals.share, 6),
        "labels": {
            head: {
                label: {
                    "added": totals.added.get(head, {}).get(label, 0),
                    "removed": totals.removed.get(head, {}).get(label, 0),
                }
                for label in sorted({*totals.added.get(head, {}), *totals.removed.get(head, {})})
            }
            for head in job.plan.asked.heads
        },
        "problems": list(outcome.problems),
        "report": str(job.report),
        "rejects_file": str(job.rejects),
    }


def tell_outcome(
    job: Job, outcome: Outcome, as_json: Callable[[object], object] | None, tell: Callable[[str], object]
) -> int:
    """The summary, and the exit code."""
    asked, totals = job.plan.asked, outcome.totals
    if as_json is not None:
        as_json(told(job, outcome))
    looked_at = totals.articles - totals.passed
    would = "would change" if asked.dry_run or outcome.status == "held" else "changed"
    tell(f"{totals.changed} of {looked_at} articles {would} ({100 * totals.share:.1f} %): {job.report}")
    if asked.dry_run and as_json is None:
        for line in by_label(totals):
            typer.echo(line)
    if totals.rejected:
        tell(f"{totals.rejected} records could not be read and are not in the output: {job.rejects} says why")
    for problem in outcome.problems:
        tell(f"rubricator: {problem}")
    if outcome.status == "held":
        tell(f"rubricator: {asked.output} was not touched, for more changes than --max-change: look at the page, then "
             "--resume with --yes, or with a higher --max-change")  # fmt: skip
    if outcome.status == "stopped":
        tell("rubricator: stopped; --resume goes on")
    if outcome.status == "broken":
        tell("rubricator: the rest is done; mend what is damaged, then --resume")
    return 0 if outcome.status == "done" else FAILED


def by_label(totals: Totals) -> Iterator[str]:
    """What would be added and removed, with an example of each."""
    for head in HEADS:
        added, removed = totals.added.get(head, {}), totals.removed.get(head, {})
        for label in sorted({*added, *removed}, key=lambda one: (-added.get(one, 0) - removed.get(one, 0), one)):
            shown = next((each for each in totals.examples if label in _of(each, head)), None)
            example = "" if shown is None else f"\t{shown.id or f'line {shown.line}'}: {shown.title}"
            yield f"{head}\t{label}\t+{added.get(label, 0)}\t-{removed.get(label, 0)}{example}"


def _of(example: Example, head: Head) -> Sequence[str]:
    return (*example.added.get(head, ()), *example.removed.get(head, ()))


def table(jobs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in jobs:
        done = f"{one.get('changed', 0)} of {one.get('articles', 0)} changed"
        yield f"{one['job']}  {one['status']:11}  {done}  {one['input']} -> {one['output']}"


def undo(settings: Settings, id_: str) -> int:
    """Raises JobError."""
    job = find(settings, id_)
    with job.alone():
        files = place.undo(job.folder)
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
