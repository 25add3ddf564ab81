"""The editors' page: static files that speak to the same addresses as a CMS does."""

from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from service.api.files import Files
from service.api.query import NoParameters, read_query

# no script and no style but ours, nothing from elsewhere, no page around it; a form is sent nowhere but by our script
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC = Files(Path(__file__).with_name("static"), "/page", _POLICY)


@get("/")
async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _STATIC.answer("index.html")


@get("/page/{name:str}")
async def page_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _STATIC.answer(name)
