"""/openapi.json and /docs: Swagger UI, every byte of it served from here."""

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from service.api.body import JSON
from service.api.files import Files
from service.api.openapi import document
from service.api.query import NoParameters, read_query

# Swagger UI writes style attributes and shows pictures that are in its style sheet; no script but ours ever runs
_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:"
_STATIC = Files(Path(__file__).with_name("static"), "/docs", _POLICY)


@get("/openapi.json")
async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    read_query(request, NoParameters)
    content = msgspec.json.encode(document(request.app.routes))
    return Response(content, media_type=JSON)


@get("/docs")
async def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _STATIC.answer("index.html")


@get("/docs/{name:str}")
async def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _STATIC.answer(name)
