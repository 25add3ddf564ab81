"""The latest answers, decoded: what a queue or a table is made of. What was read for one is known for the next."""

from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

import msgspec
import zstandard
from msgspec import UNSET, Struct, UnsetType

from service.inference.article import Decision, ModelReference
from service.store import answers
from service.store.answers import Kept
from service.store.readers import Readers

LOOKED_AT = 2000  # of the latest answers


class Likely(Struct, frozen=True, gc=False):
    """A label of an answer. `score` of a rubric that an editor set is 1."""

    id: str
    label: str
    score: float
    decision: Decision | UnsetType = UNSET


class Answered(Struct, frozen=True):
    """As much of an annotation as is looked at."""

    status: str
    model: ModelReference
    reasons: tuple[str, ...] = ()
    rubric: Likely | None = None
    alternatives: tuple[Likely, ...] = ()
    tags: tuple[Likely, ...] = ()


class LatestAnswer(NamedTuple):
    """`kept` is its row, without the answer."""

    kept: Kept
    answer: Answered


_decoder = msgspec.json.Decoder(Answered)


def when(made_at: int) -> str:
    """Milliseconds since 1970 as ISO 8601."""
    return datetime.fromtimestamp(made_at / 1000, UTC).isoformat(timespec="seconds")


class Latest:
    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._known: dict[Kept, Answered] = {}
        self._lock = Lock()

    def answers(self, most: int = LOOKED_AT) -> list[LatestAnswer]:
        """The latest first; of one text there may be several, for other heads. Reads the store. Raises StoreError.

        Of 2,000, 12 ms when nothing is new since the last time, and some 30 µs more for each that is.
        """
        with self._lock, self._readers.one() as connection:
            rows = answers.latest(connection, most)
            fresh = [row for row in rows if row not in self._known]
            contents = answers.contents(connection, fresh)
            found = {row: self._known[row] for row in rows if row in self._known} | _decoded(contents)
            self._known = found
        return [LatestAnswer(row, found[row]) for row in rows if row in found]


def _decoded(contents: dict[Kept, bytes]) -> dict[Kept, Answered]:
    """Unpacked in one call, without the interpreter's lock: each call of its own would wait up to 5 ms to have it back
    while articles are being answered."""
    if not contents:
        return {}
    frames: list[bytes | bytearray | memoryview] = list(contents.values())
    plain = zstandard.ZstdDecompressor().multi_decompress_to_buffer(frames, threads=0)
    return {row: _decoder.decode(plain[i].tobytes()) for i, row in enumerate(contents)}
