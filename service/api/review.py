"""What is worth an editor's look."""

import asyncio
from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from service.api.body import JSON
from service.api.openapi import Told
from service.api.query import read_query
from service.keeping import Keeping
from service.review import Candidate, Strategy, queue


class Wanted(Struct, frozen=True, kw_only=True):
    """The query of the queue."""

    strategy: Annotated[
        Strategy, Meta(description="margin: two rubrics are nearly as likely; rare: few articles have its rubric")
    ] = "margin"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


@get(
    "/review",
    opt=Told("Articles worth an editor's look", query=Wanted, answer={JSON: list[Candidate]}, problems=(503,)).as_opt(),
)
async def review(request: Request[Any, Any, Any], keeping: NamedDependency[Keeping]) -> list[Candidate]:
    """Of the latest 2,000 answers, those on articles that no editor has decided anything on."""
    wanted = read_query(request, Wanted)
    return await asyncio.to_thread(queue, keeping, wanted.strategy, wanted.limit)
