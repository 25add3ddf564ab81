"""Articles -> TF-IDF vectors: the one road from text to what a model sees, in training and in serving alike.

Lemma uni- and bigrams, sublinear term frequency, smoothed inverse document frequency, in three blocks (body, title,
lead), each normalised, weighted, joined and normalised again. That is scikit-learn's TfidfVectorizer once a block
and a hstack (Salton & Buckley 1988); tests compare the two on real articles. Everything here is a batch over flat
arrays: one article is a batch of one, and gets the same bits alone as among five hundred.
"""

from collections.abc import Mapping, Sequence
from ctypes import byref
from dataclasses import dataclass
from itertools import accumulate
from operator import add
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference import kernel
from service.inference.language import foreign, surely_russian
from service.inference.lemmas import STOP, Ints, Lemmas
from service.inference.text import Text
from service.inference.words import folded

BODY, TITLE, LEAD = range(3)
BLOCKS = ("body", "title", "lead")
NO_COLUMN = -1
ONE_ARTICLE = 3  # starts of its two sections, and the end
HASH_BITS = 19
HEADLINE_WORDS = 20  # at most; 99 of 100 have fewer
LEAD_WORDS = 40  # how many words from the start of the body, stop words left out, count as the lead

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Tokens(NamedTuple):
    """The words of one article as classes of the lemma table, in order; 0 stands for a word without meaning here."""

    title: Ints
    body: Ints
    folded: tuple[bytes, bytes] = (b"", b"")  # title and body as words were cut from them
    foreign: bool = False  # not Russian


@dataclass(frozen=True, slots=True)
class Matrix:
    """Sparse rows: article i has `columns[start[i]:start[i + 1]]`, ascending, with `values` beside; int32, float32."""

    start: Longs
    columns: Ints
    values: Floats
    width: int

    def row(self, i: int) -> tuple[Ints, Floats]:
        part = slice(int(self.start[i]), int(self.start[i + 1]))
        return self.columns[part], self.values[part]


def joined(pieces: Sequence[Matrix], width: int) -> Matrix:
    """One matrix of the rows of all pieces."""
    lengths = [np.diff(piece.start) for piece in pieces]
    return Matrix(
        np.concatenate(([0], np.cumsum(np.concatenate(lengths)))),
        np.concatenate([piece.columns for piece in pieces]),
        np.concatenate([piece.values for piece in pieces]),
        width,
    )


@dataclass(frozen=True, slots=True)
class Stream:
    """The words of a batch in one row, stop words left out; one 0 after each title and body parts neighbours."""

    lemma: Longs  # lemma id, 0 where the word is no feature
    section: Longs  # 2 * article for its title, 2 * article + 1 for its body
    starts: Longs  # where each section starts in this row; one more, the end
    kept: Longs  # where the words stood before the stop words went
    whole_starts: Longs  # where each section started then

    def lead(self) -> tuple[Longs, Longs]:
        """Where the words of each lead stand, and its pairs: the last word starts none, its neighbour is outside."""
        begin, end = self.starts[1:-1:2], self.starts[2::2]
        where = begin[:, None] + _LEAD
        inside = where < end[:, None]
        return where[inside], where[:, :-1][inside[:, :-1]]


_CLOSE = np.zeros(1, np.int32)
_LEAD = np.arange(LEAD_WORDS)
_FIRST = np.ones(1, np.bool_)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_TERM_FREQUENCY = 1.0 + np.log(np.maximum(np.arange(10_000), 1))  # sublinear; a word stands no oftener than that


def tokenise(texts: Sequence[Text], lemmas: Lemmas) -> list[Tokens]:
    """Words of each text as classes: the only place where an article's words are looked up."""
    parts = ((folded(text.title), folded(text.body)) for text in texts)
    return [tokens_of(both, (lemmas.classes(both[0]), lemmas.classes(both[1])), lemmas.wide) for both in parts]


def tokens_of(both: tuple[bytes, bytes], classes: tuple[Ints, Ints], wide: bool) -> Tokens:
    """From folded title and body and the classes of their words; `wide`: whether the table knows ordinary words."""
    in_title, in_body = classes
    words = len(in_title) + len(in_body)
    known = None
    if wide:
        known = (np.count_nonzero(in_title) + np.count_nonzero(in_body)) / max(1, words)
    is_foreign = not surely_russian(both[1] or both[0], words, known) and foreign(
        b" ".join(both).split(), (np.concatenate(classes) > 0).tolist() if wide else None
    )
    return Tokens(in_title, in_body, both, is_foreign)


