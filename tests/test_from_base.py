"""A house's own rubrics from a base model and a few labels."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from service.inference.rubric import RubricHead
from tests.sample_model import annotator, articles, labelled_articles, trained
from training import from_base
from training.crossfit import folds_of
from training.fit import Linear, csr

LABELS = sorted({article.rubric or "" for article in labelled_articles()})


def house() -> tuple[from_base.Base, sparse.csr_array, np.ndarray]:
    """The sample corpus over its own model, as a house whose rubrics the base knows."""
    from service.inference.features import tokenise
    from service.inference.text import read

    model = annotator()
    rows = csr(model.features.matrix(tokenise([read(article) for article in articles()], model.lemmas)))
    labels = np.array([LABELS.index(article.rubric or "") for article in labelled_articles()])
    return from_base.Base.of(trained().parts["rubric"], LABELS), rows, labels


@pytest.mark.slow
def test_served_probabilities_are_the_softmax_that_was_fitted() -> None:
    base, rows, labels = house()
    linear = from_base.fit(base, rows, labels, 2.0)
    head = RubricHead(from_base.part_of(linear, [f"r{i}" for i in range(len(LABELS))], LABELS))
    margins = linear.margins(rows)
    np.testing.assert_allclose(head.probabilities(margins), softmax(margins.astype(np.float64), axis=1), atol=1e-5)


def test_without_own_weight_the_house_answers_as_the_base() -> None:
    base, rows, _ = house()
    assert (base.alone().margins(rows).argmax(axis=1) == base.answers(rows)).mean() > 0.98


def test_the_weights_are_where_the_loss_is_least() -> None:
    """Against the same loss over the weights themselves, with few enough columns for it."""
    base, rows, labels = house()
    few = sparse.csr_array(rows[:, :40])
    small = from_base.Base(Linear(base.log_odds.weights[:40], base.log_odds.bias), base.same)
    strength = 2.0
    found = from_base.fit(small, few, labels, strength)
    dense, said = few.toarray().astype(np.float64), small.log_odds.margins(few).astype(np.float64)
    inputs = np.hstack((from_base.MARGIN_SCALE * said, strength * dense, np.ones((len(labels), 1))))
    truth = np.eye(len(LABELS))[labels]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        margins = said @ small.same + inputs @ flat.reshape(inputs.shape[1], -1)
        gradient = inputs.T @ (softmax(margins, axis=1) - truth)
        return 0.5 * flat @ flat - (log_softmax(margins, axis=1) * truth).sum(), gradient.ravel() + flat

    start = np.zeros(inputs.shape[1] * len(LABELS))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "gtol": 1e-8, "ftol": 1e-14}).x
    expected = said @ small.same + inputs @ best.reshape(inputs.shape[1], -1)
    np.testing.assert_allclose(found.margins(few), expected, atol=0.05)


def test_labels_that_say_nothing_new_leave_the_base_as_it_is() -> None:
    base, rows, _ = house()
    on = np.arange(40)
    labels = base.answers(rows)
    choice = from_base.choose(base, rows, labels, on, folds_of(labels[on].tolist(), [str(i) for i in on]))
    assert choice.strength == 0
    assert choice.accuracy == choice.base_accuracy


def test_a_house_that_draws_its_lines_elsewhere_is_learnt() -> None:
    """Every article of one rubric is another here: the base is wrong about it, a few labels tell."""
    base, rows, labels = house()
    moved = np.where(labels == LABELS.index("Спорт"), LABELS.index("Культура"), labels)
    on = np.arange(len(labels))
    choice = from_base.choose(base, rows, moved, on, folds_of(moved.tolist(), [str(i) for i in on]))
    assert choice.strength > 0
    assert choice.accuracy >= choice.base_accuracy + from_base.GUARD
