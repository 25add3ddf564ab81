"""Lines of records in, lines of answers out, one for one and in order: what `rubricator annotate` does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import msgspec

from service.annotate import Answer, Refused
from service.api.problems import describe
from service.api.schemas import RefusedLine
from service.records import encode_annotation

GROUP = 500  # articles to one call of the model, which takes them stage by stage: 1.6 times faster than one alone

T = TypeVar("T")


@dataclass(slots=True)
class Done:
    annotated: int = 0
    refused: int = 0


def annotate_lines(
    lines: Iterable[tuple[int, bytes]],
    answer: Callable[[Sequence[bytes]], Sequence[Answer]],
    write: Callable[[bytes], object],
) -> Iterator[Done]:
    """Works while it is iterated over; yields the counts after each group. Reads the disk, heavy on CPU."""
    done = Done()
    for group in _groups(lines, GROUP):
        for (number, _), answered in zip(group, answer([line for _, line in group]), strict=True):
            if isinstance(answered, Refused):
                done.refused += 1
                write(msgspec.json.encode(RefusedLine(answered.id, number, describe(answered.error))))
            else:
                done.annotated += 1
                write(encode_annotation(answered))
        yield done


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
