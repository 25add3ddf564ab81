"""One article through all loops in one call: what tokenise, Features, RubricHead, Phrases and TagHead do apart."""

import threading
from ctypes import byref
from typing import NamedTuple

import numpy as np

from service.inference import kernel
from service.inference.features import Features, Floats, Tokens, tokens_of
from service.inference.lemmas import Lemmas
from service.inference.phrases import Hits, Phrases
from service.inference.rubric import RubricHead
from service.inference.tags import CANDIDATES, EVIDENCE, Candidates, TagHead

LETTERS, HITS = 20_000, 512  # room that stays with a thread; a longer article gets its own for the while


class Found(NamedTuple):
    """What the loops find and every answer needs; rows and names of tags are for explanations, which find them again:
    copying them here costs 5 µs an article."""

    tokens: Tokens
    columns: int  # of its TF-IDF row
    margins: Floats  # one a rubric
    places: tuple[Hits, Hits]  # names of places in the title and in the body
    candidates: Candidates


class Compiled:
    """The loops over one model; threads may share it, each has room of its own."""

    def __init__(self, lemmas: Lemmas, features: Features, rubric: RubricHead, phrases: Phrases, tags: TagHead) -> None:
        _check(lemmas, features, rubric, phrases, tags)
        self._parts = (lemmas, features, rubric, phrases, tags)  # what the addresses point to
        self._model = kernel.Model(*(part.compiled for part in self._parts))
        self._wide = lemmas.wide
        self._labels = len(rubric.ids), len(tags.ids)
        self._threads = threading.local()

    def find(self, title: bytes, body: bytes) -> Found:
        """`title` and `body` folded."""
        assert kernel.library is not None
        room = self._room(len(title) + len(body))
        room.text[0], room.text[1] = title, body
        room.length[0], room.length[1] = len(title), len(body)
        while needed := kernel.library.read_article(byref(self._model), byref(room.article)):
            room = _Room(len(title) + len(body), needed, *self._labels)
            room.text[0], room.text[1] = title, body
            room.length[0], room.length[1] = len(title), len(body)
        return room.found(title, body, self._wide)

    def _room(self, letters: int) -> "_Room":
        if letters > LETTERS:
            return _Room(letters, HITS, *self._labels)
        if not hasattr(self._threads, "room"):
            self._threads.room = _Room(LETTERS, HITS, *self._labels)
        room: _Room = self._threads.room
        return room


class _Room:
    """Arrays for what is found in one article of at most so many letters, and so many hits of each kind."""

    def __init__(self, letters: int, hits: int, rubrics: int, tags: int) -> None:
        words = letters // 2 + 1
        self._classes, self._edges = np.empty(words, np.int32), np.empty(2 * words + 2, np.int32)
        self._margins = np.empty(rubrics, np.float32)
        self._places = np.empty((hits, 3), np.int32)
        self._candidates = np.empty(2 * (CANDIDATES + hits), np.int32)
        self._evidence = np.empty((CANDIDATES + hits, len(EVIDENCE)), np.float64)
        self._log_odds = np.empty(CANDIDATES + hits, np.float64)
        self._rest = (
            *(np.empty(4 * words, np.int32), np.empty(4 * words + CANDIDATES, np.int32)),
            *(np.empty(4 * words, np.int32), np.empty(4 * words, np.float32), np.empty((hits, 3), np.int32)),
            *(np.empty(max(rubrics, tags), np.float64), np.empty(tags, np.float32)),
            *(np.zeros(tags, np.int32), np.empty((CANDIDATES + hits, 6), np.float64)),
        )
        cells, spare, columns, values, of_tags, total, tag_margins, slots, namings = kernel.addresses(*self._rest)
        classes, edges, margins = kernel.addresses(self._classes, self._edges, self._margins)
        places, candidates, evidence, log_odds = kernel.addresses(
            self._places, self._candidates, self._evidence, self._log_odds
        )
        self.article = kernel.Article(
            edges=edges, classes=classes, cells=cells, spare=spare, columns=columns, values=values,
            total=total, rubric_margins=margins, tag_margins=tag_margins,
            hits=(kernel.Hits(places, hits), kernel.Hits(of_tags, hits)),
            slots=slots, namings=namings, candidates=candidates, evidence=evidence, log_odds=log_odds,
        )  # fmt: skip
        self.text, self.length = self.article.text, self.article.length
        self._words, self._hits, self._in_title = self.article.words, self.article.hits, self.article.in_title

    def found(self, title: bytes, body: bytes, wide: bool) -> Found:
        """Copies, so that the room is free again."""
        in_title, words = self._words[0], self._words[0] + self._words[1]
        candidates = self.article.candidates_found
        classes, edges = self._classes[:words].copy(), self._edges[: 2 * words].copy()
        return Found(
            tokens_of(
                (title, body),
                (classes[:in_title], classes[in_title:]),
                wide,
                (edges[: 2 * in_title], edges[2 * in_title :]),
            ),
            self.article.columns_found,
            self._margins.copy(),
            self._places_found(),
            Candidates(
                self._candidates[:candidates].astype(np.int64),
                self._evidence[:candidates].copy(),
                self._log_odds[:candidates].copy(),
            ),
        )

    def _places_found(self) -> tuple[Hits, Hits]:
        hits, in_title = self._places[: self._hits[0].found].copy(), self._in_title[0]
        return hits[:in_title], hits[in_title:]


def _check(lemmas: Lemmas, features: Features, rubric: RubricHead, phrases: Phrases, tags: TagHead) -> None:
    """The loops trust the tables. Raises ValueError where those don't fit each other."""
    fits = {
        "lexicon": features.fits(lemmas) and phrases.fits(lemmas),
        "rubric": rubric.fits(features.width),
        "tags": tags.fits(phrases.phrases),
    }
    if wrong := [name for name, right in fits.items() if not right]:
        raise ValueError(f"the tables of {wrong[0]} don't fit the others")
