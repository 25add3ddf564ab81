"""The sample corpus is what `make demo` and many tests learn from, so its own promises are tested here."""

import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DATASETS = Path(__file__).parents[1] / "datasets"
SAMPLE = DATASETS / "sample" / "news.jsonl"
GAZETTEER = DATASETS / "gazetteer"

RUBRICS = {
    "Политика", "Экономика", "Общество", "Происшествия", "Спорт", "Культура", "Наука и техника", "Армия", "Авто",
    "Недвижимость", "Путешествия", "Здоровье", "Интернет и СМИ",
}  # fmt: skip
FIELDS = {"id", "source", "published_at", "title", "lead", "text", "body_html", "rubric", "regions", "tags"}
SUBJECTS_THAT_ARE_CITIES = {"Москва", "Санкт-Петербург", "Севастополь"}

Row = dict[str, Any]


@cache
def rows() -> tuple[Row, ...]:
    return tuple(json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines())


def plain(row: Row) -> str:
    """Title, lead and body without tags, entities, accents and soft hyphens; a break between blocks is a new line."""
    body = row["text"] if "text" in row else re.sub(r"<[^>]+>", "\n", row["body_html"])
    text = html.unescape("\n".join((row["title"], row.get("lead", ""), body)))
    return text.replace("\u0301", "").replace("\u00ad", "")


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def sentences(text: str) -> Iterable[str]:
    for piece in re.split(r"(?<=[.!?…])[»\"]?\s+|\n+", text):
        if sentence := " ".join(words(piece)):
            yield sentence


def test_there_are_200_articles_with_ids_without_a_gap() -> None:
    """In the order in which they were written: an id stays when the corpus grows, the file is sorted by time."""
    assert sorted(row["id"] for row in rows()) == [f"s{number:03d}" for number in range(1, 201)]


def test_every_article_has_the_labelled_shape() -> None:
    for row in rows():
        assert row.keys() <= FIELDS
        assert row["source"] == "sample"
        assert row["title"]
        assert ("text" in row) != ("body_html" in row), row["id"]
        assert len(set(row["regions"])) == len(row["regions"])
        assert len(set(row["tags"])) == len(row["tags"])


def test_articles_are_sorted_and_spread_over_every_month_of_2025() -> None:
    dates = [datetime.fromisoformat(row["published_at"]) for row in rows()]
    assert dates == sorted(dates)
    assert {date.year for date in dates} == {2025}
    per_month = Counter(date.month for date in dates)
    assert min(per_month[month] for month in range(1, 13)) >= 14


def test_every_rubric_has_fourteen_to_seventeen_articles() -> None:
    counts = Counter(row["rubric"] for row in rows())
    assert counts.keys() == RUBRICS
    assert all(14 <= count <= 17 for count in counts.values()), counts


def test_an_article_has_60_to_220_words() -> None:
    lengths = {row["id"]: len(words(plain(row))) - len(words(row["title"])) for row in rows()}
    assert {key: length for key, length in lengths.items() if not 60 <= length <= 220} == {}


def test_a_hundred_tags_or_more_stand_on_three_articles_each() -> None:
    counts = Counter(tag for row in rows() for tag in row["tags"])
    assert len(counts) >= 100
    assert {tag: count for tag, count in counts.items() if count < 3} == {}
    assert all(2 <= len(row["tags"]) <= 5 for row in rows())


def test_a_region_is_never_a_tag() -> None:
    assert not {region for row in rows() for region in row["regions"]} & {tag for row in rows() for tag in row["tags"]}


def test_two_hundred_regions_or_more_are_named() -> None:
    assert len({region for row in rows() for region in row["regions"]}) >= 200


@pytest.mark.skipif(not GAZETTEER.is_dir(), reason="the gazetteer is not here")
def test_every_region_is_in_the_gazetteer_and_a_city_brings_its_subject() -> None:
    places = [json.loads(line) for path in GAZETTEER.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    names = {name for place in places for name in (place["name"], place.get("short"), *place["aliases"])}
    subjects = {place["code"]: place["short"] for place in places if "code" in place}
    cities: dict[str, set[str]] = defaultdict(set)
    for place in places:
        if "region" in place:
            cities[place["name"]].add(subjects[place["region"]])
    for row in rows():
        for region in row["regions"]:
            assert region in names, (row["id"], region)
            if region in cities and region not in SUBJECTS_THAT_ARE_CITIES:
                assert cities[region] & set(row["regions"]), (row["id"], region)


def test_no_two_articles_share_a_sentence() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for row in rows():
        for sentence in sentences(plain(row)):
            where[sentence].append(row["id"])
    assert {sentence: ids for sentence, ids in where.items() if len(ids) > 1} == {}


def test_no_four_words_in_a_row_stand_in_more_than_two_places() -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    for row in rows():
        run = words(plain(row))
        counts.update(zip(run, run[1:], run[2:], run[3:], strict=False))
    assert {" ".join(run): count for run, count in counts.items() if count > 2} == {}
