"""What machines ask: is it alive, is it ready, how much has it done."""

import asyncio
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from service.aging import Aging
from service.annotate import Door
from service.api.body import JSON
from service.api.openapi import TEXT, Told
from service.api.query import NoParameters, read_query
from service.api.schemas import Health, Readiness
from service.api.tally import exposition
from service.api.together import Together
from service.keeping import Keeping

PROMETHEUS = "text/plain; version=0.0.4"


@get("/health/live", opt=Told("The process answers", answer={JSON: Health}).as_opt())
async def live(request: Request[Any, Any, Any]) -> Health:
    read_query(request, NoParameters)
    return Health("live")


@get("/health/ready", opt=Told("A model answers, and which", answer={JSON: Readiness}).as_opt())
async def ready(
    request: Request[Any, Any, Any],
    door: NamedDependency[Door],
    active: NamedDependency[Any],
    keeping: NamedDependency[Keeping],
    aging: NamedDependency[Aging],
) -> Readiness:
    """There is always a model: without one the service does not start. `problem` is that of the last exchange, if it
    failed, and the store's, if it is away: the last good model answers meanwhile, degraded, so this is 200."""
    read_query(request, NoParameters)
    reference = door.take().reference
    problems = "; ".join(filter(None, (active.problem, keeping.recall.problem)))
    held_back = tuple(one.label for one in keeping.audits.of(reference.version) if one.held_back)
    age = aging.of(reference.version)
    return Readiness("ready", reference.version, reference.vocabulary, problems or None, age, held_back)


@get("/metrics", opt=Told("What was counted, for Prometheus", answer={TEXT: str}).as_opt())
async def metrics(
    request: Request[Any, Any, Any],
    door: NamedDependency[Door],
    together: NamedDependency[Together],
    active: NamedDependency[Any],
    keeping: NamedDependency[Keeping],
    aging: NamedDependency[Aging],
) -> Response[bytes]:
    read_query(request, NoParameters)
    # in a thread: it reads the store, and the first time imports prometheus_client
    reference = door.take().reference
    age = aging.of(reference.version)
    content = await asyncio.to_thread(lambda: exposition(together.total(), reference, active, keeping, age))
    return Response(content, media_type=PROMETHEUS)
