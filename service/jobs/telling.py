"""How a job ended, for terminals and for machines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from service.inference.labels import HEADS, Head
from service.jobs.counts import Example, Totals
from service.jobs.job import Job
from service.jobs.run import Outcome

FAILED = 1
_COUNTS = ("lines", "articles", "passed", "abstained", "uncalibrated", "changed", "written", "rejected")


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
    job: Job,
    outcome: Outcome,
    as_json: Callable[[object], object] | None,
    show: Callable[[str], object],
    tell: Callable[[str], object],
) -> int:
    """The summary, and the exit code. `show` is for what was asked for, `tell` for what is told beside it."""
    asked, totals = job.plan.asked, outcome.totals
    if as_json is not None:
        as_json(told(job, outcome))
    looked_at = totals.articles - totals.passed
    would = "would change" if asked.dry_run or outcome.status == "held" else "changed"
    tell(f"{totals.changed} of {looked_at} articles {would} ({100 * totals.share:.1f} %): {job.report}")
    if asked.dry_run and as_json is None:
        for line in by_label(totals):
            show(line)
    if totals.uncalibrated and asked.accept == "auto":
        tell(f"{totals.uncalibrated} articles are of outlets (`source`) that the model was not calibrated for")
    if totals.rejected:
        where = "were left as they are" if asked.is_in_place else "are not in the output"
        tell(f"{totals.rejected} records could not be read and {where}: {job.rejects} says why")
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
