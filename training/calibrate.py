"""Margins -> probabilities, probabilities -> thresholds, on articles that the weights behind them have not seen."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from service.inference.decisions import DIGITS
from service.inference.rubric import log_odds

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
NEVER = 2.0  # a threshold that no probability reaches
SAFETY = 0.015  # a threshold aimed at a precision gives a point or two less a quarter later, so it is aimed higher
FEWEST_OF_A_CLASS = 10  # validation articles of a label before it gets a curve of its own
SHARPNESS = (0.5, 3.0)  # no exponent outside
FEWEST = 50  # articles above a threshold before its precision is believed


def platt(margins: npt.NDArray[np.float32], labels: npt.NDArray[np.integer]) -> tuple[Doubles, Doubles]:
    """Slope and offset of a sigmoid a class (Platt 1999, with his smoothed targets: few articles, no certainty).

    A class of fewer than FEWEST_OF_A_CLASS articles takes those of all classes together: its own could even fall.
    """
    classes = margins.shape[1]
    own = np.arange(classes)[:, None] == labels
    together = _sigmoid(margins.T.ravel().astype(np.float64), own.ravel())
    fitted = [
        _sigmoid(margins[:, c].astype(np.float64), own[c]) if own[c].sum() >= FEWEST_OF_A_CLASS else together
        for c in range(classes)
    ]
    if together[0] <= 0:  # a handful of articles on which the model knows nothing
        together = (1.0, 0.0)
    slope, offset = np.array([one if one[0] > 0 else together for one in fitted]).T
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
    """The exponent with which normalised Platt probabilities claim for the likeliest label what holds on average.

    Normalising leaves them too timid (the exponent is some 1.1), because labels other than the right one share what
    each sigmoid leaves.
    """
    log = np.log(np.maximum(shares, 1e-12))
    right = float((shares.argmax(axis=1) == labels).mean())

    def claimed_too_much(exponent: float) -> float:
        return float(
            np.exp(log * exponent - logsumexp(log * exponent, axis=1, keepdims=True)).max(axis=1).mean() - right
        )

    low, high = SHARPNESS
    if claimed_too_much(low) >= 0:
        return low
    return high if claimed_too_much(high) <= 0 else float(brentq(claimed_too_much, low, high))


def top_curve(shares: Doubles, labels: npt.NDArray[np.integer]) -> tuple[float, float]:
    """Slope and offset on the log-odds of the likeliest label: the last word on how often it is right.

    Curves of single labels add up their errors there, and it is the score that decides. On fontanka's 2022, calibrated
    on past months and tested on later ones in 18 ways, the calibration error above its floor fell from .010 to .0045.
    """
    top = shares.max(axis=1)
    right = shares.argmax(axis=1) == labels
    if min(right.sum(), (~right).sum()) < FEWEST:
        return 1.0, 0.0
    model = LogisticRegression(C=1e6, max_iter=1000).fit(log_odds(top)[:, None], right)
    slope = float(model.coef_[0, 0])
    return (slope, float(model.intercept_[0])) if slope > 0 else (1.0, 0.0)


def threshold_for_precision(scores: Doubles, correct: npt.NDArray[np.bool_], precision: float) -> float:
    """The least score above which at least `precision` are right, with most articles above; NEVER if there is none."""
    ranked, hits, count = _by_score(scores, correct)
    enough = np.flatnonzero((hits / count >= min(precision + SAFETY, 0.999)) & (count >= FEWEST))
    return float(ranked[enough[-1]]) if len(enough) else NEVER


def threshold_for_f(scores: Doubles, correct: npt.NDArray[np.bool_], missed: int, default: float, beta: float) -> float:
    """The score that gives the best F-beta over all decisions (van Rijsbergen 1979; beta under 1 favours precision).

    `missed` are right answers that were no candidates. `default` where there is too little to choose by.
    """
    if len(scores) < FEWEST or correct.sum() < FEWEST_OF_A_CLASS:
        return default
    ranked, hits, count = _by_score(scores, correct)
    weight = beta * beta
    f = (1 + weight) * hits / (count + weight * (hits[-1] + missed))
    return float(ranked[int(f.argmax())])


def _by_score(scores: Doubles, correct: npt.NDArray[np.bool_]) -> tuple[Doubles, Longs, Longs]:
    """Each score from the highest, as answers show it, with the right and all answers of at least that score.

    Scores are rounded as in an answer: one that is shown never contradicts its threshold, and the last bit of another
    CPU's sum decides nothing. Equal scores go together: a threshold can't part them.
    """
    shown = np.asarray(np.round(scores, DIGITS), np.float64)
    order = np.argsort(-shown, kind="stable")
    ranked = shown[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    hits = np.asarray(np.cumsum(correct[order])[last], np.int64)
    return ranked[last], hits, last + 1


def fit_ranker(evidence: Doubles, correct: npt.NDArray[np.bool_], default: Doubles) -> Doubles:
    """Weights of the tag ranker; `default` where there are too few examples of either kind to learn from."""
    if min(int(correct.sum()), int((~correct).sum())) < FEWEST:
        return default
    model = LogisticRegression(C=1.0, max_iter=2000, fit_intercept=False)
    model.fit(evidence, correct)
    return np.asarray(model.coef_[0], np.float64)
