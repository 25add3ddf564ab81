"""Systems side by side on the same articles: their measures, and how far each is from the one to beat."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from msgspec import Struct
from sklearn.metrics import f1_score

from training import measures
from training.evaluation import Interval

NO_ANSWER = -1
T = TypeVar("T")


class Figure(Struct, frozen=True):
    """A measure with its interval, and its difference to the reference; both intervals are 95 %, of 1,000 resamples.

    Two overlapping intervals say little; the difference is measured on the very same resamples, so it says more.
    """

    value: float
    interval: Interval
    difference: float
    difference_interval: Interval

    @property
    def verdict(self) -> str:
        """`better` or `worse` only when the interval of the difference leaves out zero."""
        low, high = self.difference_interval
        return "better" if low > 0 else "worse" if high < 0 else "even"


class System(Struct, frozen=True):
    name: str
    accuracy: Figure
    macro_f1: Figure
    calibration_error: float | None = None
    calibration_floor: float | None = None  # what a perfectly calibrated system would show on its own scores
    coverage_at_95: float | None = None


class Comparison(Struct, frozen=True):
    """`systems` stand in the order given; the two that the others are compared with are called by their names."""

    n: int
    to_beat: str  # in accuracy
    to_beat_in_f1: str
    macro_f1_labels: int
    macro_f1_over: str
    systems: tuple[System, ...]

    def system(self, name: str) -> System:
        return next(system for system in self.systems if system.name == name)


def compare(
    truth: Sequence[str],
    predictions: Mapping[str, Sequence[str | None]],
    *,
    peers: Sequence[str],
    scores: Mapping[str, Sequence[float]] | None = None,
) -> Comparison:
    """Each system's label for each article; None is no answer, and wrong.

    On each measure the one to beat is the best of `peers`, the first of equals. `scores` are the probabilities of those
    labels, for the systems that have any.
    """
    number = {label: i for i, label in enumerate(sorted(set(truth)))}
    true = np.array([number[label] for label in truth])
    # an answer that is nobody's label is as wrong as none
    answers = {
        name: np.array([number.get(label or "", NO_ANSWER) for label in _as_long(name, given, truth)])
        for name, given in predictions.items()
    }
    labels, over = measures.enough_rows(np.bincount(true))
    draws = dict(zip(answers, measures.resampled_accuracy_and_f1(true, list(answers.values()), labels), strict=True))

    accuracy = {name: float((answer == true).mean()) for name, answer in answers.items()}
    macro = {
        name: float(f1_score(true, answer, labels=labels, average="macro", zero_division=0))
        for name, answer in answers.items()
    }
    bases = (max(peers, key=accuracy.__getitem__), max(peers, key=macro.__getitem__))

    def figure(name: str, column: int) -> Figure:
        values, base = (accuracy, macro)[column], bases[column]
        own, other = draws[name][column], draws[base][column]
        return Figure(values[name], measures.interval(own), values[name] - values[base], measures.interval(own - other))

    systems = []
    for name, answer in answers.items():
        error = floor = coverage = None
        if scores is not None and name in scores:
            sure = np.asarray(_as_long(name, scores[name], truth), dtype=np.float64)
            error = measures.calibration_error(sure, answer == true)
            floor = measures.calibration_floor(sure)
            point = measures.widest(measures.coverage_curve(sure, answer == true), 0.95)
            coverage = point.coverage if point else 0.0
        systems.append(System(name, figure(name, 0), figure(name, 1), error, floor, coverage))
    return Comparison(len(truth), *bases, len(labels), over, tuple(systems))


def _as_long(name: str, given: Sequence[T], truth: Sequence[str]) -> Sequence[T]:
    if len(given) != len(truth):
        raise ValueError(f"{name} answers {len(given)} articles, there are {len(truth)}")
    return given
