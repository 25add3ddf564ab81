"""A batch of articles through all loops in one call: what tokenise, Features, RubricHead, Phrases, TagHead and Regions
do apart."""

import threading
from collections.abc import Sequence
from ctypes import addressof, byref, c_char_p, c_int64
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference import kernel
from service.inference.article import Role
from service.inference.features import HEADLINE_WORDS, Features
from service.inference.lemmas import Lemmas
from service.inference.phrases import Phrases
from service.inference.regions import PlaceFound, Regions
from service.inference.rubric import Ranked, RubricHead
from service.inference.tags import CANDIDATES, EVIDENCE, Likely, TagHead
from service.inference.text import Raw

ROLES: tuple[Role, ...] = ("mentioned", "about", "happened")  # as kernel/places.h numbers them
GROUP = 64  # articles to one call: what is told of them stays in the cache
LETTERS, HITS = 100_000, 2_048  # room that stays with a thread, on paper until it is used; more is made for the while
TAGS_TOLD, PLACES_TOLD, SPANS_TOLD = 8, 8, 24  # room for each article of a group; one may take what others leave

Doubles = npt.NDArray[np.float64]


class Found(NamedTuple):
    """What the loops find and every answer needs; the rest is for explanations, which find it again."""

    words: tuple[int, int]  # in title and body
    surely_russian: bool
    columns: int  # of its TF-IDF row
    probabilities: list[float]  # one a rubric
    ranked: list[Ranked]
    tags: list[Likely]
    places: list[PlaceFound] | None  # surest first; None where they were not read
    margins: list[float] | None = None  # one a rubric, where they are wanted


class Compiled:
    """The loops over one model; threads may share it, each has room of its own."""

    def __init__(
        self,
        lemmas: Lemmas,
        features: Features,
        rubric: RubricHead,
        phrases: Phrases,
        tags: TagHead,
        regions: Regions,
        *,
        tell_margins: bool = False,
    ) -> None:
        """`tell_margins`: the rubrics' margins are wanted beside their probabilities."""
        _check(lemmas, features, rubric, phrases, tags)
        self._parts = (lemmas, features, rubric, phrases, tags, regions.tables)  # what the addresses point to
        self._model = kernel.Model(*(part.compiled for part in self._parts))
        tables = regions.tables
        self._sizes = _Sizes(
            len(rubric.ids), len(tags.ids), tables.count, 1 + tables.most_above, lemmas.wide, tell_margins
        )
        self._threads = threading.local()

    def find(self, articles: Sequence[Raw], near: Doubles | None = None, least: Doubles | None = None) -> list[Found]:
        """`near`: by tag, log-odds below which it is not told of, None: all candidates are. `least`: by place the score
        from which it is chosen, None: places are not asked for."""
        assert kernel.library is not None
        found: list[Found] = []
        hits = HITS
        while len(found) < len(articles):
            group = articles[len(found) : len(found) + GROUP]
            room = self._room(max(len(one.title) + len(one.body) for one in group), hits)
            room.take(group, near, least)
            needed = kernel.library.read_articles(byref(self._model), byref(room.article), byref(room.batch))
            found += room.found()
            hits = needed or HITS
        return found

    def _room(self, letters: int, hits: int) -> "_Room":
        if letters > LETTERS or hits > HITS:
            return _Room(letters, hits, self._sizes)
        if not hasattr(self._threads, "room"):
            self._threads.room = _Room(LETTERS, HITS, self._sizes)
        room: _Room = self._threads.room
        return room


class _Sizes(NamedTuple):
    rubrics: int
    tags: int
    places: int
    told: int  # places that one mention speaks of
    wide: bool
    tell_margins: bool


