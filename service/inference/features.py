"""Articles -> TF-IDF vectors: the one road from text to what a model sees, in training and in serving alike.

Lemma uni- and bigrams, sublinear term frequency, smoothed inverse document frequency, in three blocks (body, title,
lead), each normalised, weighted, joined and normalised again. That is scikit-learn's TfidfVectorizer once a block
and a hstack (Salton & Buckley 1988); tests compare the two on real articles. Everything here is a batch over flat
arrays: one article is a batch of one, and gets the same bits alone as among five hundred.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    """The words of a batch in one row, stop words left out, each title and body closed by one 0 that parts neighbours."""

    lemma: Ints  # lemma id, 0 where the word is no feature
    article: Longs  # number of the article
    in_title: npt.NDArray[np.bool_]
    place: Longs  # how many words of the same title or body stand before this one
    word: Longs  # which word of the title or body this is, stop words counted


_CLOSE = np.zeros(1, np.int32)


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

    def __init__(self, parts: Mapping[str, npt.NDArray[np.generic]], lemma_of_class: Ints) -> None:
        """`parts`: `pairs` (int64, ascending, first * (lemmas + 1) + second), `present` (packed bits over the keys of
        one article: which are columns), `idf` (float a column), `weights` (float a block), `lemmas` (how many lemmas
        are features; later ids serve names only, -1 is a stop word)."""
        self.lemma_of_class = lemma_of_class
        self.lemmas = int(parts["lemmas"])
        self.pairs: Longs = np.asarray(parts["pairs"], np.int64)
        self.features = self.lemmas + len(self.pairs)
        self.size = len(BLOCKS) * (self.features + 1)
        present = np.unpackbits(np.asarray(parts["present"], np.uint8), count=self.size).astype(bool)
        self.columns: Longs = np.flatnonzero(present)
        self.width = len(self.columns)
        self._column: Ints = np.cumsum(present, dtype=np.int32) - 1
        self._idf = np.zeros(self.size, np.float64)
        self._idf[self.columns] = parts["idf"]
        self._weights = np.asarray(parts["weights"], np.float64)

    def matrix(self, articles: Sequence[Tokens]) -> Matrix:
        """One normalised row for each article; an article without a known word has an empty row."""
        n = len(articles)
        keys = self.occurrences(stream_of(articles, self.lemma_of_class, self.lemmas))
        keys.sort()
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        counts = np.diff(first, append=len(keys))
        keys = keys[first]
        article = keys // self.size
        key = keys - article * self.size
        values = (1.0 + np.log(counts)) * self._idf[key]
        known = np.flatnonzero(values)
        article, key, values = article[known], key[known], values[known]
        block = key // (self.features + 1)
        values = _normalised(values, article * len(BLOCKS) + block, n * len(BLOCKS)) * self._weights[block]
        values = _normalised(values, article, n)
        start = np.zeros(n + 1, np.int64)
        np.cumsum(np.bincount(article, minlength=n), out=start[1:])
        return Matrix(start, self._column[key], values.astype(np.float32), self.width)

    def occurrences(self, stream: Stream) -> Longs:
        """Key of every occurrence of every feature, in no given order; some are keys of no column."""
        pair = self.pairs_of(stream.lemma)
        lead, lead_pairs = lead_of(stream)
        base = stream.article * self.size
        home = base + stream.in_title * (TITLE * (self.features + 1))
        opening = base + LEAD * (self.features + 1)
        feature = np.concatenate((stream.lemma, pair, stream.lemma[lead], pair[lead_pairs]))
        keys = np.concatenate((home, home, opening[lead], opening[lead_pairs])) + feature
        found: Longs = keys[feature > 0]
        return found

    def pairs_of(self, lemma: Ints) -> Longs:
        """Feature of each lemma with the one after it, 0 where that is none; as long as `lemma`."""
        pair = np.zeros(len(lemma), np.int64)
        if len(self.pairs) and len(lemma):
            wanted = lemma[:-1].astype(np.int64) * (self.lemmas + 1) + lemma[1:]
            place = np.searchsorted(self.pairs, wanted)
            place[place == len(self.pairs)] = 0
            pair[:-1] = np.where(self.pairs[place] == wanted, place + (self.lemmas + 1), 0)
        return pair


def stream_of(articles: Sequence[Tokens], lemma_of_class: Ints, lemmas: int) -> Stream:
    """The words of the articles as lemmas; those above `lemmas` count as unknown."""
    sections = [classes for article in articles for classes in (article.title, _CLOSE, article.body, _CLOSE)]
    lengths = np.fromiter(map(len, sections), np.int64, len(sections)).reshape(-1, 2).sum(axis=1)
    lemma = lemma_of_class[np.concatenate(sections)] if sections else _CLOSE[:0]
    kept = np.flatnonzero(lemma != STOP)
    lemma = lemma[kept]
    lemma[lemma > lemmas] = 0
    starts = np.cumsum(lengths) - lengths
    section = np.repeat(np.arange(len(lengths)), lengths)[kept]
    place = np.arange(len(kept)) - np.searchsorted(section, np.arange(len(lengths)))[section]
    return Stream(lemma, section >> 1, (section & 1) == 0, place, kept - starts[section])


def lead_of(stream: Stream) -> tuple[Longs, Longs]:
    """Where the stream's lead words stand, and where its lead pairs start."""
    words_of_lead = np.flatnonzero((stream.place < LEAD_WORDS) & ~stream.in_title)
    return words_of_lead, words_of_lead[stream.place[words_of_lead] < LEAD_WORDS - 1]


def _normalised(values: npt.NDArray[np.float64], group: Longs, groups: int) -> npt.NDArray[np.float64]:
    length = np.sqrt(np.bincount(group, values * values, minlength=groups))
    scaled: npt.NDArray[np.float64] = values / length[group]
    return scaled
