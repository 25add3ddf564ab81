"""The gate keeps its two promises, shown by simulation; and what it says of a challenger."""

import numpy as np
import pytest

from training.gate import ALPHA, ENOUGH, MARGIN, MOST_GUARDED, OTHERS, Flags, Ints, Verdict, holm, judge

RIGHT = 0.75  # share of a rubric's articles that a model finds
CHANGED = 0.1  # share of answers that training on other rows draws anew, for better or worse
TRIALS = 200

QUARTER = [1400, 1200, 1000, ENOUGH, 600, 400, 300, 200, 150, 90, 60, 30, 20]  # of a newsroom, rubric by rubric
TWENTY = [ENOUGH] * MOST_GUARDED + [50] * 20


def answers(random: np.random.Generator, truth: Ints, support: list[int]) -> Ints:
    """Right in three of four cases, else another rubric by its frequency."""
    other = random.choice(len(support), len(truth), p=np.array(support) / sum(support))
    return np.where(random.random(len(truth)) < RIGHT, truth, other)


def fallen(random: np.random.Generator, truth: Ints, answer: Ints, label: int, points: float) -> Ints:
    """The same with so many hits of a label lost to others that its F1 falls by `points`."""
    hits = np.flatnonzero((truth == label) & (answer == label))
    both = np.count_nonzero(truth == label) + np.count_nonzero(answer == label)
    lost = points * both / (2 - (2 * len(hits) / both - points))
    answer = answer.copy()
    answer[random.choice(hits, round(lost), replace=False)] = (label + 1) % (truth.max() + 1)
    return answer


def flags(answer: Ints, labels: int) -> Flags:
    found: Flags = answer[:, None] == np.arange(labels)
    return found


def verdicts(support: list[int], label: int = 0, points: float = 0.0) -> list[Verdict]:
    """Of challengers as good as the model in use, but for one label that truly fell by so many points of F1."""
    random, labels = np.random.default_rng(1), len(support)
    truth = np.repeat(np.arange(labels), support)
    names = list(map(str, range(labels)))
    found = []
    for _ in range(TRIALS):
        current = answers(random, truth, support)
        again = random.random(len(truth)) < CHANGED
        challenger = np.where(again, answers(random, truth, support), current)
        if points:
            challenger = fallen(random, truth, challenger, label, points)
        found.append(judge(names, flags(truth, labels), flags(current, labels), flags(challenger, labels)))
    return found


def caught(verdicts: list[Verdict], label: int) -> float:
    return sum(str(label) in {change.label for change in verdict.falls} for verdict in verdicts) / len(verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("support", [QUARTER, TWENTY])
def test_an_equal_challenger_is_refused_in_at_most_a_twentieth(support: list[int]) -> None:
    assert sum(not verdict.passed for verdict in verdicts(support)) <= ALPHA * TRIALS


@pytest.mark.slow
@pytest.mark.parametrize("support", [QUARTER, TWENTY])
def test_a_challenger_that_lost_the_margin_itself_is_rarely_refused_for_it(support: list[int]) -> None:
    assert caught(verdicts(support, 1, MARGIN), 1) <= ALPHA


@pytest.mark.slow
@pytest.mark.parametrize(("support", "label"), [(QUARTER, 0), (QUARTER, 3), (TWENTY, 7)])
def test_a_fall_of_five_points_of_a_guarded_label_is_caught_in_nine_of_ten(support: list[int], label: int) -> None:
    assert caught(verdicts(support, label, 0.05), label) >= 0.9


def test_the_same_answers_pass_whatever_they_are() -> None:
    truth = flags(np.array([0, 0, 1, 2] * 500), 3)
    wrong = flags(np.array([1, 1, 0, 0] * 500), 3)
    assert judge(["а", "б", "в"], truth, wrong, wrong).passed


def test_a_label_that_is_no_longer_answered_is_named_with_its_figures() -> None:
    truth = np.array([0] * 1000 + [1] * 1000)
    lost = truth.copy()
    lost[:300] = 1
    verdict = judge(["Спорт", "Город"], flags(truth, 2), flags(truth, 2), flags(lost, 2))
    first = verdict.falls[0]
    assert (first.label, first.support, first.before) == ("Спорт", 1000, 1.0)
    assert first.after == pytest.approx(2 * 700 / 1700)
    assert not verdict.passed


def test_rare_labels_are_judged_together() -> None:
    truth = np.arange(3000) % 30
    verdict = judge([str(i) for i in range(30)], *(flags(each, 30) for each in (truth, truth, (truth + 1) % 30)))
    assert [(change.label, change.support) for change in verdict.changes] == [(OTHERS, 3000)]
    assert not verdict.passed


def test_no_labels_and_no_articles_pass() -> None:
    nothing = np.zeros((0, 2), np.bool_)
    assert judge(["а", "б"], nothing, nothing, nothing).passed
    assert judge([], *[np.zeros((5, 0), np.bool_)] * 3).changes == ()


def test_holm_raises_the_smallest_most() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([])).tolist() == []


def test_tables_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="for 3 labels"):
        judge(["а", "б", "в"], *[np.zeros((5, 2), np.bool_)] * 3)
