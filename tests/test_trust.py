"""Which rubrics may be published unseen, which labels are worth a second look, and what more labels would buy."""

import numpy as np
import pytest

from training import measures
from training.calibrate import NEVER
from training.crossfit import FOLDS, cross_fitted, folds_of
from training.fit import Linear
from training.label_errors import contradictions, suspects
from training.learning_curve import measure, power_law_gain
from training.trust import Judged, refuted, thresholds, unseen


def judged(scores: list[float], right: list[bool], classes: int = 2) -> Judged:
    """Articles answered with rubric 0 at these scores; where that is wrong, they are rubric 1's."""
    probabilities = np.zeros((len(scores), classes))
    probabilities[:, 0], probabilities[:, 1] = scores, 1 - np.array(scores)
    return Judged(np.arange(len(scores)), probabilities, np.where(right, 0, 1))


@pytest.mark.parametrize(("articles", "carried"), [(29, False), (30, True)])
def test_so_many_right_articles_carry_nine_in_ten(articles: int, carried: bool) -> None:
    [threshold, other] = thresholds(judged([0.8] * articles, [True] * articles), 0.9)
    assert (threshold == 0.8) == carried
    assert other == NEVER


def test_a_threshold_is_the_widest_that_keeps_the_precision_surely() -> None:
    scores = [0.9] * 100 + [0.7] * 100
    right = [True] * 100 + [i % 2 == 0 for i in range(100)]
    evidence = judged(scores, right)
    allowed = thresholds(evidence, 0.9)
    assert allowed[0] == 0.9
    assert unseen(evidence, allowed).sum() == 100
    assert (measures.wilson(100, 100, measures.ONE_SIDED) or (0, 0))[0] >= 0.9


@pytest.mark.parametrize("precision", [0.8, 0.9, 0.95])
def test_the_promise_is_kept_on_other_articles(precision: float) -> None:
    """On articles whose scores are true probabilities, in nineteen of twenty draws and more."""
    kept = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        halves = [judged(list(s), list(random.random(600) < s)) for s in random.uniform(0.55, 1, (2, 600))]
        allowed = thresholds(halves[0], precision)
        out = unseen(halves[1], allowed)
        right = halves[1].top()[2][out]
        kept.append(not refuted(int(right.sum()), int(out.sum()), precision))
    assert np.mean(kept) >= 0.95


def test_a_promise_is_refuted_only_by_evidence() -> None:
    assert refuted(80, 100, 0.9)
    assert not refuted(88, 100, 0.9)
    assert not refuted(0, 0, 0.9)


def test_a_slip_is_found_and_a_doubtful_article_is_not() -> None:
    probabilities = np.array([[0.9, 0.1]] * 20 + [[0.1, 0.9]] * 20 + [[0.02, 0.98], [0.45, 0.55]])
    truth = np.array([0] * 20 + [1] * 20 + [0, 0])
    [found] = suspects(Judged(np.arange(100, 142), probabilities, truth))
    assert (found.row, found.given, found.likelier) == (140, 0, 1)


def test_planted_slips_are_found_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600)
    probabilities = random.dirichlet([1, 1, 1], 600) * 0.4
    probabilities[np.arange(600), truth] += 0.6
    given = truth.copy()
    given[:30] = (truth[:30] + 1) % 3
    found = suspects(Judged(np.arange(600), probabilities, given))
    assert {one.row for one in found} <= set(range(30))
    assert len(found) >= 15


def test_contradictions_are_near_duplicates_of_two_minds() -> None:
    rubrics = ["А", "А", "Б", "А", "А", "Б", None, "А", "Б", "Б"]
    groups = ["1", "1", "2", "3", "3", "3", "3", "4", "4", "4"]
    found = contradictions(rubrics, groups)
    assert found.sets == 3
    assert found.of_two_minds == [[3, 4, 5], [7, 8, 9]]


def test_folds_keep_duplicates_together_and_labels_apart() -> None:
    labels = [0] * 50 + [1] * 10
    groups = [f"g{i // 2}" for i in range(60)]
    folds = folds_of(labels, groups)
    assert all(folds[i] == folds[i + 1] for i in range(0, 60, 2))
    assert set(folds[50:].tolist()) == set(range(FOLDS))


def test_no_model_has_seen_the_articles_it_is_asked_about() -> None:
    on = np.arange(30)

    def fit(part: np.ndarray) -> Linear:
        weights = np.zeros((30, 1), np.float32)
        weights[part] = 1
        return Linear(weights, np.zeros(1, np.float32))

    from scipy import sparse

    margins = cross_fitted(fit, sparse.csr_array(np.eye(30, dtype=np.float32)), on, on % FOLDS)
    assert not margins.any()


def test_a_power_law_is_read_off_its_own_points() -> None:
    sizes = np.array([100, 200, 400, 800, 1600])
    errors = 0.1 + 2.0 * sizes**-0.5
    [gain] = power_law_gain(sizes, errors[:, None], 3200)
    assert gain == pytest.approx(2.0 * (1600**-0.5 - 3200**-0.5), abs=0.002)
    assert power_law_gain(sizes, np.full((5, 1), 0.3), 3200) == pytest.approx(0)


def test_labels_that_teach_nothing_are_not_sold() -> None:
    """A learner that knows all from the start, and one that only ever guesses."""
    from scipy import sparse

    random = np.random.default_rng(0)
    rows = sparse.csr_array(random.random((400, 2)).astype(np.float32))
    labels = random.integers(0, 2, 400)

    def guess(_: object) -> Linear:
        return Linear(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))

    curve = measure(guess, rows, labels, [(np.arange(320), np.arange(320, 400))])
    assert curve is not None
    assert not curve.measurable
    assert curve.next_hundred.value == pytest.approx(0, abs=1e-6)
    assert measure(guess, rows, labels, [(np.arange(60), np.arange(320, 400))]) is None
