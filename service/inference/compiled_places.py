"""What the rules for places go by, as the loops take it: sets of words and marks, places and phrases by number."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference import kernel, mentions, scenes, surroundings
from service.inference.places import OWN, Kind, Phrase, Place
from service.inference.words import TABLE

NEVER_LISTED = b"\0"  # instead of a label that cp1251 can't write: no text in cp1251 has it


def _strings(
    whole: Sequence[Iterable[bytes]], part: Sequence[Iterable[bytes]]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """A Strings table. The sets of either list have the flags 1, 2, 4 … in their order."""
    flags: dict[bytes, list[int]] = defaultdict(lambda: [0, 0])
    for kind, sets in enumerate((whole, part)):
        for number, strings in enumerate(sets):
            for string in strings:
                flags[string][kind] |= 1 << number
    rows = sorted(flags.items(), key=lambda item: _bucket(item[0]))
    table = np.zeros(
        len(rows), [("length", np.uint8), ("bytes", np.uint8, kernel.LONGEST_STRING + 1), ("flags", np.uint32, 2)]
    )
    for row, (string, both) in zip(table, rows, strict=True):
        assert len(string) <= kernel.LONGEST_STRING
        row["length"], row["flags"] = len(string), both
        row["bytes"][: len(string)] = list(string)
    start = np.searchsorted([_bucket(string) for string, _ in rows], np.arange(kernel.BUCKETS + 1))
    return table, start.astype(np.int32)


def _bucket(string: bytes) -> int:
    return (string[0] << 2 ^ (string[1] if len(string) > 1 else 0x20)) & (kernel.BUCKETS - 1)


def _stems(by_beginning: Mapping[bytes, Iterable[bytes]]) -> list[bytes]:
    return [stem for group in by_beginning.values() for stem in group]


def _written(texts: Iterable[str]) -> list[bytes]:
    return [text.encode("cp1251") for text in texts]


# in the order of the flags in kernel/places.h
_WORDS: Sequence[Iterable[bytes]] = (
    surroundings.BEFORE_A_CITY,
    surroundings.BEFORE_AN_INSTRUMENTAL,
    surroundings.SETTLEMENTS,
    surroundings.OWNED_BY_A_PLACE,
    surroundings.WATERS,
    surroundings.TITLES,
    surroundings.ABBREVIATED,
    scenes.IN,
    scenes.NEAR,
    (scenes.FAR_FROM,),
    scenes.FROM,
    scenes.AWAY,
    scenes.EARLIER,
    scenes.GATHERINGS,
    scenes.CITY_WORDS,
    scenes.LOCATIVE_IN_U,
)
_BEGINNINGS: Sequence[Iterable[bytes]] = (
    _stems(surroundings.STREETS),
    _stems(surroundings.ELSEWHERE),
    _stems(surroundings.CULTURE),
    _stems(surroundings.DISTRICTS),
    scenes.SCENERY,
    scenes.TAKERS,
    scenes.TELLERS,
    scenes.MOVERS,
    scenes.WAYS,
    mentions.COMMON_HEADS,
)
_ENDINGS: Sequence[Iterable[bytes]] = (scenes.LOCATIVE, scenes.UNCERTAIN, (scenes.U,), surroundings.PAST)
_GAPS: Sequence[Iterable[bytes]] = tuple(map(_written, (mentions.LIST_GAPS, scenes.SAME_PLACE, scenes.GAPS)))
_GOES_ON: Sequence[Iterable[bytes]] = tuple(map(_written, (scenes.WHERE, scenes.ROUTE, mentions.SPEECH_GOES_ON)))


def _marks() -> npt.NDArray[np.uint32]:
    """What each byte of cp1251 is."""
    marks = np.zeros(256, np.uint32)
    for byte in range(256):
        mark = bytes([byte]).decode("cp1251", "replace")
        told = (
            *(mark.isupper(), mark.islower(), mark.isdigit(), mark.isspace(), mark in surroundings.OPENING),
            *(mark in surroundings.SENTENCE_ENDS, mark in scenes.SENTENCE_ENDS),
            *(bool(mentions.BROKEN.match(mark)), bool(scenes.MARK.match(mark)), mark in scenes.DASHES),
        )
        marks[byte] = sum(1 << number for number, is_so in enumerate(told) if is_so)
    return marks


class Relations(NamedTuple):
    """Of each place."""

    levels: Sequence[int]
    abroad: Sequence[bool]
    areas: Sequence[int]
    above: Sequence[tuple[int, ...]]  # what it stands for besides


class PlaceTables:
    """Keeps the arrays to which `compiled` points."""

    def __init__(
        self,
        places: Sequence[Place],
        phrases: Sequence[Phrase],
        weights: Sequence[Sequence[float]],
        relations: Relations,
        larger: int,
    ) -> None:
        """`weights` by level; `larger`: how many times as large a city of several is meant. Raises
        ValueError where a number leads outside: the loops trust these tables."""
        _check(places, phrases)
        strings = [_strings(_WORDS, _BEGINNINGS), _strings(_GAPS, _GOES_ON), _strings((), _ENDINGS)]
        above = relations.above
        labels = [place.label.encode("cp1251", "replace") for place in places]
        labels = [label if b"?" not in label else NEVER_LISTED for label in labels]
        rank = np.empty(len(places), np.int32)
        rank[sorted(range(len(places)), key=lambda number: places[number].id)] = np.arange(len(places))
        self.most_above = max(map(len, above), default=0)
        self.count = len(places)
        arrays = (
            _marks(),
            np.frombuffer(TABLE, np.uint8),
            np.array([int(phrase.kind) for phrase in phrases], np.uint8),
            np.array([phrase.doubt for phrase in phrases], np.uint8),
            np.array([phrase.place for phrase in phrases], np.int32),
            np.array(relations.levels, np.uint8),
            np.array([place.home == OWN for place in places], np.uint8),
            np.array([place.home for place in places], np.uint8),
            np.array(relations.abroad, np.uint8),
            np.array([place.parent for place in places], np.int32),
            np.array(relations.areas, np.int32),
            np.cumsum([0, *map(len, above)], dtype=np.int32),
            np.array([one for of_place in above for one in of_place], np.int32),
            rank,
            np.array([place.population for place in places], np.int64),
            np.cumsum([0, *map(len, labels)], dtype=np.int32),
            np.frombuffer(b"".join(labels) or NEVER_LISTED, np.uint8),
            np.array([_padded(of_level) for of_level in weights], np.float64),
        )
        self._kept = (strings, arrays)  # what the addresses point to
        tables = [kernel.Strings(*kernel.addresses(*both), len(both[0])) for both in strings]
        self.compiled = kernel.Places(*tables, *kernel.addresses(*arrays), len(surroundings.OPENING), larger)


def _padded(weights: Sequence[float]) -> list[float]:
    """Older artifacts lack the last features, which then weigh nothing."""
    return [*weights, *[0.0] * kernel.PLACE_FEATURES][: kernel.PLACE_FEATURES]


def _check(places: Sequence[Place], phrases: Sequence[Phrase]) -> None:
    of_places = all(-1 <= place.parent < len(places) and 0 <= place.home < 256 for place in places)
    nameless = (Kind.BLOCK, Kind.EVENT)
    of_phrases = all(
        (-1 if phrase.kind in nameless else 0) <= phrase.place < len(places) and 0 <= phrase.doubt < 256
        for phrase in phrases
    )
    if not (of_places and of_phrases):
        raise ValueError("the phrases of the regions don't fit their places")