def headline_of(tokens: Tokens) -> Tokens | None:
    """A headline alone, sent as title or as text, as it is read for its rubric: as a title, a lead and a body at once.

    Weights for words of a body are the best learnt, and a lone title would leave them out: on fontanka's late 2022 its
    accuracy is .63 instead of .53 (as title) or .60 (as text), by the same model.
    """
    title, body = tokens.title, tokens.body
    if (len(title) and len(body)) or not 0 < len(title) + len(body) <= HEADLINE_WORDS:
        return None
    alone = title if len(title) else body
    return Tokens(alone, alone)


class Features:
    """The fitted vocabulary and weights of the feature path.

    A *feature* is a lemma (ids 1..n, the most frequent first) or a pair of neighbouring lemmas (ids after n). A *key*
    is block * (features + 1) + feature. A *column* is a key that was frequent enough, numbered in the keys' order.
    """

    def __init__(self, parts: Mapping[str, npt.NDArray[Any]], lemma_of_class: Ints) -> None:
        """`parts`: `pairs` (int64, ascending, first * (lemmas + 1) + second), `present` (packed bits over the keys:
        which are columns), `idf` (float a column), `weights` (float a block), `lemmas` (how many are features)."""
        self.lemma_of_class = lemma_of_class
        self.lemmas = int(parts["lemmas"])
        self.pairs: Longs = np.asarray(parts["pairs"], np.int64)
        self._pairs_and_end = np.append(self.pairs, -1)  # so that looking behind the last one finds nothing
        self._perhaps = np.zeros(1 << HASH_BITS, np.bool_)
        self._perhaps[_hash(self.pairs)] = True  # a small table, in cache, spares most pairs the search
        firsts = np.arange(self.lemmas + 2) * (self.lemmas + 1)
        self._pairs_start = np.searchsorted(self.pairs, firsts).astype(np.int32)
        self.features = self.lemmas + len(self.pairs)
        self._block = self.features + 1
        present = np.unpackbits(np.asarray(parts["present"], np.uint8), count=len(BLOCKS) * self._block).astype(bool)
        self.keys: Longs = np.flatnonzero(present)
        self.width = len(self.keys)
        self._column = np.where(present, np.cumsum(present, dtype=np.int32) - 1, NO_COLUMN)
        self._first_column = np.searchsorted(self.keys, np.arange(len(BLOCKS)) * self._block)
        self._idf = np.asarray(parts["idf"], np.float32)
        self._weights = np.asarray(parts["weights"], np.float64)
        tables = (self.lemma_of_class, self.pairs, self._pairs_start, self._perhaps, self._column, self._idf)
        self.compiled = kernel.Vocabulary(
            *kernel.addresses(*tables, _TERM_FREQUENCY, self._weights),
            *(self.lemmas, len(self.pairs), 64 - HASH_BITS, len(_TERM_FREQUENCY) - 1, LEAD_WORDS),
            tuple(self._first_column.tolist()),
        )

    def fits(self, lemmas: Lemmas) -> bool:
        """Whether the lemmas are those of this vocabulary, and each column has a weight."""
        known = self.lemma_of_class
        inside = len(known) == 0 or (known.min() >= STOP and known.max() <= self.lemmas)
        return (
            inside
            and known is lemmas.lemma_of_class
            and len(self._idf) == self.width
            and len(self._weights) == len(BLOCKS)
        )

    def matrix(self, articles: Sequence[Tokens]) -> Matrix:
        """One normalised row for each article; an article without a known word has an empty row."""
        if kernel.library is None:
            return self._matrix(articles)
        classes = np.concatenate([part for one in articles for part in (one.title, one.body)] or [_CLOSE[:0]])
        lengths = [len(part) for one in articles for part in (one.title, one.body)]
        sections = np.array([0, *accumulate(lengths)], np.int64)
        longest = max(map(add, lengths[::2], lengths[1::2]), default=0)
        cells, spare = np.empty((2, 4 * longest), np.int32)
        start = np.empty(len(articles) + 1, np.int64)
        columns, values = np.empty(4 * len(classes), np.int32), np.empty(4 * len(classes), np.float32)
        arrays = (sections, classes, cells, spare, start, columns, values)
        kernel.library.tf_idf(byref(self.compiled), len(articles), *(array.ctypes.data for array in arrays))
        end = int(start[-1])
        return Matrix(start, columns[:end].copy(), values[:end].copy(), self.width)

    def _matrix(self, articles: Sequence[Tokens]) -> Matrix:
        """The same in numpy."""
        n = len(articles)
        cells = self.occurrences(stream_of(articles, self.lemma_of_class))
        cells.sort()
        first = np.flatnonzero(np.concatenate((_FIRST[: len(cells)], cells[1:] != cells[:-1])))
        counts = np.empty(len(first), np.int64)
        np.subtract(first[1:], first[:-1], out=counts[:-1])
        counts[-1:] = len(cells) - first[-1:]
        column = cells[first]
        article = np.zeros(len(first), np.int64)
        if n > 1:
            article, column = np.divmod(column, self.width)
        values = self._idf[column] * _TERM_FREQUENCY[np.minimum(counts, len(_TERM_FREQUENCY) - 1)]
        block = article * len(BLOCKS) + (column >= self._first_column[TITLE])
        block += column >= self._first_column[LEAD]
        squares = np.bincount(block, values * values, minlength=n * len(BLOCKS)).reshape(n, len(BLOCKS))
        start = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(article, minlength=n), out=start[1:])
        values *= self._scale(squares)[block]
        return Matrix(start, column.astype(np.int32), values.astype(np.float32), self.width)

    def _scale(self, squares: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Factor of each article's blocks: each to length 1, times its weight, all together to length 1 again."""
        there = squares > 0
        weights = self._weights * there
        whole = np.sqrt((weights * weights).sum(axis=1, keepdims=True))
        return (weights / np.sqrt(np.where(there, squares, 1.0)) / np.where(whole > 0, whole, 1.0)).ravel()

    def occurrences(self, stream: Stream) -> Longs:
        """Article * width + column for every occurrence of a column, in no given order."""
        lemma, pair = stream.lemma, self.pairs_of(stream.lemma)
        home = np.where(stream.section & 1, BODY, TITLE * self._block)
        words, pairs = stream.lead()
        keys = (home + lemma, home + pair, lemma[words] + LEAD * self._block, pair[pairs] + LEAD * self._block)
        column = self._column[np.concatenate(keys)]
        known = np.flatnonzero(column != NO_COLUMN)
        if len(stream.starts) == ONE_ARTICLE:
            return column[known].astype(np.int64)
        article = np.concatenate((stream.section, stream.section, stream.section[words], stream.section[pairs])) >> 1
        cells: Longs = article[known] * self.width + column[known]
        return cells

    def pairs_of(self, lemma: Longs) -> Longs:
        """Feature of each lemma with the one after it, 0 where that is none; as long as `lemma`."""
        pair = np.zeros(len(lemma), np.int64)
        both = np.flatnonzero((lemma[:-1] > 0) & (lemma[1:] > 0))
        wanted = lemma[both] * (self.lemmas + 1) + lemma[both + 1]
        perhaps = np.flatnonzero(self._perhaps[_hash(wanted)])
        both, wanted = both[perhaps], wanted[perhaps]
        place = np.searchsorted(self.pairs, wanted)
        found = np.flatnonzero(self._pairs_and_end[place] == wanted)
        pair[both[found]] = place[found] + (self.lemmas + 1)
        return pair


def _hash(pairs: Longs) -> npt.NDArray[np.uint64]:
    """Multiplicative hashing (Knuth, TAOCP 6.4): the upper bits of a product that wraps around."""
    hashed: npt.NDArray[np.uint64] = (pairs.view(np.uint64) * _GOLDEN) >> np.uint64(64 - HASH_BITS)
    return hashed


def stream_of(articles: Sequence[Tokens], lemma_of_class: Ints) -> Stream:
    """The words of the articles as lemmas."""
    sections = [classes for article in articles for classes in (article.title, _CLOSE, article.body, _CLOSE)]
    lengths = np.fromiter(map(len, sections), np.int64, len(sections)).reshape(-1, 2).sum(axis=1)
    lemma = lemma_of_class[np.concatenate(sections)].astype(np.int64) if sections else np.zeros(0, np.int64)
    kept = np.flatnonzero(lemma != STOP)
    whole_starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=whole_starts[1:])
    starts = np.searchsorted(kept, whole_starts)
    section = np.repeat(np.arange(len(lengths)), starts[1:] - starts[:-1])
    return Stream(lemma[kept], section, starts, kept, whole_starts)
