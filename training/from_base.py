"""A house's own rubrics from a few dozen labels: what a base model says, and how the house differs from it.

The margins of the house's rubrics are those of the base's rubrics of the same names, plus a few weights over all base
margins, plus weights over the article's own tf-idf row, all drawn towards the base by an L2 penalty. That is
multinomial logistic regression with an offset, a Gaussian prior around the base's weights (Chelba & Acero 2004,
«Adaptation of maximum entropy capitalizer»). Everything is linear in the tf-idf row, so it collapses into one matrix
over the base's columns and is served like any other model. The price: words without a column there are not learnt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from threadpoolctl import threadpool_limits

from service.inference.rubric import UNTOUCHED
from training.crossfit import Learner, cross_fitted
from training.fit import Linear
from training.morphology import fold

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

# How far the house may leave the base, the least first: a weight of a word costs 1 / STRENGTH squared.
STRENGTHS = (1.0, 2.0, 4.0, 8.0)
MARGIN_SCALE = 0.5  # how freely the base's margins are mixed anew, against the offset's 1
ITERATIONS = 200
JITTER = 1e-6  # near-duplicates make K singular
GUARD = 0.02  # of accuracy
UNKNOWN = -12.0  # log-odds
# The served probabilities are sigmoids, normalised. So far down its tail a sigmoid is an exponential, which makes them
# the softmax that was fitted: at -30 the two differ by less than the last bit of a score.
TAIL = -30.0


@dataclass(frozen=True)
class Base:
    """Log-odds of the base's rubrics as a linear model, and which of them the house calls by the same name."""

    log_odds: Linear
    same: Doubles  # (base rubrics, house rubrics), 1 where the names are equal

    @classmethod
    def of(cls, part: Mapping[str, Any], rubrics: Sequence[str]) -> "Base":
        """`part` is the base's rubric part; `rubrics` are the house's labels."""
        slope, offset = np.asarray(part["slope"], np.float32), np.asarray(part["offset"], np.float32)
        weights = np.asarray(part["weights"]).astype(np.float32) * slope
        own = [fold(label) for label in rubrics]
        same = np.array([[float(fold(label) == name) for name in own] for label in part["labels"]])
        bias = np.asarray(part["bias"], np.float32) * slope + offset
        return cls(Linear(weights, bias), same.reshape(len(part["labels"]), len(own)))

    def alone(self) -> Linear:
        """The base with the house's rubrics only; those that it doesn't know by name are hardly ever answered."""
        unknown = np.where(self.same.any(axis=0), 0.0, UNKNOWN)
        weights = self.log_odds.weights @ self.same.astype(np.float32)
        return Linear(weights, (self.log_odds.bias @ self.same + unknown).astype(np.float32))

    def answers(self, rows: sparse.csr_array) -> Longs:
        """The house's rubric that the base alone would answer, -1 where the likeliest is none of the house's."""
        best = self.log_odds.margins(rows).argmax(axis=1)
        house = self.same.argmax(axis=1)
        return np.where(self.same.sum(axis=1)[best] > 0, house[best], -1)


def fit(base: Base, rows: sparse.csr_array, labels: Longs, strength: float) -> Linear:
    """Margins whose softmax are the probabilities of the house's rubrics. A second for 1,000 articles.

    There are a hundred times more weights than articles, so it is solved for the articles: with Z the weighted columns
    and K = ZZ' = LL', the weights that the penalty allows are Z'a, and their cost is that of L'a.
    """
    said = base.log_odds.margins(rows).astype(np.float64)
    offset = said @ base.same
    gram = MARGIN_SCALE**2 * (said @ said.T) + 1  # 1: the bias is a column of ones
    wide = rows.astype(np.float64)  # products in float32 can make K indefinite
    gram += strength**2 * (wide @ wide.T).toarray()
    lower = np.linalg.cholesky(gram + JITTER * np.eye(len(labels)))
    truth = np.eye(base.same.shape[1])[labels]

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        unknown = flat.reshape(truth.shape)
        margins = offset + lower @ unknown
        gradient = lower.T @ (softmax(margins, axis=1) - truth) + unknown
        return 0.5 * float(flat @ flat) - float((log_softmax(margins, axis=1) * truth).sum()), gradient.ravel()

    with threadpool_limits(1):  # hundreds of small products: two threads take ten times the CPU of one
        start = np.zeros(truth.size)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    by_article = solve_triangular(lower.T, found.x.reshape(truth.shape))
    mixing = base.same + MARGIN_SCALE**2 * (said.T @ by_article)
    weights = base.log_odds.weights @ mixing.astype(np.float32)
    weights += (strength**2 * (rows.T @ by_article)).astype(np.float32)
    return Linear(weights, (base.log_odds.bias @ mixing + by_article.sum(axis=0)).astype(np.float32))


@dataclass(frozen=True)
class Choice:
    """How far to leave the base, 0 for not at all, and what that rests on; `margins` of `on`, not seen in fitting."""

    strength: float
    margins: npt.NDArray[np.float32]
    accuracy: float
    base_accuracy: float


def choose(base: Base, rows: sparse.csr_array, labels: Longs, on: Longs, folds: Longs) -> Choice:
    """The strength of the least cross-validated log loss, kept only if it beats the base by GUARD on the same labels.

    Without the guard ten labels can ruin a good model.
    """
    by_base = base.alone().margins(rows[on])
    truth = labels[on]
    tried = {
        strength: cross_fitted(lambda part, s=strength: fit(base, rows[part], labels[part], s), rows, on, folds)  # type: ignore[misc]
        for strength in STRENGTHS
    }
    losses = {s: -float(log_softmax(m, axis=1)[np.arange(len(on)), truth].mean()) for s, m in tried.items()}
    best = min(losses, key=losses.__getitem__)
    own = float((tried[best].argmax(axis=1) == truth).mean())
    alone = float((by_base.argmax(axis=1) == truth).mean())
    if own < alone + GUARD:
        return Choice(0.0, by_base, alone, alone)
    return Choice(best, tried[best], own, alone)


def learner(base: Base, rows: sparse.csr_array, labels: Longs, strength: float) -> Learner:
    """What `choose` chose, to be fitted on any rows."""
    return lambda on: fit(base, rows[on], labels[on], strength) if strength else base.alone()


def part_of(linear: Linear, ids: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """The rubric part of an artifact; its probabilities are the softmax of the margins."""
    classes = len(labels)
    return {
        "ids": list(ids),
        "labels": list(labels),
        "weights": linear.weights.astype(np.float16),
        "bias": linear.bias,
        "slope": np.ones(classes, np.float32),
        "offset": np.full(classes, TAIL, np.float32),
        "sharpness": 1.0,
        "top": list(UNTOUCHED),
    }
