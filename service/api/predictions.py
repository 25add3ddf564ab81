"""Answers again, and everything that is held of an article away."""

import asyncio
from typing import Any
from urllib.parse import unquote

from litestar import Request, Response, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from service.api.body import JSON
from service.api.openapi import Told
from service.api.origin import must_not_come_from_a_foreign_page
from service.api.problems import ProblemError
from service.api.query import NoParameters, read_query
from service.api.schemas import Erased
from service.inference.article import Annotation
from service.keeping import Keeping

_PREDICTION = Told("An answer again", answer={JSON: Annotation}, problems=(404, 410, 503))
_ERASE = Told("Erase all that is held of an article", answer={JSON: Erased}, problems=(400, 403, 503))


@get("/predictions/{prediction_id:str}", opt=_PREDICTION.as_opt())
async def prediction(
    request: Request[Any, Any, Any], prediction_id: FromPath[str], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """As it was given, with the versions that made it; the text is not kept. The same text asked about again has the
    same id: the latest answer is told, with the heads that were not asked for then from the one before."""
    read_query(request, NoParameters)
    found = (await asyncio.to_thread(keeping.predictions.find, [prediction_id])).get(prediction_id)
    if found is None:
        raise ProblemError("not-found", "there is no such prediction here")
    if found.answer is None:
        raise ProblemError("gone", "this prediction was kept and is not any more")
    return Response(found.answer, media_type=JSON)


@delete("/articles/{article_id:path}", status_code=200, opt=_ERASE.as_opt())
async def erase(
    request: Request[Any, Any, Any], article_id: FromPath[str], keeping: NamedDependency[Keeping]
) -> Erased:
    """Text, corrections and predictions. A hash of the id stays, so that nothing of it is kept or learnt from again."""
    must_not_come_from_a_foreign_page(request)
    read_query(request, NoParameters)
    # not the parameter: the router takes // for /
    try:
        article_id = unquote(request.scope["raw_path"].decode("latin-1").partition("/articles/")[2], errors="strict")
    except UnicodeDecodeError as error:
        raise ProblemError("malformed", "the article's id in the address is not UTF-8") from error
    corrections, predictions = await asyncio.wrap_future(keeping.corrections.erase(article_id))
    await asyncio.to_thread(keeping.settle)
    return Erased(corrections, predictions)
