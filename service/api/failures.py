"""Whatever is raised on the way to an answer becomes a problem, in the caller's language."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from service.api.body import ClientGoneError
from service.api.observed import GONE, request_id
from service.api.problems import MEDIA_TYPE, ProblemError, describe, language_of, problem_of
from service.correction import CorrectionError
from service.inference.artifact import ArtifactError
from service.log import FIELDS
from service.records import RecordError
from service.store.database import StoreError
from service.vocabulary import VocabularyError

log = logging.getLogger(__name__)


def _problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    language = language_of(request.headers.get("accept-language"))
    problem = describe(error, language, instance=request.scope["path"])
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    headers |= problem_of(error).headers
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def _from_litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Routing, and what the framework refuses by itself."""
    path, headers = request.scope["path"][:200], dict(error.headers or {})
    if error.status_code == 404:
        return _problem(request, ProblemError("not-found", f"there is nothing at {path}: /docs lists what there is"))
    if error.status_code == 405:
        allowed = headers.get("allow") or headers.get("Allow") or "another method"
        return _problem(request, ProblemError("method-not-allowed", f"{path} takes {allowed}", headers=headers))
    if error.status_code < 500:
        return _problem(request, ProblemError("malformed", error.detail))
    return _unforeseen(request, error)


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    fields = {"request_id": request_id(request.scope), "path": request.scope["path"]}
    log.error("a request failed", exc_info=error, extra={FIELDS: fields})
    return _problem(request, error)


def _gone(_: Request[Any, Any, Any], __: ClientGoneError) -> Response[None]:
    return Response(None, status_code=GONE)


HANDLERS: ExceptionHandlersMap = {
    ProblemError: _problem,
    RecordError: _problem,
    ArtifactError: _problem,
    CorrectionError: _problem,
    VocabularyError: _problem,
    StoreError: _problem,
    ClientGoneError: _gone,
    HTTPException: _from_litestar,
    Exception: _unforeseen,
}
