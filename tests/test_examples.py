import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from service.inference.article import Article
from service.records import Rejects
from training import duplicates
from training.config import Config, ConfigError, Corpus
from training.examples import EmptyTrainingSetError, Examples, check_that_labels_differ, kind_of, load

TWO: list[dict[str, Any]] = [{"title": "Матч", "rubric": "Спорт"}, {"title": "Курс рубля", "rubric": "Экономика"}]


def corpus(folder: Path, rows: Iterable[dict[str, Any]], name: str = "news", **options: Any) -> Corpus:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return Corpus(path=path, **options)


def loaded(*corpora: Corpus) -> tuple[Examples, list[str]]:
    told: list[bytes] = []
    examples = load(Config(corpus=corpora), Rejects(told.append))
    return examples, [json.loads(line)["reason"] for line in told]


@pytest.mark.parametrize(
    ("row", "options", "reason"),
    [
        ({"title": " ", "rubric": "Спорт"}, {}, "no text"),
        ({"title": "Кубок"}, {}, "no label to learn from"),
        ({"title": "Кубок", "tags": [" "]}, {}, "no label to learn from"),
        ({"title": "Кубок", "rubric": "Спорт"}, {"use": ("tags",)}, "no label to learn from"),
        ({"title": "Кубок", "rubric": "Спорт", "text": "мал"}, {"min_chars": 5}, "shorter than 5 characters"),
        ({"title": "Кубок", "rubric": "Погода"}, {"drop_rubrics": ("Погода",)}, "rubric left out: Погода"),
        ({"title": "Итоги недели: кубок", "rubric": "Спорт"}, {"drop_titles": ("^Итоги",)}, "title left out"),
        ({"title": "Кубок", "rubric": "Спорт", "published_at": "31.02.2020"}, {}, "published_at is no ISO 8601 date"),
        ({"title": "Матч", "rubric": "Спорт"}, {}, "the same text with the same labels was sent before"),
        ({"title": "Кубок", "section": "Спорт"}, {}, "no label to learn from (probably section → rubric)"),
        ({"title": "Кубок", "keyword": ["а"]}, {}, "no label to learn from (probably keyword → tags)"),
        ({"title": "Кубок", "rubric": "Спорт", "tags": ["а" * 201]}, {}, "a label has more than 200 characters"),
        ({"title": "Кубок", "rubric": "Б" * 201}, {}, "a label has more than 200 characters"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_with_its_reason(
    tmp_path: Path, row: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    good = corpus(tmp_path, TWO, "good")
    examples, reasons = loaded(good, corpus(tmp_path, [row], "bad", **options))
    assert len(examples) == 2
    assert reasons[0].startswith(reason)
    assert examples.rejected["bad"] == {reason.partition(":")[0]: 1}


def test_a_label_may_have_200_characters(tmp_path: Path) -> None:
    examples, reasons = loaded(corpus(tmp_path, [*TWO, {"title": "Кубок", "tags": ["а" * 200]}]))
    assert (len(examples), reasons) == (3, [])


def test_fields_that_are_not_read_are_counted_in_used_rows_too(tmp_path: Path) -> None:
    rows = [row | {"section": "Мир", "views": 3} for row in TWO] + [{"title": "Кубок", "section": "Мир"}]
    examples, _ = loaded(corpus(tmp_path, rows))
    assert examples.unread == {"news": {("section", "rubric"): 3, ("views", None): 2}}


def test_since_is_inclusive_and_until_exclusive(tmp_path: Path) -> None:
    days = ["2023-01-01", "2023-01-02T23:59:59+03:00", "2023-01-03", "", None]
    rows = [{"title": f"Т{i}", "rubric": f"Р{i}", "published_at": day} for i, day in enumerate(days)]
    since, until = datetime.date(2023, 1, 1), datetime.date(2023, 1, 3)
    examples, reasons = loaded(corpus(tmp_path, rows, since=since, until=until))
    assert [row.date for row in examples.rows] == [since, datetime.date(2023, 1, 2)]
    assert reasons == ["outside of since and until", *["no date, but the corpus has since or until"] * 2]


def test_a_repeated_id_is_rejected_within_an_outlet_only(tmp_path: Path) -> None:
    rows = [{"id": "1", "source": source, "title": f"Т{i}", "rubric": f"Р{i}"} for i, source in enumerate("ааб")]
    examples, reasons = loaded(corpus(tmp_path, rows))
    assert [row.outlet for row in examples.rows] == ["а", "б"]
    assert reasons == ["id sent before: 1"]


def test_the_same_text_with_other_labels_is_kept(tmp_path: Path) -> None:
    examples, _ = loaded(corpus(tmp_path, [{"title": "Т", "rubric": "А"}, {"title": "Т", "rubric": "Б"}]))
    assert len(examples) == 2


def test_an_outlet_is_named_by_the_config_the_row_or_the_file(tmp_path: Path) -> None:
    rows = [{"title": "А", "rubric": "А", "source": "x.ru"}, {"title": "Б", "rubric": "Б"}]
    assert [row.outlet for row in loaded(corpus(tmp_path, rows))[0].rows] == ["x.ru", "news"]
    assert {row.outlet for row in loaded(corpus(tmp_path, rows, source="y.ru"))[0].rows} == {"y.ru"}


@pytest.fixture
def rubric_map(tmp_path: Path) -> str:
    content = {
        "words": {"news": {"Армия": ["армия", "оружие"], "Политика": ["выборы", "партия"]}},
        "o": {
            "sport": "Спорт",
            "other": "",
            "world": {"by": "tags", "most": "news", "least": 2, "margin": 2},
            "russia": {"by": "extra.sub", "most": {"Общество": ["Школа"]}, "else": "Политика"},
            "": {"by": "tags", "most": "news"},
        },
        "broken": {"world": {"by": "tags", "first": []}},
        "lost": {"world": {"by": "tags", "most": "nowhere"}},
    }
    file = tmp_path / "map.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return f"{file}#o"


@pytest.mark.parametrize(
    ("rubric", "tags", "sub", "common"),
    [
        ("sport", [], [], "Спорт"),
        ("other", ["х"], [], None),
        ("unknown", ["х"], [], None),
        ("world", ["АРМИЯ", "Оружие"], [], "Армия"),
        ("world", ["армия"], [], None),
        ("world", ["армия", "оружие", "выборы"], [], None),
        ("russia", [], ["школа"], "Общество"),
        ("russia", [], ["х"], "Политика"),
        (None, ["партия"], [], "Политика"),
        (None, ["партия", "армия"], [], None),
    ],
)
def test_a_rubric_map_goes_by_the_rubric_and_other_labels(
    tmp_path: Path, rubric_map: str, rubric: str | None, tags: list[str], sub: list[str], common: str | None
) -> None:
    row: dict[str, Any] = {"title": "Т", "rubric": rubric, "tags": tags, "extra": {"sub": sub}}
    examples, _ = loaded(corpus(tmp_path, [row], "mapped", rubric_map=rubric_map), corpus(tmp_path, TWO))
    assert examples.rows[0].article.rubric == common
    assert examples.unmapped["mapped"].total() == (1 if rubric and not common else 0)


def test_a_rubric_that_becomes_none_rejects_only_what_has_no_other_label(tmp_path: Path, rubric_map: str) -> None:
    rows: list[dict[str, Any]] = [
        {"title": "А", "rubric": "other"},
        {"title": "Б", "rubric": "other", "regions": ["Тула"]},
    ]
    examples, reasons = loaded(corpus(tmp_path, rows, "mapped", rubric_map=rubric_map), corpus(tmp_path, TWO))
    assert reasons == ["its rubric becomes none and it has no other label: other"]
    assert examples.rows[0].article.regions == ("Тула",)


@pytest.mark.parametrize("name", ["broken", "lost", "gone"])
def test_a_map_that_cannot_be_read_is_a_config_error(tmp_path: Path, rubric_map: str, name: str) -> None:
    reference = rubric_map.replace("#o", f"#{name}")
    with pytest.raises(ConfigError, match="rubric_map"):
        loaded(corpus(tmp_path, TWO, rubric_map=reference))
    with pytest.raises(ConfigError, match="can't be read"):
        loaded(corpus(tmp_path, TWO, rubric_map="nowhere.json#o"))


def test_what_names_the_outlet_is_blanked(tmp_path: Path) -> None:
    rows = [*TWO, {"title": "Т", "text": "Об этом сообщает РИА Новости. Читайте в «Ленте»", "rubric": "А"}]
    examples, _ = loaded(corpus(tmp_path, rows, strip=("сообщает РИА Новости", "«Лент[ае]»")))
    assert examples.rows[2].article.text == "Об этом  . Читайте в  "
    with pytest.raises(ConfigError, match="is no regular expression"):
        loaded(corpus(tmp_path, TWO, strip=("(",)))


def test_a_cap_takes_the_rubric_and_leaves_what_has_other_labels(tmp_path: Path) -> None:
    rows = [{"id": str(i), "title": f"Т{i}", "rubric": "А", "tags": ["т"] * (i % 2)} for i in range(40)]
    rows += [{"id": "x", "title": "Т", "rubric": "Б"}]
    examples, reasons = loaded(corpus(tmp_path, rows, cap=10))
    assert sum(row.article.rubric == "А" for row in examples.rows) == 10
    assert sum(row.article.tags == ("т",) for row in examples.rows) == 20
    assert (examples.over_cap, reasons) == ({"news": 30}, [])


def test_labels_are_tidied_and_kept_in_order(tmp_path: Path) -> None:
    examples, _ = loaded(corpus(tmp_path, [*TWO, {"title": "Т", "tags": [" б  в ", "а", "", "б в"]}]))
    assert examples.rows[2].article.tags == ("б в", "а")


def test_corpora_that_give_a_kind_of_label_are_told_apart(tmp_path: Path) -> None:
    tagged = corpus(tmp_path, [{"title": "Т", "tags": ["а"]}], "tagged")
    examples, _ = loaded(corpus(tmp_path, TWO), tagged)
    assert [set(examples.labelled_with(kind)) for kind in ("rubric", "tags")] == [{0}, {1}]


def test_an_empty_training_set_says_why_it_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTrainingSetError, match="2 × no label to learn from"):
        loaded(corpus(tmp_path, [{"title": "А"}, {"title": "Б"}]))
    with pytest.raises(EmptyTrainingSetError, match="files are empty"):
        loaded(corpus(tmp_path, []))


def test_articles_of_one_label_can_be_read_but_not_learnt_from(tmp_path: Path) -> None:
    examples, _ = loaded(corpus(tmp_path, [{"title": "1", "rubric": "А"}, {"title": "2", "rubric": "А"}]))
    assert len(examples) == 2
    with pytest.raises(EmptyTrainingSetError, match="one label «А»"):
        check_that_labels_differ(examples.rows)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("id sent before: 17", "id sent before"),
        ("no text", "no text"),
        ("/title: title must be a string, not a number", "/title: title must be a string, not a number"),
        ('/id: id must be a string: send "17"', "/id: id must be a string"),
    ],
)
def test_reasons_are_summed_up_without_what_differs_from_row_to_row(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


def test_near_duplicates_share_the_smallest_key() -> None:
    story = "Пожарные спасли двух кошек из горящего дома на улице Ленина в Туле сегодня утром, никто не пострадал"
    changed = story.replace("не пострадал", "из людей цел")
    texts = [story, changed, "Совсем другая новость о погоде в Сибири и на Урале", "", ""]
    articles = [Article(title="", text=text) for text in texts]
    assert duplicates.groups(articles, ["e", "b", "c", "d", "a"]) == ["b", "b", "c", "d", "a"]


def test_short_titles_are_near_duplicates_only_when_equal() -> None:
    articles = [Article(title=title) for title in ("Два слова", "два слова!", "Два других")]
    assert duplicates.groups(articles, ["1", "2", "3"]) == ["1", "1", "3"]
