"""Request bodies: their kind, and their bytes up to a limit that holds while they are read."""

from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from litestar import Request

from service.api.problems import ProblemError, too_large
from service.api.schemas import FieldProblem
from service.records import UNREADABLE, not_json
from service.shape import wrong

T = TypeVar("T")

JSON = "application/json"
NDJSON = "application/x-ndjson"


class ClientGoneError(Exception):
    """The client closed the connection before its body was here: nobody is left to be answered."""


def header(request: Request[Any, Any, Any], name: bytes) -> str:
    """The first of that name, in lower case, or "". The framework's own table of headers takes 15 µs to make."""
    return next((value.decode("latin-1") for key, value in request.scope["headers"] if key == name), "")


def media_type(request: Request[Any, Any, Any], *read_here: str) -> str:
    """The body's type, one of `read_here`; the first of them where none is named. Anything else is a ProblemError."""
    encoding = header(request, b"content-encoding").strip().lower()
    if encoding not in {"", "identity"}:
        raise _unsupported(f"the content encoding {encoding[:64]} is not read: send it as it is", "identity")
    return _named(header(request, b"content-type"), read_here)


@lru_cache(maxsize=64)
def _named(content_type: str, read_here: tuple[str, ...]) -> str:
    sent, _, parameters = content_type.partition(";")
    name = sent.strip().lower() or read_here[0]
    if name.startswith("application/") and name.endswith("+json"):
        name = JSON
    if name not in read_here:
        raise _unsupported(f"{name[:64]} is not read here: send {' or '.join(read_here)}")
    for parameter in parameters.lower().split(";"):
        key, _, charset = parameter.strip().partition("=")
        if key == "charset" and charset.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise _unsupported(f"the encoding {charset[:64]} is not read: send UTF-8")
    return name


async def read_body(request: Request[Any, Any, Any], limit: int) -> bytes:
    """All of it. Not one byte is read of a body that announces more than `limit`."""
    length = header(request, b"content-length")
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    async for piece in pieces_of(request):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def pieces_of(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it comes in: whoever doesn't ask for the next piece makes the client wait."""
    more = True
    while more:
        message: dict[str, Any] = await request.receive()  # type: ignore[assignment]
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        more = message.get("more_body", False)
        if piece := message.get("body", b""):
            yield piece


def decode(body: bytes, kind: type[T], name: str, like: str) -> T:
    """A body other than an article: what to call it, and what it looks like. Raises a ProblemError that points to what
    is wrong."""
    if not body.strip():
        raise ProblemError("malformed", f"the body is empty: send {like}")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        pointer, detail = wrong(error, name)
        if not pointer:
            raise ProblemError("malformed", f"{detail}: send {like}") from error
        raise ProblemError("malformed", detail, errors=[FieldProblem(pointer, detail)]) from error
    except UNREADABLE as error:
        raise not_json(error, body, name) from error


def _unsupported(detail: str, accepted_encoding: str = "") -> ProblemError:
    headers = {"Accept-Encoding": accepted_encoding} if accepted_encoding else {}
    return ProblemError("unsupported-media-type", detail, headers=headers)
