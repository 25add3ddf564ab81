"""Articles -> TF-IDF vectors: the one road from text to what a model sees, in training and in serving alike.

Lemma uni- and bigrams, sublinear term frequency, smoothed inverse document frequency, in three blocks (body, title,
lead), each normalised, weighted, joined and normalised again. That is scikit-learn's TfidfVectorizer once a block
and a hstack (Salton & Buckley 1988); tests compare the two on real articles. Everything here is a batch over flat
arrays: one article is a batch of one, and gets the same bits alone as among five hundred.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from service.inference.language import foreign
from service.inference.lemmas import STOP, Ints, Lemmas
from service.inference.text import Text
from service.inference.words import words

BODY, TITLE, LEAD = range(3)
BLOCKS = ("body", "title", "lead")
LEAD_WORDS = 40  # how many words from the start of the body count as the lead

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of one article as classes of the lemma table, in order; 0 stands for a word without meaning here."""

    title: Ints
    body: Ints
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


@dataclass(frozen=True, slots=True)
class Stream:
    """The words of a batch in one row, stop words left out; one 0 after each title and body parts neighbours."""

    lemma: Longs  # lemma id, 0 where the word is no feature
    section: Longs  # 2 * article for its title, 2 * article + 1 for its body
    starts: Longs  # where each section starts in this row; one more, the end
    kept: Longs  # where the words stood before the stop words went
    whole_starts: Longs  # where each section started then

    def lead(self, length: int) -> Longs:
        """Where the first `length` words of each body stand."""
        begin, end = self.starts[1:-1:2], self.starts[2::2]
        where = begin[:, None] + np.arange(length)
        found: Longs = where[where < end[:, None]]
        return found


_CLOSE = np.zeros(1, np.int32)
_FIRST = np.ones(1, np.bool_)
_TERM_FREQUENCY = 1.0 + np.log(np.maximum(np.arange(10_000), 1))  # sublinear; a word stands no oftener than that


def tokenise(texts: Sequence[Text], lemmas: Lemmas) -> list[Tokens]:
    """Words of each text as classes: the only place where an article's words are looked up."""
    return [_tokens(words(text.title), words(text.body), lemmas) for text in texts]


def _tokens(title: list[bytes], body: list[bytes], lemmas: Lemmas) -> Tokens:
    in_title, in_body = lemmas.classes(title), lemmas.classes(body)
    known = None
    if lemmas.wide:
        known = (np.count_nonzero(in_title) + np.count_nonzero(in_body)) / max(1, len(title) + len(body))
    return Tokens(in_title, in_body, foreign(title + body, known))


