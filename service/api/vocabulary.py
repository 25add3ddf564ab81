"""The labels that answers are made of."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency

from service.annotate import Door, Model
from service.api.body import JSON
from service.api.openapi import Told
from service.api.query import NoParameters, read_query
from service.vocabulary import Listing, listing

_LIST = Told("All labels, with a version of the whole", answer={JSON: Listing})


@get("/vocabulary", opt=_LIST.as_opt())
async def vocabulary(request: Request[Any, Any, Any], door: NamedDependency[Door]) -> Response[bytes]:
    """`If-None-Match` with its ETag, which is also the `model.vocabulary` of answers, is answered 304."""
    read_query(request, NoParameters)
    model = door.take()
    headers = {"ETag": etag(model.reference.vocabulary), "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") in {headers["ETag"], f"W/{headers['ETag']}"}:
        return Response(b"", status_code=304, headers=headers)
    return Response(await asyncio.to_thread(_listed, model), media_type=JSON, headers=headers)


def etag(version: str) -> str:
    return f'"{version}"'


def _listed(model: Model) -> bytes:
    return msgspec.json.encode(listing(model.reference.vocabulary, model.labels))
