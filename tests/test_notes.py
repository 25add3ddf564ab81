"""What a person is told before believing a figure; nothing is told when all is well."""

import datetime
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import binomtest

from service.inference.article import LabelledArticle
from service.inference.manifest import Manifest
from service.records import Rejects
from tests import newsroom
from training import config, measures, notes
from training.config import Config, Corpus
from training.evaluate import evaluate
from training.evaluation import Evaluation, Overlap
from training.examples import Examples, load
from training.lookalikes import in_one_alphabet
from training.overlap import fingerprint, overlap
from training.split import split


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    rows = newsroom.articles()
    return evaluate(newsroom.Annotator(rows), rows, label_map=newsroom.MAP)


def few(n: int) -> Evaluation:
    rows = newsroom.articles(n)
    return evaluate(newsroom.Annotator(rows), rows, label_map=newsroom.MAP)


def test_enough_articles_need_no_word(whole: Evaluation) -> None:
    assert whole.notes == ()


def test_few_articles_come_with_what_chance_alone_could_make_of_them() -> None:
    first, second = few(30).notes
    assert first.startswith("articles measured: 30, too few to say how good a model is; take 200 or more; an accuracy")
    assert second.startswith("rubrics with fewer than 10 of these articles, so that their own figures say nothing: ")


def test_no_test_at_all_is_told_with_what_to_set() -> None:
    [told] = notes.on_size(None)
    assert "set test = 0.15 under [split]" in told


def test_wilsons_interval_of_all_right_is_no_certainty() -> None:
    low, high = measures.wilson(30, 30) or (0, 0)
    assert (round(low, 4), high) == (0.8865, 1.0)
    low, high = measures.wilson(1400, 2000) or (0, 0)
    half = 1.96 * (0.7 * 0.3 / 2000) ** 0.5
    assert (low, high) == pytest.approx((0.7 - half, 0.7 + half), abs=0.001)
    assert measures.wilson(0, 0) is None


@pytest.mark.parametrize(("right", "of"), [(0, 1), (1, 1), (0, 40), (3, 40), (29, 30), (8000, 9000)])
def test_wilsons_interval_is_scipys(right: int, of: int) -> None:
    for z, confidence in ((measures.TWO_SIDED, 0.95), (measures.ONE_SIDED, 0.9)):
        found = binomtest(right, of).proportion_ci(confidence, method="wilson")
        assert measures.wilson(right, of, z) == pytest.approx((found.low, found.high), abs=1e-4)


def test_a_label_has_intervals_of_what_was_answered_and_what_was_true(whole: Evaluation) -> None:
    for one in (*whole.rubric.per_label.values(), *whole.tags.per_label.values()):
        assert (one.precision_interval is None) == (one.predicted == 0)
        if one.recall_interval:
            low, high = one.recall_interval
            assert low - 1e-9 <= one.recall <= high + 1e-9


def test_labels_that_the_model_does_not_have_are_counted_and_named(whole: Evaluation) -> None:
    rubrics, tags = notes.on_labels(whole, list(newsroom.RUBRICS))
    n = whole.rubric.unknown["Прочее"]
    assert rubrics.startswith("articles of rubrics that the model doesn't have, which count as errors: ")
    assert rubrics.endswith(f": {n} of 1200 (Прочее {n})")
    assert tags.startswith("tags of the editors that the model doesn't have, which count as missed: 30 of ")
    assert tags.endswith("1 different (<Редкий> тег 30)")


def test_a_model_of_other_rubrics_names_its_own() -> None:
    rows = [LabelledArticle(id="news-0", rubric="Игры"), LabelledArticle(id="news-1", rubric="Искусство")]
    found = evaluate(newsroom.Annotator(newsroom.articles(2)), rows, label_map=newsroom.MAP)
    [told] = notes.on_labels(found, ["Спорт", "Культура"])
    assert "which count as errors: 2 of 2 (Игры 1, Искусство 1); it has Спорт, Культура" in told


def test_long_lists_are_cut() -> None:
    unread: Counter[tuple[str, str | None]] = Counter({(f"f{i}", None): 1 for i in range(13)})
    [told] = notes.on_fields(Examples([], [], {}, {}, unread={"news": unread, "other": Counter()}))
    assert told.endswith("f9 1 and 3 more")


def examples_of(folder: Path, name: str, *days: str | None) -> Examples:
    rows = [{"title": f"{name} {i}", "rubric": f"Р{i}", "published_at": day} for i, day in enumerate(days)]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return load(Config(corpus=(Corpus(path=path),)), Rejects())


