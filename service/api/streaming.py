"""Lines in, answers out, at the same time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Request, Response
from litestar.types import Receive, Scope, Send

from service.api.body import NDJSON, ClientGoneError, pieces_of
from service.api.lines import Line, groups
from service.api.spool import Spool

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds without a byte either way, while answers wait to be taken, after which a client is left


class LineStream(Response[None]):
    """`answer` turns a group of numbered lines (None: one over the limit) into their answers, without line ends."""

    def __init__(
        self,
        request: Request[Any, Any, Any],
        answer: Callable[[Sequence[Line]], Awaitable[list[bytes]]],
        *,
        max_line: int,
        version: str,
    ) -> None:
        super().__init__(None)
        self._request = request
        self._answer = answer
        self._max_line = max_line
        self._headers = [(b"content-type", NDJSON.encode()), (b"x-model-version", version.encode())]
        self._moved = 0

    def to_asgi_response(self, *_: object, **__: object) -> Any:
        return self._stream

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        spool = Spool()
        tasks = [asyncio.create_task(self._read(spool)), asyncio.create_task(self._write(spool, send))]
        try:
            await self._watch(tasks, spool)
        except ClientGoneError:
            pass  # so its answers are not worked out either
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            spool.close()

    async def _watch(self, tasks: Sequence["asyncio.Task[None]"], spool: Spool) -> None:
        """Until both are done, one of them fails, or nothing moves any more."""
        pending: set[asyncio.Task[None]] = set(tasks)
        while pending:
            moved = self._moved
            done, pending = await asyncio.wait(pending, timeout=PATIENCE, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
            if not done and moved == self._moved and spool.waiting:
                log.warning("a client took none of its answers for %d s and was left", PATIENCE)
                return

    async def _read(self, spool: Spool) -> None:
        async for group in groups(pieces_of(self._request), self._max_line):
            answers = await self._answer(group)
            await spool.put(b"".join(answer + b"\n" for answer in answers))
            self._moved += 1
        spool.end()

    async def _write(self, spool: Spool, send: Send) -> None:
        """Begins when there is something: until then the client may be waiting for «100 Continue»."""
        started = False
        async for piece in spool.pieces():
            if not started:
                await send({"type": "http.response.start", "status": 200, "headers": self._headers})
                started = True
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self._moved += 1
        if not started:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
