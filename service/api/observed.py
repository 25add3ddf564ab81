"""What every answer bears and leaves behind, errors too: three headers, a count, a line in the log.

It stands around the whole application, so that it sees what the client sees. A middleware of the framework is not
called for a path that isn't there, and sees an exception where the client gets an answer.
"""

import logging
import random
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.api.tally import Tally
from service.log import often

log = logging.getLogger("service.requests")

GONE = 499  # as nginx writes it: the client did not wait; nobody gets this answer, the log and the metrics do

_SANE = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_NOWHERE = "(none)"  # the route of a path that isn't there: what clients make up must not fill the metrics
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Observed:
    """`version` tells the model that answers now: for answers that no model made."""

    def __init__(self, app: ASGIApp, tally: Tally, version: Callable[[], str]) -> None:
        self._app = app
        self._tally = tally
        self._version = version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"]
        identity = _request_id(scope["headers"])
        # HEAD is GET whose body the server keeps back: it looks at its own scope, this is a copy
        inner: Any = {**scope, "method": "GET" if method == "HEAD" else method}
        inner["state"] = {**scope.get("state", {}), "request_id": identity.decode()}
        status = 0

        async def receive_on() -> Any:
            nonlocal status
            message = await receive()
            if message["type"] == "http.disconnect":
                status = GONE
            return message

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                headers.append((b"x-request-id", identity))
                headers.append((b"server-timing", b"total;dur=%.2f" % ((perf_counter() - started) * 1000)))
                if not any(name.lower() == b"x-model-version" for name, _ in headers):
                    headers.append((b"x-model-version", self._version().encode()))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(inner, receive_on, send_on)
        finally:
            seconds = perf_counter() - started
            route = inner.get("path_template") or _NOWHERE
            self._tally.request(method if method in _METHODS else "other", route, status, seconds)
            fields = {
                "method": method,
                "path": scope["path"][:200],
                "status": status,
                "ms": round(seconds * 1000, 2),
                "request_id": identity.decode(),
            }
            often(log, "request", fields)


def request_id(scope: Any) -> str:
    return str(scope.get("state", {}).get("request_id", ""))


def _request_id(headers: Any) -> bytes:
    """The caller's own, if it is one that can go into a header and a log; else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _SANE.fullmatch(value):
            return bytes(value)
    # an id, no secret: urandom lets go of the interpreter's lock and waits for it, up to 20 µs. Seeded anew by a fork
    return b"%032x" % random.getrandbits(128)
