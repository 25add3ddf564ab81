"""An answer that is bytes already."""

from typing import Any

from litestar import Response
from litestar.types import Receive, Scope, Send

from service.api.body import JSON


class Encoded(Response[None]):
    """JSON with status 200. The framework's Response would take 20 µs for headers and cookies that are never there."""

    def __init__(self, body: bytes, version: str) -> None:  # without super: its attributes are not read here
        self._body = body
        self._headers = [
            (b"content-type", JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"x-model-version", version.encode()),
        ]

    def to_asgi_response(self, *_: object, **__: object) -> Any:
        return self._send

    async def _send(self, _: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})
