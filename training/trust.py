"""Which rubrics may be published unseen: a threshold for each, by what is known of its precision, not hoped.

A rubric gets the least score above which its precision is at least the one asked for with 95 % confidence: the lower
bound of Wilson's interval (1927), one-sided. As precision falls with time, a little more is asked for (`aimed`). So 30
articles that are all right carry 0.90, and 29 carry nothing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference.rubric import DIGITS
from training.calibrate import NEVER, aimed
from training.measures import ONE_SIDED, wilson

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Judged(NamedTuple):
    """Articles that the model has not seen: their rows, probabilities (rows, rubrics), the editors' labels."""

    rows: Longs
    probabilities: Doubles
    truth: Longs

    def top(self) -> tuple[Longs, Doubles, Flags]:
        """The likeliest rubric of each, its score as an answer shows it, and whether it is the editors'."""
        if not self.probabilities.size:  # an archive without rubrics
            nothing = np.zeros(0, np.int64)
            return nothing, nothing.astype(np.float64), nothing.astype(np.bool_)
        best = self.probabilities.argmax(axis=1)
        scores = np.round(self.probabilities.max(axis=1), DIGITS)
        return best, scores, best == self.truth

    def part(self, chosen: Flags) -> "Judged":
        return Judged(self.rows[chosen], self.probabilities[chosen], self.truth[chosen])


def thresholds(judged: Judged, precision: float) -> list[float]:
    """For each rubric the score from which it may go out unseen, NEVER where the evidence doesn't carry it."""
    best, scores, right = judged.top()
    aim = aimed(precision)
    return [least_score(scores[best == c], right[best == c], aim) for c in range(judged.probabilities.shape[1])]


def least_score(scores: Doubles, right: Flags, precision: float) -> float:
    """The least score above which at least `precision` are right with 95 % confidence, NEVER if there is none."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    for i in range(len(ranked) - 1, -1, -1):  # the widest first; equal scores can't be parted
        if (i + 1 == len(ranked) or ranked[i + 1] < ranked[i]) and _surely(int(hits[i]), i + 1)[0] >= precision:
            return float(ranked[i])
    return NEVER


def unseen(judged: Judged, allowed: list[float]) -> Flags:
    """Which of the articles would be published unseen."""
    best, scores, _ = judged.top()
    return np.asarray(scores >= np.array(allowed)[best], np.bool_)


def refuted(right: int, count: int, precision: float) -> bool:
    """Whether later articles say that the precision is not kept: even the upper bound is below it."""
    return _surely(right, count)[1] < precision


def _surely(right: int, count: int) -> tuple[float, float]:
    """Between what the share is, each bound with 95 % confidence; anything where nothing was counted."""
    return wilson(right, count, ONE_SIDED) or (0.0, 1.0)
