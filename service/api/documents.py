"""/openapi.json and /docs: Swagger UI, every byte of it served from here."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from service.api.body import JSON
from service.api.openapi import HTML, document
from service.api.problems import ProblemError
from service.api.query import NoParameters, read_query

_STATIC = Path(__file__).with_name("static")
_KINDS = {".css": "text/css", ".html": HTML, ".js": "text/javascript"}

# Swagger UI writes style attributes and shows pictures that are in its style sheet; no script but ours ever runs
_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:"
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@get("/openapi.json")
async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    read_query(request, NoParameters)
    content = msgspec.json.encode(document(request.app.routes))
    return Response(content, media_type=JSON)


@get("/docs")
async def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _static("index.html")


@get("/docs/{name:str}")
async def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _static(name)


async def _static(name: str) -> Response[bytes]:
    path = next((path for path in _STATIC.iterdir() if path.name == name and path.suffix in _KINDS), None)
    if path is None:
        raise ProblemError("not-found", f"there is nothing at /docs/{name[:200]}")
    content = await asyncio.to_thread(path.read_bytes)
    return Response(content, media_type=_KINDS[path.suffix], headers=_HEADERS)
