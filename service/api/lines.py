"""Pieces of a body as they come in -> groups of lines, with no more in memory than a line may have."""

from collections.abc import AsyncIterator

GROUP = 64  # lines to one call of the model: more are hardly faster, and their sender would wait longer for the first

TOO_LONG = None  # stands for a line over the limit, whose bytes were dropped


Line = tuple[int, bytes | None]  # its number, from 1, and its bytes


async def groups(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[list[Line]]:
    """What is there is handed on, no group is waited for. Blank lines are counted and left out; the last end may be
    missing."""
    splitter = Splitter(limit)
    async for piece in pieces:
        lines = splitter.feed(piece)
        for start in range(0, len(lines), GROUP):
            yield lines[start : start + GROUP]
    if last := splitter.end():
        yield last


class Splitter:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest: list[bytes] = []  # pieces of the line that has not ended yet
        self._size = 0
        self._number = 0

    def feed(self, piece: bytes) -> list[Line]:
        *ended, rest = piece.split(b"\n")
        lines: list[Line] = []
        for end in ended:
            self._extend(end)
            lines += self.end()
        self._extend(rest)
        return lines

    def end(self) -> list[Line]:
        """The line so far, unless it is blank."""
        self._number += 1
        line = None if self._size > self._limit else b"".join(self._rest)
        self._rest, self._size = [], 0
        if line is None:
            return [(self._number, TOO_LONG)]
        return [(self._number, line)] if line.strip() else []

    def _extend(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            self._rest.clear()
        else:
            self._rest.append(piece)
