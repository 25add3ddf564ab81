"""POST /classify, /tags and /annotate: one article in, its annotation out.

The desk is taken from the application's state: injected, as elsewhere, it costs 10 µs of a request of 500.
"""

from typing import Any

from litestar import Request, post

from service.annotate import Refused
from service.api.admission import lane_of
from service.api.body import JSON, header, media_type, read_body
from service.api.desk import Desk
from service.api.encoded import Encoded
from service.api.openapi import Told
from service.api.query import read_query
from service.api.schemas import Asked
from service.inference.article import Annotation, Article
from service.records import encode_annotation

RUBRIC = frozenset({"rubric"})
LABELS = frozenset({"regions", "tags"})

PROBLEMS = (400, 404, 413, 415, 422, 503)


def _told(summary: str) -> dict[str, Any]:
    return Told(summary, query=Asked, body={JSON: Article}, answer={JSON: Annotation}, problems=PROBLEMS).as_opt()


@post("/classify", status_code=200, opt=_told("The rubric of an article, with alternatives"))
async def classify(request: Request[Any, Any, Any]) -> Encoded:
    return await _annotated(request, RUBRIC)


@post("/tags", status_code=200, opt=_told("The regions and tags of an article"))
async def tags(request: Request[Any, Any, Any]) -> Encoded:
    return await _annotated(request, LABELS)


@post("/annotate", status_code=200, opt=_told("Rubric, regions and tags in one pass: what a CMS calls on save"))
async def annotate(request: Request[Any, Any, Any]) -> Encoded:
    return await _annotated(request, RUBRIC | LABELS)


async def _annotated(request: Request[Any, Any, Any], heads: frozenset[str]) -> Encoded:
    desk: Desk = request.app.state.desk
    asked = read_query(request, Asked)
    media_type(request, JSON)
    model = await desk.take(asked.model)
    body = await read_body(request, desk.max_body)
    lane = lane_of(header(request, b"priority"))
    desk.make_room(lane)
    options = desk.options(asked, heads, model)
    [answer] = await desk.answer(lane, model, [body], options, strict=asked.strict, timeout=asked.seconds)
    if isinstance(answer, Refused):
        raise answer.error
    return Encoded(encode_annotation(answer), answer.model.version)
