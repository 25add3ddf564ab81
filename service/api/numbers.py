"""What the service has done lately, for people; machines ask for /metrics."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from service.aging import Aging, days_since
from service.annotate import Door
from service.api.body import JSON
from service.api.openapi import Told
from service.api.query import NoParameters, read_query
from service.api.schemas import Days, DaysAsked, DecisionsMade, Kept, LabelMix, Numbers, Trust
from service.api.tally import Tally
from service.api.together import Together
from service.by_day import by_day
from service.inference import artifact
from service.inference.manifest import ArtifactError
from service.keeping import Keeping
from service.latest import when
from service.registry import Registry
from service.review import lately, mix
from service.store.database import StoreError

MOST_LABELS = 30  # of each head


@get("/numbers", opt=Told("What was answered, for people", answer={JSON: Numbers}).as_opt())
async def numbers(
    request: Request[Any, Any, Any],
    together: NamedDependency[Together],
    keeping: NamedDependency[Keeping],
    aging: NamedDependency[Aging],
    door: NamedDependency[Door],
) -> Numbers:
    """Counts since the service began; labels of the latest 2,000 answers that are kept."""
    read_query(request, NoParameters)
    return await asyncio.to_thread(lambda: _numbers(together.total(), keeping, aging, door.take().version))


@get(
    "/numbers/days",
    opt=Told("What was answered each day", query=DaysAsked, answer={JSON: Days}, problems=(400, 503)).as_opt(),
)
async def numbers_by_day(
    request: Request[Any, Any, Any],
    keeping: NamedDependency[Keeping],
    registry: NamedDependency[Registry],
    door: NamedDependency[Door],
) -> Days:
    """Of all workers, over restarts; days without any are left out."""
    asked = read_query(request, DaysAsked)
    since = datetime.now(UTC).date() - timedelta(days=asked.days - 1)
    return await asyncio.to_thread(_days, keeping, registry, door.bare().version, since.isoformat())


def _days(keeping: Keeping, registry: Registry, version: str, since: str) -> Days:
    with keeping.readers.one() as connection:
        found = by_day(connection, since)
    try:
        mix = artifact.inspect(registry.path(version)).labels.get("mix", {})
    except (ArtifactError, OSError):
        mix = {}
    return Days(tuple(found), version, mix)


def _numbers(tally: Tally, keeping: Keeping, aging: Aging, version: str) -> Numbers:
    sizes = keeping.sizes()
    try:
        answers = list(lately(keeping)) if sizes is not None else []
    except StoreError:
        answers = []
    return Numbers(
        articles=tally.articles,
        refused=tally.refused,
        abstentions=dict(sorted(tally.abstentions.items(), key=lambda one: (-one[1], one[0]))),
        decisions=tuple(DecisionsMade(*of, count) for of, count in sorted(tally.decisions.items())),
        store=Kept(
            up=keeping.recall.problem is None and sizes is not None,
            articles_remembered=keeping.recall.articles,
            predictions_dropped=keeping.writer.dropped,
            corrections=sizes.corrections if sizes else None,
            predictions=sizes.predictions if sizes else None,
            predictions_bytes=sizes.predictions_bytes if sizes else None,
            store_bytes=sizes.store_bytes if sizes else None,
        ),
        labels=LabelMix(
            answers=len(answers),
            since=when(answers[-1].made_at) if answers else None,
            rubrics=tuple(mix(answers, "rubric")[:MOST_LABELS]),
            tags=tuple(mix(answers, "tags")[:MOST_LABELS]),
        ),
        trust=Trust(
            version=version,
            age=aging.of(version),
            days_since_correction=days_since(sizes.last_correction) if sizes and sizes.last_correction else None,
            audited=tuple(keeping.audits.of(version)),
        ),
    )
