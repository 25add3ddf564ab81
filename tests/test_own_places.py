"""A newsroom's own geography: its region wins among places of one name, its districts and villages are read."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.matching import Reading
from training.gazetteer import build
from training.own_places import PlacesError, newsroom

CASES = Path(__file__).parent / "cases" / "home_region.tsv"
PLACES = Path(__file__).parent / "cases" / "home_places.tsv"


@cache
def reading(home: str) -> Reading:
    return Reading(build(newsroom=newsroom(home, PLACES if home == "RU-69" else "")))


def cases() -> Iterator[tuple[str, str, set[str], str]]:
    for line in CASES.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            home, text, ids, trap = line.split("\t")
            yield home, text, set(ids.split()), trap


@pytest.mark.parametrize(("home", "text", "ids", "trap"), [pytest.param(*case, id=case[1]) for case in cases()])
def test_a_newsroom_knows_its_places(home: str, text: str, ids: set[str], trap: str) -> None:
    assert set(reading(home).found("", text)) == ids, trap


def test_own_places_have_their_level_and_parent() -> None:
    places = {place.id: place for place in reading("RU-69").gazetteer.places}
    assert places["tver-zavolzhskiy"].level == "district"
    assert reading("RU-69").gazetteer.places[places["sakharovo"].parent].id == "tver-zavolzhskiy"


def test_an_own_place_is_a_label_of_the_archive() -> None:
    gazetteer = reading("RU-69").gazetteer
    place = gazetteer.place_of("ЗАРЕЧЬЕ")
    assert place is not None
    assert [gazetteer.places[one].id for one in (place, *gazetteer.above(place))] == ["zarechye", "kalinin", "RU-69"]


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "places.jsonl"
    file.write_text('{"id": "x", "label": "Кушалино", "level": "place", "forms": ["Кушалина"]}\n', "utf-8")
    [place] = newsroom("RU-69", file).places
    assert (place.id, place.label, place.level, place.parent, place.forms) == (
        "x",
        "Кушалино",
        "place",
        "",
        ("Кушалина",),
    )


@pytest.mark.parametrize("mark", ["\u2028", "\x85"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, mark: str) -> None:
    lines, columns = tmp_path / "places.jsonl", tmp_path / "places.tsv"
    lines.write_text(f'{{"id": "x", "label": "Новое{mark}Кушалино", "level": "place"}}\n', "utf-8")
    columns.write_text(f"id\tlabel\tlevel\nx\tНовое{mark}Кушалино\tplace\n", "utf-8")
    for file in (lines, columns):
        [place] = newsroom("RU-69", file).places
        assert place.label == "Новое Кушалино"


def small_gazetteer(folder: Path) -> Path:
    """Two countries and a subject: built in no time."""
    (folder / "countries.jsonl").write_text(
        '{"id": "RU", "name": "Россия"}\n{"id": "BY", "name": "Беларусь"}\n', "utf-8"
    )
    subject = '{"code": "69", "name": "Тверская область", "short": "Тверская область"}\n'
    (folder / "regions.jsonl").write_text(subject, "utf-8")
    for name in ("cities.jsonl", "world_cities.jsonl", "not_places.txt", "events.txt"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("home", "rows", "message"),
    [
        ("RU-169", "", "home_region 'RU-169' is no subject"),
        ("RU", "", "home_region 'RU' is no subject"),
        ("RU-69", "x\tКушалино\tvillage\t\n", "line 2: level 'village' has to be one of district, place"),
        ("RU-69", "\tКушалино\tplace\t\n", "line 2: id and label have to be there"),
        ("RU-69", "BY\tКушалино\tplace\t\n", "line 2: the id BY is taken"),
        ("RU-69", "x\tКушалино\tplace\tnowhere\n", "its parent 'nowhere' is no place"),
        ("", "x\tКушалино\tplace\t\n", "it has no parent and home_region is empty"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, home: str, rows: str, message: str) -> None:
    file = tmp_path / "places.tsv"
    file.write_text("id\tlabel\tlevel\tparent\n" + rows, "utf-8")
    with pytest.raises(PlacesError, match=message):
        build(small_gazetteer(tmp_path), newsroom(home, file))


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "places.tsv"
    file.write_text("id\tname\tlevel\n", "utf-8")
    with pytest.raises(PlacesError, match="unknown columns name"):
        newsroom("RU-69", file)
