"""Places in Russian text: what is read as a place, which of several is meant, what the article is about."""

import gzip
import json
import os
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.inference.places import Mention
from service.inference.regions import PlaceFound, Regions
from training.fit_regions import DEFAULT, LEVELS, fit
from training.gazetteer import FOLDER, WORD, Gazetteer, build, slug
from training.morphology import fold

CASES = Path(__file__).parent / "cases" / "regions.tsv"
DATELINE = re.compile(r"^[А-ЯЁ][А-ЯЁа-яё\-/ ,.()]{2,60}, \d{1,2} [а-я]{3,4}\.? ?[-–—] ?РИА[^.]{0,40}\. ")


class Matcher:
    """The plainest phrase matcher: every phrase at every word, by dictionaries over forms."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.trie: dict[str, Any] = {}
        for number, words in enumerate(gazetteer.forms):
            nodes = [self.trie]
            for forms in words:
                nodes = [node.setdefault(form, {}) for node in nodes for form in forms]
            for node in nodes:
                node.setdefault("", []).append(number)

    def __call__(self, text: str) -> tuple[list[tuple[int, int, int]], list[int], list[int]]:
        matches = list(WORD.finditer(text))
        words = [fold(match.group()) for match in matches]
        hits = []
        for first in range(len(words)):
            node = self.trie
            for at in range(first, len(words)):
                node = node.get(words[at], {})
                hits += [(first, at + 1, phrase) for phrase in node.get("", ())]
        return hits, [match.start() for match in matches], [match.end() for match in matches]


@cache
def gazetteer() -> Gazetteer:
    return build()


@cache
def matcher() -> Matcher:
    return Matcher(gazetteer())


@cache
def regions() -> Regions:
    return Regions(gazetteer().places, gazetteer().phrases, DEFAULT)


def mentions(text: str) -> list[Mention]:
    return regions().find(text, *matcher()(text))


def found(title: str, body: str) -> dict[str, PlaceFound]:
    places = regions().decide(mentions(title), mentions(body))
    return {gazetteer().places[place.place].id: place for place in places}


def cases() -> Iterator[tuple[str, set[str], str]]:
    for line in CASES.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            text, ids, shows = line.split("\t")
            yield text, set(ids.split()), shows


@pytest.mark.parametrize(("text", "ids", "shows"), [pytest.param(*case, id=case[0]) for case in cases()])
def test_a_sentence_names_its_places(text: str, ids: set[str], shows: str) -> None:
    assert set(found("", text)) == ids, shows


def test_evidence_is_where_the_place_stands() -> None:
    text = "Пожар потушили в Нижнем Новгороде и в Туле."
    spans = [text[mention.start : mention.end] for mention in mentions(text)]
    assert spans == ["Нижнем Новгороде", "Туле"]


def test_a_subject_has_the_evidence_and_role_of_its_city() -> None:
    places = found("Пожар в Туле потушили", "В Туле потушили пожар.")
    assert places["RU-71"].in_title == places["c480562"].in_title
    assert places["RU-71"].role == places["c480562"].role == "about"


def test_a_place_named_once_far_below_is_only_mentioned() -> None:
    filler = "Ведомство сообщило подробности работы над новым законом. " * 30
    places = found("В Казани открыли школу", "В Казани открыли школу." + filler + "Раньше такую открыли в Омске.")
    assert places["c551487"].role == "about"
    assert places["c1496153"].role == "mentioned"
    assert places["c551487"].score > places["c1496153"].score


def test_the_title_helps_to_tell_which_of_two_cities_is_meant() -> None:
    places = found("В Красноярском крае собрали спутник", "Его собрали в Железногорске.")
    assert set(places) == {"RU-24", "c1538635"}


def test_places_come_surest_first() -> None:
    body = "В Казани открыли школу. " + "Работы шли быстро и без задержек. " * 20 + "Приехали гости из Омска."
    places = regions().decide(mentions("Казань получила школу"), mentions(body))
    scores = [place.score for place in places]
    assert scores == sorted(scores, reverse=True)


def test_an_article_without_places_has_none() -> None:
    assert regions().decide(mentions(""), mentions("")) == []
    assert found("Учёные нашли новый вид", "Вид описали биологи.") == {}


def test_hits_may_come_in_any_order() -> None:
    text = "В Нижнем Новгороде и в Великом Новгороде прошли форумы."
    hits, starts, ends = matcher()(text)
    assert regions().find(text, hits[::-1], starts, ends) == regions().find(text, hits, starts, ends)


def test_ids_are_unique_and_parents_are_places() -> None:
    places = gazetteer().places
    assert len({place.id for place in places}) == len(places)
    for place in places:
        above = places[place.parent].level if place.parent >= 0 else None
        assert above in {"country": (None,), "subject": ("country",), "city": ("subject", "country")}[place.level]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("КИЕВ", "c-kiev"),
        ("Республика Саха", "RU-14"),
        ("Республика Крым", "RU-91"),
        ("Москва", "RU-77"),
        ("ХМАО — Югра", "RU-86"),
        ("Беларусь", "BY"),
        ("Орел", "c515012"),
        ("Северная Осетия-Алания", "RU-15"),
        ("Выборы в США", None),
    ],
)
def test_a_label_that_names_a_place_is_a_region(label: str, expected: str | None) -> None:
    place = gazetteer().place_of(label)
    assert (None if place is None else gazetteer().places[place].id) == expected


def test_a_name_becomes_a_slug() -> None:
    assert slug("Шарм-эш-Шейх") == "sharm-esh-sheyh"
    assert slug("Гётеборг") == "geteborg"


def test_wrong_adjectives_stay_out_of_the_gazetteer() -> None:
    rows = [json.loads(line) for line in (FOLDER / "cities.jsonl").read_text("utf-8").splitlines()]
    adjectives = {(row["name"], adjective) for row in rows for adjective in row["adjectives"]}
    wrong = {("Курган", "курганинский"), ("Псков", "псковской"), ("Болгар", "болгарский"), ("Урай", "уренский")}
    assert not adjectives & wrong
    assert {("Тула", "тульский"), ("Псков", "псковский"), ("Сокол", "сокольский")} & adjectives


def test_weights_are_fitted_only_where_there_is_enough_to_learn_from() -> None:
    places = [regions().decide(mentions("В Туле потушили пожар"), mentions("Приехали из Москвы."))] * 20
    assert fit(places, [{place.place for place in found} for found in places], gazetteer().places) == DEFAULT


# Measurements on corpora that are not in the repository: RUBRICATOR_DATA is the folder with their .jsonl.gz files.


def corpus(name: str) -> list[dict[str, Any]]:
    folder = os.environ.get("RUBRICATOR_DATA")
    if not folder or not (path := Path(folder) / f"{name}.jsonl.gz").exists():
        pytest.skip(f"{name}.jsonl.gz is not here: set RUBRICATOR_DATA to the folder with the corpora")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def with_subjects(labels: Sequence[str]) -> set[int]:
    """Places of editors' labels; a city's subject with it, as the head answers."""
    places, wanted = gazetteer().places, {gazetteer().place_of(label) for label in labels} - {None}
    above = {places[place].parent for place in wanted if place is not None and places[place].level == "city"}
    return {place for place in wanted | above if place is not None} - {
        place for place in above if places[place].level == "country" and place not in wanted
    }


def read(row: dict[str, Any]) -> list[PlaceFound]:
    body = DATELINE.sub(lambda dateline: " " * len(dateline.group()), row["text"])
    return regions().decide(mentions(row["title"] or ""), mentions(body))


def f1(counts: Counter[str]) -> float:
    return 2 * counts["hit"] / max(1, 2 * counts["hit"] + counts["wrong"] + counts["missed"])


def scored(pairs: Sequence[tuple[set[int], set[int]]]) -> dict[str, float]:
    counts: dict[str, Counter[str]] = {level: Counter() for level in LEVELS}
    for wanted, answered in pairs:
        for place in wanted | answered:
            kind = "missed" if place not in answered else "hit" if place in wanted else "wrong"
            counts[gazetteer().places[place].level][kind] += 1
    return {level: round(f1(counts[level]), 3) for level in LEVELS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("ria_2020", {"country": 0.58, "subject": 0.65, "city": 0.55}),
        ("ria_2023", {"country": 0.82, "subject": 0.67, "city": 0.64}),
    ],
)
def test_places_an_article_is_about(name: str, least: dict[str, float]) -> None:
    rows = corpus(name)
    if name == "ria_2023":  # the rest was trained on
        rows = [row for row in rows if zlib.crc32(row["id"].encode()) % 100 >= 60]
    pairs = [(with_subjects(row["regions"]), {one.place for one in read(row) if one.role == "about"}) for row in rows]
    reached = scored(pairs)
    print(name, len(rows), "articles", reached)
    assert all(reached[level] >= least[level] for level in LEVELS)


@pytest.mark.slow
def test_places_mentioned() -> None:
    pairs = []
    for row in corpus("factrueval"):
        answered = {place for mention in mentions(row["text"]) for place in meant(mention, row["text"])}
        wanted: set[int] = set()
        for entity in row["entities"]:
            if entity["type"] in ("Location", "LocOrg"):
                readings = surface(entity["text"])
                wanted |= readings & answered or set(sorted(readings)[:1])
        pairs.append((wanted, answered))
    reached = scored(pairs)
    print("factrueval", len(pairs), "texts", reached)
    assert reached["country"] >= 0.91
    assert reached["subject"] >= 0.87
    assert reached["city"] >= 0.86


def meant(mention: Mention, text: str) -> set[int]:
    """What the head made of a mention, without the subject that a city yields."""
    decided = {one.place: one for one in decided_in(text)}
    return {place for place in mention.places if place in decided}


@cache
def decided_in(text: str) -> tuple[PlaceFound, ...]:
    return tuple(regions().decide([], mentions(text)))


def surface(text: str) -> set[int]:
    """Places that the whole of an annotated stretch may name."""
    hits, starts, _ = matcher()(text)
    phrases = gazetteer().phrases
    whole = {phrases[phrase].place for first, last, phrase in hits if first == 0 and last == len(starts)}
    return {place for place in whole if place >= 0}


@pytest.mark.slow
def test_reading_places_is_a_small_part_of_a_request() -> None:
    texts = [(row["title"], " ".join(row["text"].split(" ")[:250])) for row in corpus("ria_2023")[:500]]
    ready = [(title, matcher()(title), body, matcher()(body)) for title, body in texts]
    best = min(_microseconds(ready) for _ in range(5))
    print(f"{best:.0f} µs an article")
    assert best < 500  # 65 µs on a quiet core, four times that on a busy one


def _microseconds(ready: Sequence[tuple[str, Any, str, Any]]) -> float:
    begin = time.process_time()
    for title, in_title, body, in_body in ready:
        regions().decide(regions().find(title, *in_title), regions().find(body, *in_body))
    return (time.process_time() - begin) / len(ready) * 1e6
