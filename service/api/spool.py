"""Answers that the client has not taken yet.

Many clients send all of a body before they read a byte of the answer. Were nothing read from them meanwhile, both sides
would wait for each other for ever as soon as the buffers in between are full (some MB). So answers wait here: in memory
as long as they are few, then in a temporary file, and only when that is full is no more read.
"""

import asyncio
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile

IN_MEMORY = 1 << 20
LARGEST = 1 << 28  # bytes on disk for one stream: answers to some 200,000 articles
PIECE = 1 << 16


class Spool:
    """First in, first out, between one that puts and one that takes, both in the same event loop."""

    def __init__(self, largest: int | None = None) -> None:
        self._largest = LARGEST if largest is None else largest
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by close()
        self._put = self._taken = 0
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Bytes that were put and not taken."""
        return self._put - self._taken

    async def put(self, content: bytes) -> None:
        """Waits while the spool is full."""
        while self.waiting >= self._largest:
            await self._change()
        self._file.seek(self._put)
        self._file.write(content)
        self._put += len(content)
        self._changed.set()

    def end(self) -> None:
        """Nothing more will be put."""
        self._ended = True
        self._changed.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        while self.waiting or not self._ended:
            if not self.waiting:
                await self._change()
                continue
            self._file.seek(self._taken)
            piece = self._file.read(min(PIECE, self.waiting))
            self._taken += len(piece)
            if not self.waiting:
                self._put = self._taken = 0
                self._file.truncate(0)
            self._changed.set()
            yield piece

    def close(self) -> None:
        self._file.close()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
