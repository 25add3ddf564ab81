"""Lines of corrections, or of labelled articles as the export writes them, into the journal."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from service.correction import CorrectionError, Suggester, ready
from service.corrections import fingerprint_of
from service.inference.labels import HEADS
from service.keeping import Keeping

GROUP = 200  # lines to one transaction


@dataclass(slots=True)
class Imported:
    new: int = 0
    before: int = 0  # were imported already
    refused: int = 0


def import_lines(
    lines: Iterable[tuple[int, bytes]], keeping: Keeping, suggester: Suggester, refuse: Callable[[int, str], object]
) -> Iterator[Imported]:
    """Works while it is iterated over; yields the counts after each group. The same lines again change nothing.

    Reads and writes the store; heavy on CPU where a correction brings its article. Raises StoreAwayError.
    """
    done = Imported()
    numbered = iter(lines)
    while group := list(islice(numbered, GROUP)):
        items = [_as_correction(line) for _, line in group]
        fingerprint = fingerprint_of(b"\n".join(items))
        key = f"import {fingerprint.hex()}"
        answered = keeping.corrections.replay(key, fingerprint)
        if answered is None:
            answered = keeping.corrections.append(
                ready(items, suggester, keeping.predictions), key, fingerprint
            ).result()
        for (number, _), one in zip(group, answered, strict=True):
            if isinstance(one, CorrectionError):
                done.refused += 1
                refuse(number, str(one))
            elif one.status == 200:
                done.before += 1
            else:
                done.new += 1
        yield done


def _as_correction(line: bytes) -> bytes:
    """A labelled article is what an editor decided; an article without an id has its labels remembered by nobody."""
    try:
        record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return line  # what is wrong with it is told in its place
    if "final" in record or not record.keys() & set(HEADS):
        return line
    final = {head: record.pop(head) for head in HEADS if head in record}
    return msgspec.json.encode({"article": record, "final": final, "seen": True, "actor": "import"})