def test_rows_up_to_the_models_newest_may_have_been_trained_on(tmp_path: Path) -> None:
    examples = examples_of(tmp_path, "news", "2025-01-01", "2025-01-02T10:00:00+03:00", "2025-01-03", None)
    found = overlap(Manifest(newest_row="2025-01-02"), examples)
    assert found == Overlap("2025-01-02", (), not_newer=2, undated=1)
    assert list(notes.on_overlap(found, 4)) == [
        "2 of 4 rows are not newer than the model's newest training row (2025-01-02): they may have been trained on",
        "1 of 4 rows have no date: nobody can tell whether they were trained on",
    ]


def test_the_very_rows_of_the_training_are_known_by_their_fingerprint(tmp_path: Path) -> None:
    examples = examples_of(tmp_path, "news", None, "2025-01-02")
    trained = Manifest(newest_row="2025-01-02", data=[{"corpus": "a", "sha256": fingerprint(examples.rows)}])
    found = overlap(trained, examples)
    assert (found.learnt, found.not_newer, found.undated) == (("news",), 0, 0)
    [told] = notes.on_overlap(found, 2)
    assert told.startswith("the model was trained on these very rows of news")
    assert overlap(trained, examples_of(tmp_path, "other", None, "2025-01-02")).learnt == ()


def test_of_a_model_without_dates_nobody_can_tell(tmp_path: Path) -> None:
    examples = examples_of(tmp_path, "news", "2025-01-02", "2025-01-03")
    [told] = notes.on_overlap(overlap(Manifest(), examples), 2)
    assert "2 of 2 rows can't be compared with training rows, which have no dates" in told


def test_newer_rows_need_no_word(tmp_path: Path) -> None:
    examples = examples_of(tmp_path, "news", "2025-01-03")
    assert examples.rows[0].date == datetime.date(2025, 1, 3)
    assert list(notes.on_overlap(overlap(Manifest(newest_row="2025-01-02"), examples), 1)) == []


TODAY = datetime.date(2025, 1, 5)


def test_dates_to_come_are_counted_with_what_they_do_to_a_split_by_time(tmp_path: Path) -> None:
    to_come = ["2031-01-01", "2099-01-02", "2099-01-02"]
    days = [f"{2000 + i // 100}-01-{i % 28 + 1:02}" for i in range(298)]
    examples = examples_of(tmp_path, "news", *days, "2025-01-06T01:00:00+09:00", *to_come, None)
    parts = split(examples, config.Split(by="time", validation=0.1, test=0.006))
    [told] = notes.on_future(examples, TODAY, parts)
    assert told.startswith("3 rows have a published_at later than today (2025-01-05), up to 2099-01-02: mend the dates")
    assert "takes them for the newest (test 2, validation 1), so that validation and test are of these" in told
    [told] = notes.on_future(examples, TODAY, replace(parts, by="hash"))
    assert "split by time" not in told
    [told] = notes.on_future(examples, TODAY)
    assert told.endswith("rows that a model was trained on may pass for newer ones")


def test_days_up_to_tomorrow_need_no_word(tmp_path: Path) -> None:
    examples = examples_of(tmp_path, "news", "2025-01-05", "2025-01-06", None)
    assert list(notes.on_future(examples, TODAY)) == []


def test_a_label_with_latin_letters_in_a_russian_word_is_that_word_and_is_told(tmp_path: Path) -> None:
    rows = [
        {"title": "a", "rubric": "\u0043порт", "tags": ["\u0041ФК", "АФК"]},  # with a Latin C and A
        {"title": "b", "rubric": "Спорт", "tags": ["IT-рынок", "Wi-Fi", "Цска Z"]},
        {"title": "c", "rubric": "\u0043порт", "regions": ["M\u043eсква"]},
    ]
    path = tmp_path / "news.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = load(Config(corpus=(Corpus(path=path),)), Rejects())
    assert [row.article.rubric for row in found.rows] == ["Спорт"] * 3
    assert [row.article.tags for row in found.rows] == [("АФК",), ("IT-рынок", "Wi-Fi", "Цска Z"), ()]
    assert found.rows[2].article.regions == ("Москва",)
    [told] = notes.on_alphabets(found)
    assert "with their rows: «Спорт» 2, «АФК» 1, «Москва» 1; mend them" in told


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("A\u0440ple", "Apple"),  # a Cyrillic р
        ("Xбокс9Z", "Xбокс9Z"),
        ("CCCP", "CCCP"),  # all Latin: it may be anything
        ("\u0421\u0421\u0421P", "СССР"),
        ("t\u0443-154", "ту-154"),
        ("T-\u0431анк", "T-банк"),
    ],
)
def test_a_word_is_put_into_the_alphabet_that_all_its_letters_have(written: str, read: str) -> None:
    assert in_one_alphabet(written) == read
