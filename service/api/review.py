"""What is worth an editor's look."""

import asyncio
from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from service import doubts, drawn
from service.annotate import Door
from service.api.body import JSON
from service.api.openapi import Told
from service.api.query import read_query
from service.keeping import Keeping
from service.latest import when
from service.review import Candidate, Strategy, queue

DRAWN = "drawn at random from articles of which something was published unseen"


class Wanted(Struct, frozen=True, kw_only=True):
    """The query of the queue."""

    strategy: Annotated[
        Strategy,
        Meta(
            description="margin: two rubrics are nearly as likely; rare: few articles have its rubric; disagreement: "
            "versions of the model or editors differ; label_error: the model doubts an editor's rubric; audit: drawn "
            "at random from what is published unseen, the labels not told"
        ),
    ] = "margin"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


@get(
    "/review",
    opt=Told("Articles worth an editor's look", query=Wanted, answer={JSON: list[Candidate]}, problems=(503,)).as_opt(),
)
async def review(
    request: Request[Any, Any, Any], keeping: NamedDependency[Keeping], door: NamedDependency[Door]
) -> list[Candidate]:
    """Of the latest 2,000 answers, those on articles that no editor has decided anything on; of the latest 2,000
    corrections, those that something speaks against. An audit is decided with `"audit": true` in the correction."""
    wanted = read_query(request, Wanted)
    return await asyncio.to_thread(_queue, keeping, door, wanted)


def _queue(keeping: Keeping, door: Door, wanted: Wanted) -> list[Candidate]:
    if wanted.strategy == "audit":
        return [
            Candidate(one.article_id, one.prediction_id, when(one.made_at), why=DRAWN)
            for one in drawn.queue(keeping.readers, door.take().version, wanted.limit)
        ]
    if wanted.strategy == "disagreement":
        return doubts.disagreement(keeping, wanted.limit)
    if wanted.strategy == "label_error":
        return doubts.label_error(keeping, wanted.limit)
    return queue(keeping, wanted.strategy, wanted.limit)
