"""Thresholds and probability curves: what they promise on the articles they were chosen on."""

from typing import Any

import numpy as np
import pytest

from service.inference.rubric import UNTOUCHED, RubricHead, log_share_and_rest
from training.calibrate import (
    CAUTION,
    FEWEST,
    LATEST,
    NEVER,
    latest,
    lift,
    platt,
    shares_unseen,
    sharpness,
    threshold_for_f,
    threshold_for_precision,
    top_curve,
)
from training.crossfit import in_order


def test_a_threshold_never_parts_equal_scores() -> None:
    scores = np.array([0.9] * 60 + [0.6] * 200)
    right = np.array([True] * 60 + [True] * 40 + [False] * 160)
    assert threshold_for_precision(scores, right, 0.9) == 0.9
    assert threshold_for_f(scores, right, 0, 0.5, beta=1.0) == 0.9


def test_what_weighs_more_moves_the_threshold() -> None:
    scores = np.array([0.9] * 60 + [0.6] * 200)
    right = np.array([True] * 60 + [True] * 40 + [False] * 160)
    heavy = np.where(right & (scores < 0.9), 10.0, 1.0)
    assert threshold_for_f(scores, right, 0, 0.5, beta=1.0, weights=heavy) == 0.6


def test_a_precision_that_can_not_be_had_is_never_reached() -> None:
    random = np.random.default_rng(0)
    scores = random.random(500)
    assert threshold_for_precision(scores, random.random(500) < 0.3, 0.9) == NEVER
    assert threshold_for_precision(np.zeros(0), np.zeros(0, np.bool_), 0.9) == NEVER


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_keeps_its_precision_on_its_own_articles(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.round(random.random(2_000), 2)
    right = random.random(2_000) < scores
    threshold = threshold_for_precision(scores, right, 0.9)
    above = scores >= threshold
    assert above.sum() >= FEWEST
    assert right[above].mean() >= 0.9


def test_too_little_to_choose_by_leaves_the_default() -> None:
    assert threshold_for_f(np.array([0.9, 0.2]), np.array([True, False]), 0, 0.33, beta=1.0) == 0.33


def test_a_surer_margin_never_means_a_smaller_probability() -> None:
    random = np.random.default_rng(1)
    labels = np.array([0] * 200 + [1] * 200 + [2])  # one article of the last label, and a low one at that
    margins = random.normal(size=(401, 4)).astype(np.float32) - 1
    margins[np.arange(400), labels[:400]] += 2
    margins[400] = (-1, -1, -3, -1)
    slope, offset = platt(margins, labels)
    assert (slope > 0).all()
    assert np.isfinite(offset).all()


def test_the_newest_articles_calibrate_weights_that_are_as_old_then_as_they_will_be() -> None:
    rows = np.arange(6_000) + 10
    days = np.concatenate((np.arange(5_500), np.arange(500)))  # the first outlet in order of time, then a small one
    judged, between = latest(rows, days, ["large"] * 5_500 + ["small"] * 500)
    assert (judged == np.concatenate((rows[3_500:5_500], rows[5_500:]))).all()
    # 1,750 articles are left out: weights end 3,750 before the last, and 2,750 before the middle of those judged
    assert (between == rows[1_750:3_500]).all()
    assert len(judged) == LATEST + 500


def test_without_dates_all_articles_calibrate() -> None:
    rows = np.arange(9_000)
    judged, between = latest(rows, np.zeros(9_000, np.int64), ["a"] * 9_000)
    assert (judged == rows).all()
    assert not len(between)


def test_small_rubrics_are_lifted_and_the_largest_is_not() -> None:
    raised = lift(np.array([1000, 100, 10, 0]), 0.25)
    assert raised[0] == 0
    assert (np.diff(raised) > 0).all()
    assert raised[2] == pytest.approx(0.25 * np.log(100))


def test_a_sigmoid_lies_halfway_between_its_class_and_all() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 2, 2_000)
    margins = np.zeros((2_000, 2), np.float32)
    margins[np.arange(2_000), labels] = 1
    margins += random.normal(scale=0.7, size=margins.shape).astype(np.float32) + np.array([0.0, 1.0], np.float32)
    slope, offset = platt(margins, labels)
    # a sigmoid a class would undo the whole step between the classes, one for both would leave it
    assert 0.3 < (offset[0] - offset[1]) / slope.mean() < 0.8


