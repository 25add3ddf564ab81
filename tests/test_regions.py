"""Places in Russian text: what is read as a place, which of several is meant, what the article is about."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from service.inference.labels import slug
from service.inference.words import folded
from tests.matching import Reading
from training.fit_regions import DEFAULT, fit
from training.gazetteer import FOLDER, build

CASES = Path(__file__).parent / "cases" / "regions.tsv"


@cache
def reading() -> Reading:
    return Reading(build())


def cases() -> Iterator[tuple[str, set[str], str]]:
    for line in CASES.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            text, ids, shows = line.split("\t")
            yield text, set(ids.split()), shows


@pytest.mark.parametrize(("text", "ids", "shows"), [pytest.param(*case, id=case[0]) for case in cases()])
def test_a_sentence_names_its_places(text: str, ids: set[str], shows: str) -> None:
    assert set(reading().found("", text)) == ids, shows


def test_the_table_has_many_traps_and_no_favourite_place() -> None:
    rows = list(cases())
    assert len(rows) >= 300
    assert len({shows for _, _, shows in rows}) >= 60
    assert Counter(place for _, ids, _ in rows for place in ids).most_common(1)[0][1] <= 8


def test_evidence_is_where_the_place_stands() -> None:
    text = "Пожар потушили в Нижнем Новгороде и в Туле."
    spans = [text[mention.start : mention.end] for mention in reading().mentions(text)]
    assert spans == ["Нижнем Новгороде", "Туле"]


def test_a_subject_has_the_evidence_and_role_of_its_city() -> None:
    places = reading().found("Пожар в Туле потушили", "В Туле потушили пожар.")
    assert places["RU-71"].in_title == places["c480562"].in_title
    assert places["RU-71"].role == places["c480562"].role == "happened"


def test_a_place_named_once_far_below_is_only_mentioned() -> None:
    filler = "Ведомство сообщило подробности работы над новым законом. " * 30
    body = "В Казани открыли школу. Казань ждала её год." + filler + "Раньше такие открыли в Омске и Перми."
    places = reading().found("В Казани открыли школу", body)
    assert places["c551487"].role == "happened"
    assert places["c1496153"].role == "mentioned"
    assert places["c551487"].score > places["c1496153"].score


def test_the_title_helps_to_tell_which_of_two_cities_is_meant() -> None:
    places = reading().found("В Красноярском крае собрали спутник", "Его собрали в Железногорске.")
    assert set(places) == {"RU-24", "c1538635"}


def test_places_come_surest_first() -> None:
    body = "В Казани открыли школу. " + "Работы шли быстро и без задержек. " * 20 + "Приехали гости из Омска."
    scores = [place.score for place in reading().found("Казань получила школу", body).values()]
    assert scores == sorted(scores, reverse=True)


def test_an_article_without_places_has_none() -> None:
    assert reading().found("", "") == {}
    assert reading().found("Учёные нашли новый вид", "Вид описали биологи.") == {}


def test_hits_may_come_in_any_order() -> None:
    text = "В Нижнем Новгороде и в Великом Новгороде прошли форумы."
    hits, regions = reading().hits(text), reading().regions
    assert regions.find(text, folded(text), hits[::-1]) == regions.find(text, folded(text), hits)


def test_ids_are_unique_and_parents_are_places() -> None:
    places = reading().gazetteer.places
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
    place = reading().gazetteer.place_of(label)
    assert (None if place is None else reading().gazetteer.places[place].id) == expected


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
    places = [list(reading().found("В Туле потушили пожар", "Приехали из Москвы.").values())] * 20
    assert fit(places, [{place.place for place in found} for found in places], reading().gazetteer.places) == DEFAULT
