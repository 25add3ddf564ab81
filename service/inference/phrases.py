"""Finds names of places and tags in an article: one trie over words, one pass for all heads.

A *pattern* is a set of word forms that may stand at one place of a name («Нижний, Нижнего, Нижнему …»); the lemma table
knows the patterns of each class of forms, so a pass costs one array look-up for the article and a few dict steps
where a name may start: some 50 to 70 µs for places and 2,000 tags.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference.lemmas import Ints, Lemmas

Hit = tuple[int, int, int]  # the words from the first up to, not including, the second number spell the phrase


class _Node:
    __slots__ = ("children", "phrases")

    def __init__(self) -> None:
        self.children: dict[int, _Node] = {}
        self.phrases: tuple[int, ...] = ()


class Named(NamedTuple):
    """Hits in the title and in the body, by the head they belong to."""

    places: tuple[list[Hit], list[Hit]]
    tags: tuple[list[Hit], list[Hit]]


class Phrases:
    """The trie, built at load from flat arrays (5 µs a phrase)."""

    def __init__(self, parts: Mapping[str, npt.NDArray[np.generic]], lemmas: Lemmas) -> None:
        """`parts`: phrase i is the patterns `words[start[i]:start[i + 1]]`; ids of phrases are their order."""
        self._root = _Node()
        start, words = parts["start"].tolist(), parts["words"].tolist()
        for phrase in range(len(start) - 1):
            node = self._root
            for pattern in words[start[phrase] : start[phrase + 1]]:
                node = node.children.setdefault(pattern, _Node())
            node.phrases = (*node.phrases, phrase)
        self._patterns = _Patterns(lemmas)
        self._openings = _Openings(self._root, self._patterns)
        self._opens = _classes_that_open(lemmas, np.fromiter(self._root.children, np.int32))

    def named(self, title: Ints, body: Ints, places: int) -> Named:
        """What the classes of a title and a body name; the first `places` phrases are names of places."""
        named = Named(([], []), ([], []))
        for part, classes in enumerate((title, body)):
            for hit in self.find(classes):
                (named.places if hit[2] < places else named.tags)[part].append(hit)
        return named

    def find(self, classes: Ints) -> list[Hit]:
        """Every phrase at every word where one starts, in order of the first word, along one path the longest first."""
        starts = np.flatnonzero(self._opens[classes]).tolist()
        if not starts:
            return []
        hits: list[Hit] = []
        row = classes.tolist()
        for first in starts:
            for node in self._openings[row[first]]:
                if node.children:
                    self._walk(node, row, first, first + 1, hits)
                hits += [(first, first + 1, phrase) for phrase in node.phrases]
        return hits

    def _walk(self, node: _Node, row: list[int], first: int, at: int, hits: list[Hit]) -> None:
        if at == len(row) or not row[at]:
            return
        for pattern in self._patterns[row[at]]:
            child = node.children.get(pattern)
            if child is not None:
                if child.children:
                    self._walk(child, row, first, at + 1, hits)
                hits += [(first, at + 1, phrase) for phrase in child.phrases]


class _Openings(dict[int, tuple[_Node, ...]]):
    """Class -> the nodes that its patterns lead to from the root."""

    def __init__(self, root: _Node, patterns: "_Patterns") -> None:
        super().__init__()
        self._root, self._patterns = root, patterns

    def __missing__(self, number: int) -> tuple[_Node, ...]:
        children = self._root.children
        found = tuple(children[pattern] for pattern in self._patterns[number] if pattern in children)
        self[number] = found
        return found


class _Patterns(dict[int, tuple[int, ...]]):
    """Class -> its patterns, taken from the table at first sight; never more entries than the table has classes."""

    def __init__(self, lemmas: Lemmas) -> None:
        super().__init__()
        self._start, self._values = lemmas.patterns_start, lemmas.patterns

    def __missing__(self, number: int) -> tuple[int, ...]:
        found = tuple(self._values[self._start[number] : self._start[number + 1]].tolist())
        self[number] = found
        return found


def _classes_that_open(lemmas: Lemmas, openers: Ints) -> npt.NDArray[np.bool_]:
    """For each class, whether one of its patterns starts a phrase."""
    owner = np.repeat(np.arange(len(lemmas.lemma_of_class)), np.diff(lemmas.patterns_start))
    opens = np.zeros(len(lemmas.lemma_of_class), np.bool_)
    opens[owner[np.isin(lemmas.patterns, openers)]] = True
    return opens
