"""The rules for places in C against those in Python: the same mentions weigh the same, to the last bit."""

from collections.abc import Sequence
from ctypes import byref, c_void_p, memmove
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.inference import kernel
from service.inference.compiled import ROLES, _article, _Sizes
from service.inference.regions import PlaceFound
from service.inference.words import edges_in, folded, written
from tests.matching import Reading
from training.gazetteer import build
from training.own_places import newsroom

CASES = Path(__file__).parent / "cases"
HOMES = {"": "", "RU-69": str(CASES / "home_places.tsv"), "RU-78": ""}


@cache
def reading(home: str = "") -> Reading:
    return Reading(build(newsroom=newsroom(home, HOMES[home])) if home else build())


def rows() -> list[str]:
    """Texts of the tables on places, each of them a trap."""
    return [
        row.split("\t")[column]
        for name, column in {"regions": 0, "happened": 1, "home_region": 1}.items()
        for row in (CASES / f"{name}.tsv").read_text("utf-8").splitlines()
        if row and not row.startswith("#")
    ]


PIECES = sorted({piece for row in rows() for piece in row.split()})
MARKS = [" "] * 12
MARKS += [", ", " и ", " или ", " – ", " — ", "-", "/", ". ", ".", "\n", "! ", "«", "» ", '"', ' "', '" ', "“", "”"]
MARKS += [" „", "(", ") ", "\xa0", " г. ", ": ", ", где ", "_", "? ", "…", "@"]


def by_python(of: Reading, title: str, body: str) -> list[PlaceFound]:
    return [one._replace(features=()) for one in of.regions.decide(of.mentions(title), of.mentions(body))]


def by_loops(of: Reading, title: str, body: str) -> list[PlaceFound]:
    """From the matcher's hits on; the room is as small as it may be, so that a tool for memory sees a step beside."""
    assert kernel.library is not None
    tables, parts = of.regions.tables, (title, body)
    found = [of.hits(text) for text in parts]
    hits = np.array([hit for part in found for hit in part], np.int32).reshape(-1, 3)
    least = np.array(of.regions.about)
    sizes = _Sizes(0, 0, tables.count, 1 + tables.most_above, False, False)
    article, kept = _article(len(title) + len(body), max(1, len(hits)), sizes)
    raw, cut = [written(text) for text in parts], [folded(text) for text in parts]
    edges = [edges_in(text).astype(np.int32) for text in cut]
    in_row = np.concatenate(edges)
    memmove(article.text[0] or 0, b"".join(cut), len(title) + len(body))
    article.text[1] = (article.text[0] or 0) + len(title)
    for part in range(2):
        text = np.frombuffer(raw[part] or b" ", np.uint8)
        kept.append(text)
        article.raw[part], article.length[part] = text.ctypes.data, len(parts[part])
        article.words[part] = len(edges[part]) // 2
    memmove(article.edges, in_row.ctypes.data, in_row.nbytes)
    memmove(c_void_p(article.hits[0].hits), hits.ctypes.data, hits.nbytes)
    article.hits[0].found, article.in_title[0] = len(hits), len(found[0])
    kernel.library.find_places(byref(tables.compiled), least.ctypes.data, byref(article))
    arrays = {array.ctypes.data: array for array in kept}
    mentions, listed, places = (arrays[at] for at in (article.mentions, article.listed, article.places))
    assert not arrays[article.places_said].any()
    assert not arrays[article.places_slots].any()
    answer = []
    for row, score in zip(
        places[: article.places_found].tolist(), places.view(np.float64)[:, 0].tolist(), strict=False
    ):
        _, _, place, role, chosen, first, in_title, in_body, *_ = row
        spans = [tuple(mentions[mention, 2:4].tolist()) for mention in listed[first : first + in_title + in_body]]
        parted = tuple(spans[:in_title]), tuple(spans[in_title:])
        answer.append(PlaceFound(place, ROLES[role], score, (), *parted, bool(chosen)))
    return answer


def same(of: Reading, title: str, body: str) -> Sequence[PlaceFound]:
    found = by_loops(of, title, body)
    assert found == by_python(of, title, body), (title, body)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("home", HOMES)
def test_all_traps_are_read_alike(home: str) -> None:
    found = [one for row in rows() for one in (*same(reading(home), "", row), *same(reading(home), row, ""))]
    assert {one.role for one in found} == set(ROLES)


@pytest.mark.slow
def test_traps_one_after_the_other_are_read_alike() -> None:
    texts = rows()
    for at in range(0, len(texts), 7):
        same(reading(), " ".join(texts[at : at + 2]), " ".join(texts[at : at + 12]))


def test_a_text_without_places_has_none() -> None:
    assert same(reading(), "", "") == []
    assert same(reading(), "Учёные нашли новый вид", "Вид описали биологи.") == []


@pytest.mark.slow
@pytest.mark.parametrize("home", HOMES)
@given(st.randoms(use_true_random=False), st.integers(1, 80))
@settings(max_examples=150, deadline=None)
def test_any_mix_of_their_words_is_read_alike(home: str, random: Random, length: int) -> None:
    title, body = ("".join(random.choice(PIECES) + random.choice(MARKS) for _ in range(of)) for of in (4, length))
    same(reading(home), title, body)
