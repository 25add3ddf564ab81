"""Turns calls away at the very door while more is waiting than can be answered in good time.

It stands before the framework, so that a refusal costs a tenth of an answer: those who are refused often come again at
once. What a body of unknown length brings is looked at again when it has been read (desk.py).
"""

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from service.api.lanes import Lane, Lanes
from service.api.problems import MEDIA_TYPE, busy, describe, language_of

ALONE = frozenset({"/annotate", "/classify", "/tags"})  # addresses that answer one article
MOST_URGENT_OF_BULK = 4  # RFC 9218: 0 to 7, the more the less urgent, 3 where nothing is said


class Admission:
    def __init__(self, app: ASGIApp, lanes: Lanes) -> None:
        self._app = app
        self._lanes = lanes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"] in ALONE:
            headers = dict(scope["headers"])
            if self._lanes.is_full(lane_of(headers.get(b"priority", b"").decode("latin-1"))):
                await _refuse(scope, headers.get(b"accept-language", b"").decode("latin-1"), send)
                return
        await self._app(scope, receive, send)


def lane_of(priority: str) -> Lane:
    """Of a call for one article, by its header `Priority` (RFC 9218): `u=4` to `u=7` is bulk."""
    for parameter in priority.split(","):
        name, _, value = parameter.strip().partition("=")
        if name == "u" and value.isdecimal():
            return "bulk" if int(value[:3]) >= MOST_URGENT_OF_BULK else "editors"
    return "editors"


async def _refuse(scope: Scope, accept_language: str, send: Send) -> None:
    language = language_of(accept_language)
    problem = busy()
    body = msgspec.json.encode(describe(problem, language, instance=scope["path"]))
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **problem.headers}
    headers |= {"Content-Language": language, "Vary": "Accept-Language"}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope["path_template"] = scope["path"]  # what the framework would have set: the route in the metrics
    await send({"type": "http.response.start", "status": 503, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": False})