def drawn(power: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Probabilities that are off by an exponent, and labels by the true ones."""
    random = np.random.default_rng(2)
    truth = random.dirichlet((0.3, 0.3, 0.3), 4_000)
    labels = np.array([random.choice(3, p=row) for row in truth])
    wrong = truth**power
    return wrong / wrong.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_timid_probabilities_are_sharpened_and_bold_ones_are_not(power: float) -> None:
    assert sharpness(*drawn(power)) == pytest.approx(1 / power, rel=0.1)


@pytest.mark.parametrize("power", [0.5, 2.0])
def test_the_likeliest_label_is_right_as_often_as_its_score_says(power: float) -> None:
    shares, labels = drawn(power)
    head = RubricHead(
        {
            "ids": ["a", "b", "c"], "labels": ["a", "b", "c"], "weights": np.zeros((0, 3)), "bias": np.zeros(3),
            "slope": np.ones(3), "offset": np.zeros(3), "sharpness": 1.0, "top": top_curve(shares, labels),
        }
    )  # fmt: skip
    # margins whose sigmoids are in the proportion of the shares
    found = head.probabilities(np.log(shares / 2 / (1 - shares / 2)).astype(np.float32))
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == shares.argmax(axis=1)).mean() > 0.999  # but for ties of a single precision
    top, right = found.max(axis=1), found.argmax(axis=1) == labels
    for low in (0.4, 0.6, 0.8, 0.9):
        inside = (top >= low) & (top < low + 0.1)
        assert top[inside].mean() == pytest.approx(right[inside].mean(), abs=0.05)
    assert abs(shares.max(axis=1).mean() - right.mean()) > abs(top.mean() - right.mean())


def test_scores_claim_a_little_less_than_held_where_they_were_fitted() -> None:
    shares, labels = drawn(2.0)
    *slopes, offset = top_curve(shares, labels)
    claimed = 1 / (1 + np.exp(-(log_share_and_rest(shares.max(axis=1)) @ np.array(slopes) + offset)))
    held = float((shares.argmax(axis=1) == labels).mean())
    assert held - float(claimed.mean()) == pytest.approx(CAUTION, abs=0.001)


def test_an_article_is_judged_by_sigmoids_that_have_not_seen_it() -> None:
    random = np.random.default_rng(4)
    labels = random.integers(0, 3, 300)
    margins = random.normal(size=(300, 3)).astype(np.float32)
    folds = np.arange(300) // 60
    shares = shares_unseen(margins, labels, np.zeros(3), folds)
    assert np.allclose(shares.sum(axis=1), 1)
    changed = labels.copy()
    changed[:60] = (labels[:60] + 1) % 3
    again = shares_unseen(margins, changed, np.zeros(3), folds)
    assert (again[:60] == shares[:60]).all()
    assert not np.allclose(again[60:], shares[60:])


def test_a_single_article_is_judged_by_itself() -> None:
    shares = shares_unseen(np.ones((1, 2), np.float32), np.array([0]), np.zeros(2), np.zeros(1, np.int64))
    assert np.allclose(shares, 0.5)


def test_folds_are_stretches_of_time_in_whatever_order_the_file_is() -> None:
    days = np.random.default_rng(5).permutation(100)
    folds = in_order(days)
    assert (np.bincount(folds) == 20).all()
    assert (folds == days // 20).all()


def test_few_articles_have_no_curve_of_their_own() -> None:
    shares, labels = drawn(2.0)
    assert top_curve(shares[:100], labels[:100]) == UNTOUCHED


@pytest.mark.parametrize("top", [UNTOUCHED, (0.9, 1.2, 0.3)])
@pytest.mark.parametrize("classes", [1, 2, 17])
def test_one_article_has_the_probabilities_that_it_has_in_a_batch(classes: int, top: tuple[float, ...]) -> None:
    labels = [str(number) for number in range(classes)]
    head = RubricHead(
        {
            "ids": labels, "labels": labels, "weights": np.zeros((0, classes)), "bias": np.zeros(classes),
            "slope": np.linspace(1, 3, classes), "offset": np.linspace(-1, 1, classes), "sharpness": 1.4, "top": top,
        }
    )  # fmt: skip
    margins = np.random.default_rng(0).normal(size=(100, classes)).astype(np.float32) * 3
    margins[0] = -25.0  # far from all classes
    assert np.allclose([head.probabilities_of(row) for row in margins], head.probabilities(margins), rtol=1e-12, atol=0)
    assert np.isfinite(head.probabilities_of(np.full(classes, -1e6, np.float32))).all()
