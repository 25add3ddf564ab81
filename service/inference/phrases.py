"""Finds names of places and tags in an article: one trie over words, one pass for all heads.

A *pattern* is a set of word forms that may stand at one place of a name («Нижний, Нижнего, Нижнему …»); the lemma table
knows the patterns of each class of forms, so a pass costs one look-up a word and a few steps where a name may start.
"""

from collections.abc import Iterator, Mapping
from ctypes import byref
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference import kernel
from service.inference.lemmas import Ints, Lemmas

Hit = tuple[int, int, int]  # the words from the first up to, not including, the second number spell the phrase
Hits = npt.NDArray[np.int32]  # (hits, 3)

ROOT, NO_NODE = 0, 0  # no edge leads back to the root
_HITS = 256  # room for each head's in one part of an article; where it isn't enough, a second pass has it


class Named(NamedTuple):
    """Hits in the title and in the body, by the head they belong to."""

    places: tuple[Hits, Hits]
    tags: tuple[Hits, Hits]


class Phrases:
    """The trie, built at load from flat arrays (1 µs a phrase)."""

    def __init__(self, parts: Mapping[str, npt.NDArray[np.generic]], lemmas: Lemmas, places: int) -> None:
        """`parts`: phrase i is the patterns `words[start[i]:start[i + 1]]`; ids of phrases are their order, and the
        first `places` of them are names of places."""
        self._places = places
        self.phrases = len(parts["start"]) - 1
        self._patterns_start, self._patterns = lemmas.patterns_start, lemmas.patterns
        self._build(parts["start"].tolist(), parts["words"].tolist())
        openers = self._edge_pattern[: self._edges_start[ROOT + 1]]
        self._opens = _classes_that_open(lemmas, openers)
        self._root = np.zeros(1 + max(openers.max(initial=0), lemmas.patterns.max(initial=0)), np.int32)
        self._root[openers] = self._edge_node[: len(openers)]
        arrays = (
            *(self._opens, self._patterns_start, self._patterns, self._edges_start, self._edge_pattern),
            *(self._edge_node, self._phrases_start, self._phrases, self._root),
        )
        self.compiled = kernel.Trie(*kernel.addresses(*arrays), places)

    def _build(self, start: list[int], words: list[int]) -> None:
        """Nodes by number, each with its edges (ascending by pattern) and the phrases that end there."""
        patterns = max(words, default=0) + 1
        edges: dict[int, int] = {}  # node * patterns + pattern -> node
        ends = []
        for phrase in range(len(start) - 1):
            node = ROOT
            for pattern in words[start[phrase] : start[phrase + 1]]:
                node = edges.setdefault(node * patterns + pattern, len(edges) + 1)
            ends.append(node)
        nodes = np.arange(len(edges) + 2)
        keys = np.fromiter(sorted(edges), np.int64, len(edges))
        self._edges_start = np.searchsorted(keys, nodes * patterns).astype(np.int32)
        self._edge_pattern = (keys % patterns).astype(np.int32)
        self._edge_node = np.fromiter(map(edges.__getitem__, keys.tolist()), np.int32, len(edges))
        node_of_phrase = np.array(ends, np.int64)
        self._phrases = np.argsort(node_of_phrase, kind="stable").astype(np.int32)
        self._phrases_start = np.searchsorted(node_of_phrase[self._phrases], nodes).astype(np.int32)

    def fits(self, lemmas: Lemmas) -> bool:
        """Whether every class has its patterns."""
        start = self._patterns_start
        return (
            len(start) == len(lemmas.lemma_of_class) + 1
            and bool((np.diff(start) >= 0).all())
            and start[0] == 0
            and start[-1] == len(self._patterns)
            and (not len(self._patterns) or self._patterns.min() >= 0)
        )

    def named(self, title: Ints, body: Ints) -> Named:
        """What the classes of a title and a body name."""
        in_title, in_body = self._named(title), self._named(body)
        return Named((in_title[0], in_body[0]), (in_title[1], in_body[1]))

    def _named(self, classes: Ints, room: int = _HITS) -> tuple[Hits, Hits]:
        """Hits of places and of tags: at every word where one starts, along one path the longest first."""
        if kernel.library is None:
            hits = np.array(list(self._found(classes.tolist())), np.int32).reshape(-1, 3)
            return hits[hits[:, 2] < self._places], hits[hits[:, 2] >= self._places]
        table = np.empty((2, room, 3), np.int32)
        [at] = kernel.addresses(table)
        found = (kernel.Hits * 2)(kernel.Hits(at, room), kernel.Hits(at + table.nbytes // 2, room))
        kernel.library.find_names(byref(self.compiled), classes.ctypes.data, len(classes), found)
        if max(found[0].found, found[1].found) > room:
            return self._named(classes, max(found[0].found, found[1].found))
        return table[0, : found[0].found].copy(), table[1, : found[1].found].copy()

    def _found(self, row: list[int]) -> Iterator[Hit]:
        """The same in Python."""
        for first in np.flatnonzero(self._opens[row]).tolist():
            for pattern in self._patterns_of(row[first]):
                if node := self._child(ROOT, pattern):
                    yield from self._visit(row, node, first, first + 1)

    def _visit(self, row: list[int], node: int, first: int, at: int) -> Iterator[Hit]:
        if self._edges_start[node] < self._edges_start[node + 1] and at < len(row) and row[at]:
            for pattern in self._patterns_of(row[at]):
                if following := self._child(node, pattern):
                    yield from self._visit(row, following, first, at + 1)
        for phrase in self._phrases[self._phrases_start[node] : self._phrases_start[node + 1]].tolist():
            yield first, at, phrase

    def _patterns_of(self, number: int) -> list[int]:
        found: list[int] = self._patterns[self._patterns_start[number] : self._patterns_start[number + 1]].tolist()
        return found

    def _child(self, node: int, pattern: int) -> int:
        begin, end = self._edges_start[node : node + 2].tolist()
        place = begin + int(np.searchsorted(self._edge_pattern[begin:end], pattern))
        return int(self._edge_node[place]) if place < end and self._edge_pattern[place] == pattern else NO_NODE


def _classes_that_open(lemmas: Lemmas, openers: Ints) -> npt.NDArray[np.bool_]:
    """For each class, whether one of its patterns starts a phrase."""
    owner = np.repeat(np.arange(len(lemmas.lemma_of_class)), np.diff(lemmas.patterns_start))
    opens = np.zeros(len(lemmas.lemma_of_class), np.bool_)
    opens[owner[np.isin(lemmas.patterns, openers)]] = True
    return opens