class Features:
    """The fitted vocabulary and weights of the feature path.

    A *feature* is a lemma (ids 1..n) or a pair of neighbouring lemmas (ids after n); a *column* is a feature within
    a block that was frequent enough there. A *key* is article * size + block * (features + 1) + feature.
    """

    def __init__(self, parts: Mapping[str, npt.NDArray[Any]], lemma_of_class: Ints) -> None:
        """`parts`: `pairs` (int64, ascending, first * (lemmas + 1) + second), `present` (packed bits over the keys of
        one article: which are columns), `idf` (float a column), `weights` (float a block), `lemmas` (how many lemmas
        are features; later ids serve names only, -1 is a stop word)."""
        self.lemma_of_class: Longs = lemma_of_class.astype(np.int64)
        self.lemmas = int(parts["lemmas"])
        self.pairs: Longs = np.asarray(parts["pairs"], np.int64)
        self._pairs_and_end = np.append(self.pairs, -1)  # so that looking behind the last one finds nothing
        self.features = self.lemmas + len(self.pairs)
        self.size = len(BLOCKS) * (self.features + 1)
        present = np.unpackbits(np.asarray(parts["present"], np.uint8), count=self.size).astype(bool)
        self.columns: Longs = np.flatnonzero(present)
        self.width = len(self.columns)
        self._is_column = present
        self._column: Ints = np.cumsum(present, dtype=np.int32) - 1
        self._idf = np.zeros(self.size, np.float64)
        self._idf[self.columns] = parts["idf"]
        self._weights = np.asarray(parts["weights"], np.float64)

    def matrix(self, articles: Sequence[Tokens]) -> Matrix:
        """One normalised row for each article; an article without a known word has an empty row."""
        n = len(articles)
        keys = self.occurrences(stream_of(articles, self.lemma_of_class))
        keys.sort()
        first = np.flatnonzero(np.concatenate((_FIRST[: len(keys)], keys[1:] != keys[:-1])))
        counts = np.empty(len(first), np.int64)
        np.subtract(first[1:], first[:-1], out=counts[:-1])
        counts[-1:] = len(keys) - first[-1:]
        keys = keys[first]
        article = keys // self.size if n > 1 else np.zeros(len(keys), np.int64)
        key = keys - article * self.size
        values = self._idf[key] * _TERM_FREQUENCY[np.minimum(counts, len(_TERM_FREQUENCY) - 1)]
        block = article * len(BLOCKS) + self._block_of(key)
        scale = self._scale(np.bincount(block, values * values, minlength=n * len(BLOCKS)).reshape(n, len(BLOCKS)))
        start = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(article, minlength=n), out=start[1:])
        return Matrix(start, self._column[key], (values * scale[block]).astype(np.float32), self.width)

    def _scale(self, squares: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Factor of each article's blocks: each to length 1, times its weight, all together to length 1 again."""
        there = squares > 0
        weights = self._weights * there
        whole = np.sqrt((weights * weights).sum(axis=1, keepdims=True))
        return (weights / np.sqrt(np.where(there, squares, 1.0)) / np.where(whole > 0, whole, 1.0)).ravel()

    def _block_of(self, key: Longs) -> Longs:
        block: Longs = (key > self.features).astype(np.int64)
        block += key >= LEAD * (self.features + 1)
        return block

    def occurrences(self, stream: Stream) -> Longs:
        """Key of every occurrence of every column, in no given order."""
        lemma = stream.lemma
        pair = self.pairs_of(lemma)
        base = (stream.section >> 1) * self.size
        home = base + np.where(stream.section & 1, BODY, TITLE * (self.features + 1))
        lead = stream.lead(LEAD_WORDS)
        opening = base[lead] + LEAD * (self.features + 1)
        # the last word of the lead starts no pair there: its neighbour stands outside
        pairs = stream.lead(LEAD_WORDS - 1)
        feature = np.concatenate((lemma, pair, lemma[lead], pair[pairs]))
        keys = np.concatenate((home, home, opening, base[pairs] + LEAD * (self.features + 1))) + feature
        known = (feature > 0) & self._is_column[keys % self.size if len(stream.starts) > 3 else keys]
        found: Longs = keys[known]
        return found

    def pairs_of(self, lemma: Longs) -> Longs:
        """Feature of each lemma with the one after it, 0 where that is none; as long as `lemma`."""
        pair = np.zeros(len(lemma), np.int64)
        both = np.flatnonzero((lemma[:-1] > 0) & (lemma[1:] > 0))
        wanted = lemma[both] * (self.lemmas + 1) + lemma[both + 1]
        place = np.searchsorted(self.pairs, wanted)
        found = np.flatnonzero(self._pairs_and_end[place] == wanted)
        pair[both[found]] = place[found] + (self.lemmas + 1)
        return pair


def stream_of(articles: Sequence[Tokens], lemma_of_class: Longs) -> Stream:
    """The words of the articles as lemmas."""
    sections = [classes for article in articles for classes in (article.title, _CLOSE, article.body, _CLOSE)]
    lengths = np.fromiter(map(len, sections), np.int64, len(sections)).reshape(-1, 2).sum(axis=1)
    lemma = lemma_of_class[np.concatenate(sections)] if sections else np.zeros(0, np.int64)
    kept = np.flatnonzero(lemma != STOP)
    whole_starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=whole_starts[1:])
    starts = np.searchsorted(kept, whole_starts)
    section = np.repeat(np.arange(len(lengths)), starts[1:] - starts[:-1])
    return Stream(lemma[kept], section, starts, kept, whole_starts)
