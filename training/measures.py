"""Measures that scikit-learn has not, and intervals for all: arrays in, plain numbers out, the same on every run."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

from training.evaluation import Bin, CurvePoint, Interval

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS = 15
RESAMPLES = 1000
FLOOR_DRAWS = 200
ENOUGH_ROWS = 30  # the F1 of a rarer label is mostly chance
ONE_SIDED, TWO_SIDED = 1.6449, 1.96  # 95 % of a normal distribution
CURVE_POINTS = 250  # as many as a page can show


def calibration_error(scores: Floats, right: Flags) -> float:
    """Mean distance between score and share of right answers, over equal-width bins weighted by their articles."""
    return float(_calibration_errors(scores, right[None, :])[0])


def calibration_floor(scores: Floats) -> float:
    """The mean error that a perfectly calibrated model would show on these scores: few articles are never even."""
    draws = np.random.default_rng(0).random((FLOOR_DRAWS, len(scores)))
    return float(_calibration_errors(scores, draws < scores).mean())


def _calibration_errors(scores: Floats, right: Flags) -> Floats:
    """One error for each row of `right`."""
    order = np.argsort(_bins(scores), kind="stable")
    starts = np.unique(_bins(scores)[order], return_index=True)[1]
    expected = np.add.reduceat(scores[order], starts)
    observed = np.add.reduceat(right[:, order].astype(np.float64), starts, axis=1)
    errors: Floats = np.abs(observed - expected).sum(axis=1) / len(scores)
    return errors


def _bins(scores: Floats) -> Ints:
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def reliability(scores: Floats, right: Flags) -> tuple[Bin, ...]:
    """The bins that have articles, lowest first."""
    bins = _bins(scores)
    return tuple(
        Bin(b / BINS, (b + 1) / BINS, int(inside.sum()), float(scores[inside].mean()), float(right[inside].mean()))
        for b in range(BINS)
        if (inside := bins == b).any()
    )


def coverage_curve(scores: Floats, right: Flags) -> list[CurvePoint]:
    """Precision at every coverage that a threshold gives, surest first: articles of one score are answered together."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    precision = np.cumsum(right[order]) / np.arange(1, len(scores) + 1)
    last_of_score = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return [CurvePoint((i + 1) / len(scores), float(precision[i]), float(ranked[i])) for i in last_of_score.tolist()]


def widest(curve: Sequence[CurvePoint], precision: float) -> CurvePoint | None:
    """The point of largest coverage that keeps the precision."""
    return next((point for point in reversed(curve) if point.precision >= precision), None)


def thinned(curve: Sequence[CurvePoint], keep: Sequence[CurvePoint | None]) -> tuple[CurvePoint, ...]:
    """Points evenly over the coverage, the first 20, the last and those to keep: the beginning is where it jumps."""
    step = max(1, len(curve) // CURVE_POINTS)
    kept = {point.coverage: point for point in [*curve[:20], *curve[::step], *curve[-1:], *keep] if point}
    return tuple(kept[coverage] for coverage in sorted(kept))


def enough_rows(support: Ints) -> tuple[Ints, str]:
    """The labels that macro-F1 is taken over, and how to call them."""
    often = np.flatnonzero(support >= ENOUGH_ROWS)
    if len(often) >= 2:
        return often, f"labels with at least {ENOUGH_ROWS} articles"
    return np.flatnonzero(support > 0), f"labels: all, as fewer than two have {ENOUGH_ROWS} articles"


def f1(hits: npt.NDArray[np.number], predicted: npt.NDArray[np.number], support: npt.NDArray[np.number]) -> Floats:
    """2TP / (predicted + true), 0 where a label was neither predicted nor true."""
    total = (predicted + support).astype(np.float64)
    scores: Floats = np.divide(2.0 * hits, total, out=np.zeros_like(total), where=total > 0)
    return scores


def micro_f1(hits: Ints, predicted: Ints, support: Ints) -> float:
    """From the counts of each article."""
    return float(f1(hits.sum(keepdims=True), predicted.sum(keepdims=True), support.sum(keepdims=True))[0])


def resample(columns: Ints) -> tuple[Ints, Ints]:
    """Distinct articles (columns, m) and how often each is drawn in every resample (RESAMPLES, m).

    Articles that look alike are drawn together: resampling rows is a multinomial draw over their distinct patterns,
    which turns 1,000 passes over the articles into one product of matrices.
    """
    patterns, counts = np.unique(columns, axis=1, return_counts=True)
    n = int(counts.sum())
    return patterns, np.random.default_rng(0).multinomial(n, counts / n, size=RESAMPLES)


def resampled_accuracy_and_f1(truth: Ints, predictions: Sequence[Ints], labels: Ints) -> list[tuple[Floats, Floats]]:
    """Accuracy and macro-F1 over `labels` in each resample, by system; all share the resamples, so pairs subtract."""
    patterns, draws = resample(np.stack([truth, *predictions]))
    total = draws.sum(axis=1)
    true = patterns[0][:, None] == labels
    support = draws @ true
    found = []
    for answer in patterns[1:]:
        predicted = answer[:, None] == labels
        scores = f1(draws @ (true & predicted), draws @ predicted, support)
        drawn = np.maximum((support > 0).sum(axis=1), 1)
        macro = np.where(support > 0, scores, 0.0).sum(axis=1) / drawn
        found.append((draws @ (answer == patterns[0]) / total, macro))
    return found


def resampled_micro_f1(hits: Ints, predicted: Ints, support: Ints) -> Floats:
    """Micro-F1 in each resample, from the counts of each article."""
    patterns, draws = resample(np.stack([hits, predicted, support]))
    totals = draws @ patterns.T
    return f1(totals[:, 0], totals[:, 1], totals[:, 2])


def wilson(right: int, of: int, z: float = TWO_SIDED) -> Interval | None:
    """95 % of a share (Wilson 1927), which stays honest where few or all are right; None of nothing.

    scipy's binomtest takes 255 µs where this takes 3, as it tests too; thresholds ask at every score there is.
    """
    if not of:
        return None
    share, square = right / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z * sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def interval(draws: Floats) -> Interval:
    low, high = np.percentile(draws, [2.5, 97.5]).tolist()
    return low, high


def precision_at(hits: Sequence[bool], k: int) -> float:
    """Of the first k places of a ranking, those with a right label; an empty place is a wrong one."""
    return sum(hits[:k]) / k


def ndcg_at(hits: Sequence[bool], relevant: int, k: int) -> float:
    """scikit-learn's wants a score for each of 2,000 labels, and shares gain among those that were not ranked."""
    gains = [1 / float(np.log2(place + 2)) for place in range(k)]
    ideal = sum(gains[: min(relevant, k)])
    return sum(gain for gain, hit in zip(gains, hits, strict=False) if hit) / ideal if ideal else 0.0
