"""The protocol of the tag head: what its measures count, and how it hides labels."""

from zlib import crc32

import pytest

from tests.corpora import SHARED, needs
from training.progress import Progress
from training.protocols import tags
from training.protocols.tag_measures import Answer, differences, measure

RIGHT = Answer.of([("а", 0.9, True), ("б", 0.6, True), ("в", 0.1, False)])
WRONG = Answer.of([("в", 0.8, True), ("а", 0.3, False)])
TRUTH = [frozenset({"а", "б"}), frozenset({"а"})]


def test_a_tag_counts_as_given_from_its_threshold_on_and_is_ranked_below_it() -> None:
    found = measure(TRUTH, [RIGHT, WRONG], {"rare": frozenset({"б", "в"}), "none": frozenset({"г"})})
    assert found.micro_f1.value == pytest.approx(2 * 2 / (3 + 3))
    assert found.macro_f1 == pytest.approx((2 * 1 / (1 + 2) + 1) / 2)
    assert found.p_at_1 == 0.5
    assert found.regimes["rare"].value == pytest.approx(2 * 1 / (2 + 1))
    assert found.regimes["none"].value == 0.0
    assert found.per_article == 1.5


def test_a_ranking_is_of_articles_with_tags_and_wrong_answers_count_everywhere() -> None:
    found = measure([*TRUTH, frozenset()], [RIGHT, WRONG, WRONG], {})
    assert found.p_at_1 == 0.5
    assert found.micro_f1.value == pytest.approx(2 * 2 / (4 + 3))


def test_margins_are_no_probabilities() -> None:
    margins = Answer.of([("а", 1.7, True)])
    assert measure(TRUTH, [margins, margins], {}).calibration_error is None


def test_only_the_surest_are_kept() -> None:
    assert RIGHT.first(1).given == {"а": 0.9}
    assert RIGHT.first(5) == RIGHT
    assert RIGHT.first(1).ranked == RIGHT.ranked


def test_a_system_is_ahead_by_the_difference_of_both() -> None:
    micro, macro = differences(TRUTH, [RIGHT, WRONG], [WRONG, WRONG])
    ours, other = (measure(TRUTH, answers, {}) for answers in ([RIGHT, WRONG], [WRONG, WRONG]))
    assert micro.value == pytest.approx(ours.micro_f1.value - other.micro_f1.value)
    assert macro.value == pytest.approx(ours.macro_f1 - other.macro_f1)
    assert micro.interval[0] <= micro.value <= micro.interval[1]


@pytest.mark.slow
def test_hidden_labels_are_in_no_article_learnt_from() -> None:
    folder = SHARED / "data" / "corpora"
    needs(folder / "rt.jsonl.gz")
    task = tags.rt(folder)
    learnt = [task.examples.rows[i].article for i in (*task.train.tolist(), *task.validation.tolist())]
    tested = [task.examples.rows[i].article for i in task.test.tolist()]
    assert task.hidden and all(crc32(label.encode()) % 12 == 0 for label in task.hidden)
    assert not {label for article in learnt for label in article.tags} & task.hidden
    assert {label for article in tested for label in article.tags} & task.hidden
    assert task.hidden <= {own.label for own in task.vocabulary}
    groups = task.examples.groups
    assert not {groups[i] for i in task.test} & {groups[i] for i in (*task.train, *task.validation)}


@pytest.mark.slow
def test_tags_of_ria_that_no_article_had_are_found_by_name() -> None:
    folder = SHARED / "data" / "corpora"
    for name in (tags.RIA, tags.EARLIER_RIA):
        needs(folder / f"{name}.jsonl.gz")
    found = tags.both(tags.ria(folder), Progress(quiet=True), peer=False)
    measured = measure(found.truth, found.systems[tags.OURS], found.regimes)
    # what was reached, less the width of an interval
    assert measured.micro_f1.value >= 0.49
    assert measured.regimes[tags.NONE].value >= 0.49
    assert measured.regimes[tags.FEW].value >= 0.54
