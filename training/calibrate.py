"""Margins -> probabilities, probabilities -> thresholds, on articles that the weights behind them have not seen."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from service.inference.rubric import DIGITS, UNTOUCHED, log_share_and_rest

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
NEVER = 2.0  # a threshold that no probability reaches
# Time multiplies errors, so a threshold aims at this share fewer of them. On fontanka's 2022, 12 ways of past and later
# months, what was aimed at .90 (so .915) was .917 right, at .95 (.9575) .944; without the margin .942.
SAFETY = 0.15
LATEST = 2000  # articles of an outlet to calibrate on: a month of a middling newsroom
# Served after a refit, scores claim more than is right: on fontanka's 2022, in 12 ways of past and later months, by
# .006 - .72 * (accuracy then - accuracy here). Whether accuracy rises or falls nobody knows, the .006 is taken off.
CAUTION = 0.006
FEWEST_RIGHT = 10  # right answers before a threshold is chosen by them
SHARPNESS = (0.5, 3.0)  # no exponent outside
FEWEST = 50  # articles above a threshold before its precision is believed


def latest(rows: Longs, days: Longs, outlets: Sequence[str]) -> tuple[Longs, Longs]:
    """Of each outlet the LATEST newest rows to calibrate on, and those before them that the weights may not see.

    How often a model is right changes by some two points from month to month, and the latest month tells most of the
    next. It also falls with the age of the weights, on fontanka's 2022 by .007 a month: so the weights that answer end
    where the distance to those articles is, on average, the one to the articles of a period as long as validation.
    On 2022, calibrated on past months and tested on later ones, claimed and true accuracy were .015 apart (root mean
    square) in this way, .022 on the last quarter; where every model learnt from equally many months, .010 and .027.
    `days` are ordinals, all 0 where the split is not by time: then all rows, and none.
    """
    if not days.any():
        return rows, rows[:0]
    newest = np.argsort(-days, kind="stable")
    names = np.asarray(outlets)[newest]
    judged, between = [], []
    for name in np.unique(names):
        of_one = rows[newest[names == name]]
        judged.append(of_one[:LATEST])
        between.append(of_one[LATEST : (LATEST + len(of_one)) // 2])
    return np.sort(np.concatenate(judged)), np.sort(np.concatenate(between))


def platt(margins: npt.NDArray[np.float32], labels: npt.NDArray[np.integer]) -> tuple[Doubles, Doubles]:
    """Slope and offset of a sigmoid a class (Platt 1999, with his smoothed targets: few articles, no certainty).

    Each lies halfway between the class's own and one of all classes together, whose decisions are the margins': an own
    sigmoid follows a rubric that grows or shrinks, and also learns what the month happened to bring. On fontanka's
    2022, calibrated on past months and tested on later ones, own sigmoids answered .7313 right, one for all .7348,
    halfway .7350. A class of fewer than FEWEST_RIGHT articles takes that of all: its own could even fall.
    """
    classes = margins.shape[1]
    own = np.arange(classes)[:, None] == labels
    together = _sigmoid(margins.T.ravel().astype(np.float64), own.ravel())
    if together[0] <= 0:  # a handful of articles on which the model knows nothing
        together = (1.0, 0.0)
    fitted = [
        _sigmoid(margins[:, c].astype(np.float64), own[c]) if own[c].sum() >= FEWEST_RIGHT else together
        for c in range(classes)
    ]
    slope, offset = np.array([one if one[0] > 0 else together for one in fitted]).T
    return (slope + together[0]) / 2, (offset + together[1]) / 2


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


def shares_unseen(
    margins: npt.NDArray[np.float32], labels: npt.NDArray[np.integer], raised: Doubles, folds: Longs
) -> Doubles:
    """Normalised probabilities (articles, classes) by sigmoids that were fitted on the other folds; `raised` is added
    to their offsets. Sigmoids that have seen the article claim too much, by .002 of 2,000 articles."""
    shares = np.empty(margins.shape, np.float64)
    for fold in np.unique(folds):
        judged = folds == fold
        others = ~judged if not judged.all() else judged  # a single article has no others
        slope, offset = platt(margins[others], labels[others])
        own = 1.0 / (1.0 + np.exp(-(slope * margins[judged] + offset + raised)))
        shares[judged] = own / own.sum(axis=1, keepdims=True)
    return shares


def lift(counts: npt.NDArray[np.integer], strength: float) -> Doubles:
    """What is added to each class's offset: small rubrics rise by strength * log(n of the largest / n), as Menon et al.
    (2021) adjust logits for a long tail. On fontanka's 2022, in three ways of past and later months, a strength of .25
    moved accuracy by -.0012 and macro-F1 by +.016."""
    raised: Doubles = strength * np.log(counts.max() / np.maximum(counts, 1))
    return raised


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


def sharpened(shares: Doubles, exponent: float) -> Doubles:
    """Powers of the shares (articles, classes), normalised anew."""
    powers = shares**exponent
    normalised: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return normalised


def top_curve(shares: Doubles, labels: npt.NDArray[np.integer]) -> tuple[float, float, float]:
    """The last word on how often the likeliest label is right: two slopes and an offset, as beta calibration has them
    (Kull et al. 2017), because the sigmoids are fitted to all labels and it is this score that decides.

    On fontanka's 2022, in 12 ways of past and later months, scores were off by .0105 beside their mean error, with one
    slope on the log-odds by .0145: low scores claimed too little. It claims CAUTION less than held here.
    """
    top = shares.max(axis=1)
    right = shares.argmax(axis=1) == labels
    if min(right.sum(), (~right).sum()) < FEWEST:
        return UNTOUCHED
    evidence = log_share_and_rest(top)
    model = LogisticRegression(C=1e6, max_iter=1000).fit(evidence, right)
    slopes, offset = model.coef_[0], float(model.intercept_[0])
    if (slopes < 0).any():  # one slope for both always rises, if anything does
        model = LogisticRegression(C=1e6, max_iter=1000).fit(evidence.sum(axis=1, keepdims=True), right)
        slopes, offset = np.repeat(model.coef_[0], 2), float(model.intercept_[0])
    if (slopes < 0).any():
        return UNTOUCHED
    score = 1.0 / (1.0 + np.exp(-(evidence @ slopes + offset)))
    return float(slopes[0]), float(slopes[1]), offset - CAUTION / float((score * (1.0 - score)).mean())


def aimed(precision: float) -> float:
    """What a threshold has to show on its own articles to keep a precision on later ones."""
    return min(1.0 - (1.0 - precision) * (1.0 - SAFETY), 0.999)


def threshold_for_precision(scores: Doubles, correct: npt.NDArray[np.bool_], precision: float) -> float:
    """The least score above which at least `precision` are right, with most articles above; NEVER if there is none."""
    ranked, hits, count = _by_score(scores, correct, np.ones(len(scores)))
    enough = np.flatnonzero((hits / count >= aimed(precision)) & (count >= FEWEST))
    return float(ranked[enough[-1]]) if len(enough) else NEVER


def threshold_for_f(
    scores: Doubles,
    correct: npt.NDArray[np.bool_],
    missed: float,
    default: float,
    beta: float,
    weights: Doubles | None = None,
) -> float:
    """The score that gives the best F-beta over all decisions (van Rijsbergen 1979; beta under 1 favours precision).

    `missed` are right answers that were no candidates, weighed as answers are. `default` where there is too little to
    choose by.
    """
    if len(scores) < FEWEST or correct.sum() < FEWEST_RIGHT:
        return default
    ranked, hits, count = _by_score(scores, correct, np.ones(len(scores)) if weights is None else weights)
    square = beta * beta
    f = (1 + square) * hits / (count + square * (hits[-1] + missed))
    return float(ranked[int(f.argmax())])


def _by_score(scores: Doubles, correct: npt.NDArray[np.bool_], weights: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Each score from the highest, as answers show it, with the weight of right and of all answers from it on.

    Scores are rounded as in an answer: one that is shown never contradicts its threshold, and the last bit of another
    CPU's sum decides nothing. Equal scores go together: a threshold can't part them.
    """
    shown = np.asarray(np.round(scores, DIGITS), np.float64)
    order = np.argsort(-shown, kind="stable")
    ranked = shown[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
    return ranked[last], np.cumsum((correct * weights)[order])[last], np.cumsum(weights[order])[last]
