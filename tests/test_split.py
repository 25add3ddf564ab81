import datetime
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import pytest

from service.inference.article import LabelledArticle
from service.records import Rejects
from training import config
from training.config import Corpus
from training.examples import Example, Examples, load
from training.split import Split, SplitError, split

SAMPLE = Path(__file__).parent.parent / "datasets" / "sample" / "news.jsonl"
START = datetime.date(2023, 1, 1)


def example(key: str, day: int | None, rubric: str, text: str | None = None) -> Example:
    date = None if day is None else START + datetime.timedelta(days=day)
    article = LabelledArticle(id=key, title=text or f"новость номер {key}", rubric=rubric)
    return Example(article, 0, "o", date, key)


def examples(rows: Sequence[Example]) -> Examples:
    return Examples(rows, (Corpus(path=Path("o.jsonl")),), {}, {})


def daily(count: int) -> list[Example]:
    """One article a day, rubrics in turn."""
    return [example(f"{i:04}", i, "АБВ"[i % 3]) for i in range(count)]


def parts(result: Split) -> list[list[int]]:
    return [result.train.tolist(), result.validation.tolist(), result.test.tolist()]


def test_periods_end_before_their_last_day_and_train_is_all_before() -> None:
    wanted = config.Split(by="time", validation="2023-01-11/2023-01-16", test="2023-01-16/2023-01-21")
    result = split(examples([*daily(25), example("u", None, "А")]), wanted)
    assert parts(result) == [[*range(10), 25], [*range(10, 15)], [*range(15, 20)]]
    assert result.left_out == {"outside of the periods": 5}


def test_fractions_take_the_latest_whole_days() -> None:
    rows = [example(f"{i}", i // 4, "АБ"[i % 2]) for i in range(400)]
    result = split(examples(rows), config.Split(by="time", validation=0.1, test=0.2))
    assert [len(part) for part in parts(result)] == [280, 40, 80]
    assert result.test.min() == 320


def test_a_near_duplicate_of_an_earlier_part_is_in_no_later_one() -> None:
    rows = daily(20)
    for i in (3, 12, 17):
        rows[i] = example(f"{i:04}", i, "АБ"[i % 2], "Одна и та же заметка о пожаре на складе в Туле")
    wanted = config.Split(by="time", validation="2023-01-11/2023-01-16", test="2023-01-16/2023-01-21")
    result = split(examples(rows), wanted)
    assert parts(result) == [[*range(10)], [10, 11, 13, 14], [15, 16, 18, 19]]
    assert result.left_out == {"near-duplicate of an earlier part": 2}


def test_the_hash_of_the_smallest_id_decides_the_part() -> None:
    rows = daily(400)
    result = split(examples(rows), config.Split(by="hash", validation=0.1, test=0.15))
    share = [crc32(row.key.encode()) % 100 for row in rows]
    assert result.train.tolist() == [i for i, hashed in enumerate(share) if hashed < 75]
    assert result.validation.tolist() == [i for i, hashed in enumerate(share) if 75 <= hashed < 85]
    assert result.test.tolist() == [i for i, hashed in enumerate(share) if hashed >= 85]


def test_near_duplicates_hash_into_one_part() -> None:
    rows = daily(200)
    same = range(0, 200, 7)
    for i in same:
        rows[i] = example(f"{i:04}", i, "АБ"[i % 2], "Одна и та же заметка о пожаре на складе в Туле")
    result = split(examples(rows), config.Split(by="hash", validation=0.3, test=0.2))
    assert sum(not set(same).isdisjoint(part) for part in parts(result)) == 1


def test_every_rubric_has_an_article_to_learn_from_when_hashed() -> None:
    rows = daily(100)
    lonely = next(f"z{i}" for i in range(1000) if crc32(f"z{i}".encode()) % 100 >= 90)
    result = split(examples([*rows, example(lonely, 5, "Редкая")]), config.Split(by="hash"))
    assert 100 in result.train


@pytest.mark.parametrize(
    ("count", "undated", "by"), [(299, 0, "hash"), (300, 0, "time"), (400, 30, "time"), (400, 60, "hash")]
)
def test_time_splits_by_default_when_most_articles_are_dated_and_there_are_enough(
    count: int, undated: int, by: str
) -> None:
    rows = daily(count - undated) + [example(f"u{i}", None, "АБ"[i % 2]) for i in range(undated)]
    result = split(examples(rows), config.Split())
    assert result.by == by
    assert len(result.train) > 4 * len(result.validation) > 0
    assert not len(result.test)


def test_a_period_without_by_splits_by_time() -> None:
    assert split(examples(daily(50)), config.Split(validation="2023-02-01/2023-03-01")).by == "time"


def test_the_sample_corpus_splits_with_every_rubric_in_train() -> None:
    loaded = load(config.Config(corpus=(Corpus(path=SAMPLE),)), Rejects())
    result = split(loaded, config.Split())
    assert sorted([*result.train, *result.validation]) == list(range(len(loaded.rows)))
    learnt = {loaded.rows[i].article.rubric for i in result.train}
    assert learnt == {row.article.rubric for row in loaded.rows}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (config.Split(by="time", validation="2024-01-01/2024-02-01"), "no article is in validation.*a longer period"),
        (config.Split(by="time", validation="2023-01-11/2023-01-12"), "1 articles of validation have 1 label"),
        (config.Split(by="time", validation="2023-01-01/2023-01-21"), "no article is in train"),
        (config.Split(validation="2023-01-05/2023-01-01"), "ends before it begins"),
        (config.Split(validation="last quarter"), 'write "2023-07-01/2023-10-01" or a fraction'),
        (config.Split(validation=1.5), "at least 0 and less than 1"),
        (config.Split(by="hash", validation="2023-01-11/2023-01-16"), "is a period"),
        (config.Split(by="hash", validation=0.0), "no article is in validation.*a larger fraction"),
        (config.Split(by="hash", validation=0.6, test=0.5), "leave nothing to learn from"),
        (config.Split(by="time", validation="2023-01-11/2023-01-18", test="2023-01-16/2023-01-20"), "before test"),
    ],
)
def test_a_split_that_cannot_be_says_what_to_change(wanted: config.Split, said: str) -> None:
    with pytest.raises(SplitError, match=said):
        split(examples(daily(20)), wanted)


def test_the_last_day_there_is_splits_too() -> None:
    rows = [*daily(40), Example(LabelledArticle(id="z", title="конец", rubric="А"), 0, "o", datetime.date.max, "z")]
    result = split(examples(rows), config.Split(by="time", validation=0.2))
    assert (result.validation.tolist(), result.left_out) == ([*range(33, 40)], {"outside of the periods": 1})
