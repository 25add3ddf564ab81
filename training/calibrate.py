"""Margins -> probabilities, probabilities -> thresholds; always on articles that the fitted model has not seen."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

Doubles = npt.NDArray[np.float64]
NEVER = 2.0  # a threshold that no probability reaches
SAFETY = 0.015  # a threshold aimed at a precision gives a point or two less a quarter later, so it is aimed higher
FEWEST = 50  # articles above a threshold before its precision is believed


def platt(margins: npt.NDArray[np.float32], labels: npt.NDArray[np.integer]) -> tuple[Doubles, Doubles]:
    """Slope and offset of a sigmoid a class (Platt 1999, with his smoothed targets: few articles, no certainty)."""
    classes = margins.shape[1]
    slope, offset = np.ones(classes), np.zeros(classes)
    for c in range(classes):
        slope[c], offset[c] = _sigmoid(margins[:, c].astype(np.float64), labels == c)
    return slope, offset


def _sigmoid(margin: Doubles, positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    yes, no = int(positive.sum()), int((~positive).sum())
    high, low = (yes + 1) / (yes + 2), 1 / (no + 2)
    # each article counts as both classes, in the shares of Platt's targets
    target = np.where(positive, high, low)
    model = LogisticRegression(C=1e6, max_iter=1000)
    twice = np.concatenate((margin, margin))[:, None]
    side = np.repeat([1, 0], len(margin))
    model.fit(twice, side, sample_weight=np.concatenate((target, 1 - target)))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def sharpness(shares: Doubles, labels: npt.NDArray[np.integer]) -> float:
    """The exponent for normalised Platt probabilities, half way (geometrically) to what fits these articles best.

    Normalising leaves them too timid (best exponent 1.12 to 1.14 on two quarters of one outlet). The full step follows
    the quarter too closely: the next quarters' calibration error was .037 with none, .031 with half, .038 with it all.
    """
    log = np.log(np.maximum(shares, 1e-12))

    def loss(exponent: float) -> float:
        return float(np.mean(logsumexp(log * exponent, axis=1) - exponent * log[np.arange(len(labels)), labels]))

    return float(np.sqrt(minimize_scalar(loss, bounds=(0.5, 3.0), method="bounded").x))


def threshold_for_precision(
    scores: npt.NDArray[np.floating], correct: npt.NDArray[np.bool_], precision: float
) -> float:
    """The least score above which at least `precision` are right, with most articles above; NEVER if there is none."""
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero((right >= min(precision + SAFETY, 0.999)) & (np.arange(len(order)) >= FEWEST - 1))
    return float(scores[order[enough[-1]]]) if len(enough) else NEVER


def threshold_for_f(scores: Doubles, correct: npt.NDArray[np.bool_], missed: int, default: float, beta: float) -> float:
    """The score that gives the best F-beta over all decisions (van Rijsbergen 1979; beta under 1 favours precision).

    `missed` are right answers that were no candidates.
    """
    if not correct.any():
        return default
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(correct[order])
    weight = beta * beta
    f = (1 + weight) * hits / (np.arange(1, len(order) + 1) + weight * (hits[-1] + missed))
    return float(scores[order[int(f.argmax())]])


def fit_ranker(evidence: Doubles, correct: npt.NDArray[np.bool_], default: Doubles) -> Doubles:
    """Weights of the tag ranker; `default` where there are too few examples of either kind to learn from."""
    if min(int(correct.sum()), int((~correct).sum())) < FEWEST:
        return default
    model = LogisticRegression(C=1.0, max_iter=2000, fit_intercept=False)
    model.fit(evidence, correct)
    return np.asarray(model.coef_[0], np.float64)
