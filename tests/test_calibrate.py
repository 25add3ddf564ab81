"""Thresholds and probability curves: what they promise on the articles they were chosen on."""

import numpy as np
import pytest

from training.calibrate import FEWEST, NEVER, platt, sharpness, threshold_for_f, threshold_for_precision


def test_a_threshold_never_parts_equal_scores() -> None:
    scores = np.array([0.9] * 60 + [0.6] * 200)
    right = np.array([True] * 60 + [True] * 40 + [False] * 160)
    assert threshold_for_precision(scores, right, 0.9) == 0.9
    assert threshold_for_f(scores, right, 0, 0.5, beta=1.0) == 0.9


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


def test_timid_probabilities_are_sharpened_half_way() -> None:
    random = np.random.default_rng(2)
    truth = random.dirichlet((0.3, 0.3, 0.3), 4_000)
    labels = np.array([random.choice(3, p=row) for row in truth])
    timid = truth**0.5
    exponent = sharpness(timid / timid.sum(axis=1, keepdims=True), labels)
    assert exponent == pytest.approx(2**0.5, abs=0.1)