class _Room:
    """Arrays for what is found in a group of articles, each of at most so many letters and hits of each kind."""

    def __init__(self, letters: int, hits: int, sizes: _Sizes) -> None:
        self.article, self._kept = _article(letters, hits, sizes)
        tags = max(GROUP * TAGS_TOLD, CANDIDATES + hits)
        places = max(GROUP * PLACES_TOLD, min(hits * sizes.told, sizes.places))
        spans = max(GROUP * SPANS_TOLD, hits * sizes.told)
        self._texts, self._lengths = (c_char_p * (2 * GROUP))(), (c_int64 * (2 * GROUP))()
        self._exact = bytearray(GROUP)
        self._counts = np.empty((GROUP, kernel.COUNTS), np.int32)
        self._probabilities, self._scores = np.empty((2, GROUP, sizes.rubrics), np.float64)
        self._ranked = np.empty((GROUP, sizes.rubrics), np.int32)
        self._tags, self._log_odds = np.empty((tags, 2), np.int32), np.empty(tags, np.float64)
        self._places, self._spans = np.empty((places, kernel.FOUND), np.int32), np.empty((spans, 2), np.int32)
        self._scores_of_places = self._places.view(np.float64)[:, 0]
        self._margins = np.empty((GROUP, sizes.rubrics), np.float32) if sizes.tell_margins else None
        probabilities, ranked, scores = kernel.addresses(self._probabilities, self._ranked, self._scores)
        counts, of_tags, log_odds, of_places, of_spans = kernel.addresses(
            self._counts, self._tags, self._log_odds, self._places, self._spans
        )
        self.batch = kernel.Batch(
            raw=addressof(self._texts), length=addressof(self._lengths),
            exact=np.frombuffer(self._exact, np.uint8).ctypes.data,
            margins=None if self._margins is None else self._margins.ctypes.data,
            counts=counts, probabilities=probabilities, ranked=ranked, scores=scores, tags=of_tags, log_odds=log_odds,
            places=of_places, spans=of_spans, tags_room=tags, places_room=places, spans_room=spans, wide=sizes.wide,
        )  # fmt: skip

    def take(self, articles: Sequence[Raw], near: Doubles | None, least: Doubles | None) -> None:
        for number, (title, body, exact) in enumerate(articles):
            self._texts[2 * number], self._texts[2 * number + 1] = title, body
            self._lengths[2 * number], self._lengths[2 * number + 1] = len(title), len(body)
            self._exact[number] = exact
        batch = self.batch
        batch.articles, batch.done = len(articles), 0
        batch.tags_found = batch.places_found = batch.spans_found = 0
        batch.near = None if near is None else near.ctypes.data
        batch.least = None if least is None else least.ctypes.data

    def found(self) -> list[Found]:
        """Of those articles that there was room for."""
        batch = self.batch
        done = batch.done
        tags = self._tags_found(batch.tags_found)
        read = bool(batch.least)
        places = iter(self._places_found(batch.places_found, batch.spans_found) if read else ())
        of_each = zip(
            self._counts[:done].tolist(),
            self._probabilities[:done].tolist(),
            self._ranked[:done].tolist(),
            self._scores[:done].tolist(),
            self._exact,
            repeat(None) if self._margins is None else self._margins[:done].tolist(),
            strict=False,
        )
        return [
            Found(
                (in_title, in_body),
                bool(russian),
                columns,
                probabilities,
                list(zip(ranked, scores, strict=True)),
                list(islice(tags, of_tags)),
                list(islice(places, of_places)) if read and exact else None,
                margins,
            )
            for (
                in_title,
                in_body,
                russian,
                columns,
                of_tags,
                of_places,
            ), probabilities, ranked, scores, exact, margins in of_each
        ]

    def _tags_found(self, count: int) -> Any:
        tags, by_name = self._tags[:count].T.tolist()
        return zip(tags, self._log_odds[:count].tolist(), map(bool, by_name), strict=True)

    def _places_found(self, count: int, spans_found: int) -> list[PlaceFound]:
        spans = list(map(tuple, self._spans[:spans_found].tolist()))
        return [
            PlaceFound(
                place,
                ROLES[role],
                score,
                (),
                tuple(spans[first : first + in_title]),
                tuple(spans[first + in_title : first + in_title + in_body]),
                bool(chosen),
            )
            for score, (place, role, chosen, first, in_title, in_body) in zip(
                self._scores_of_places[:count].tolist(), self._places[:count, 2:8].tolist(), strict=True
            )
        ]


def _article(letters: int, hits: int, sizes: _Sizes) -> tuple[kernel.Article, list[npt.NDArray[Any]]]:
    """Room for one article, and the arrays that it is made of."""
    words, told = letters // 2 + 2 + 2 * HEADLINE_WORDS, hits * sizes.told
    shapes: dict[str, tuple[Any, tuple[int, ...]]] = {
        "text": (np.uint8, (letters + 1,)),
        "edges": (np.int32, (2 * words + 2,)),
        "classes": (np.int32, (words,)),
        "cells": (np.int32, (4 * words,)),
        "spare": (np.int32, (4 * words + CANDIDATES,)),
        "columns": (np.int32, (4 * words,)),
        "values": (np.float32, (4 * words,)),
        "total": (np.float64, (max(sizes.rubrics, sizes.tags),)),
        "rubric_margins": (np.float32, (sizes.rubrics,)),
        "tag_margins": (np.float32, (sizes.tags,)),
        "hits_of_places": (np.int32, (hits, 3)),
        "hits_of_tags": (np.int32, (hits, 3)),
        "slots": (np.int32, (sizes.tags,)),
        "namings": (np.float64, (CANDIDATES + hits, 6)),
        "candidates": (np.int32, (2 * (CANDIDATES + hits),)),
        "evidence": (np.float64, (CANDIDATES + hits, len(EVIDENCE))),
        "log_odds": (np.float64, (CANDIDATES + hits,)),
        "stretches": (np.int32, (hits, 4)),
        "phrases": (np.int32, (hits,)),
        "events": (np.int32, (hits, 2)),
        "mentions": (np.int32, (hits, kernel.MENTION)),
        "named": (np.int32, (hits,)),
        "told": (np.int32, (told, 2)),
        "listed": (np.int32, (told,)),
        "places": (np.int32, (min(told, sizes.places), kernel.FOUND)),
        "places_slots": (np.int32, (sizes.places,)),
        "places_said": (np.uint8, (sizes.places,)),
        "places_known": (np.int32, (sizes.places,)),
    }
    arrays = {name: np.zeros(shape, kind) for name, (kind, shape) in shapes.items()}
    at = {name: array.ctypes.data for name, array in arrays.items()}
    both = kernel.Hits(at.pop("hits_of_places"), hits), kernel.Hits(at.pop("hits_of_tags"), hits)
    return kernel.Article(letters=letters, text=(at.pop("text"), None), hits=both, **at), list(arrays.values())


def _check(lemmas: Lemmas, features: Features, rubric: RubricHead, phrases: Phrases, tags: TagHead) -> None:
    """The loops trust the tables. Raises ValueError where those don't fit each other."""
    fits = {
        "lexicon": features.fits(lemmas) and phrases.fits(lemmas),
        "rubric": rubric.fits(features.width),
        "tags": tags.fits(phrases.phrases),
    }
    if wrong := [name for name, right in fits.items() if not right]:
        raise ValueError(f"the tables of {wrong[0]} don't fit the others")
