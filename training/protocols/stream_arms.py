"""One outlet day by day: what each way of learning from its editors would have answered, article by article."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from service.inference import refit
from service.inference.calibration import Calibration, Recalibrated
from service.inference.features import Matrix
from service.inference.rubric import RubricHead
from service.settings import Settings
from training.calibrate import LATEST, lift, platt
from training.config import Config
from training.fit import as_large, fit_rubric
from training.heads import FEWEST_TO_CALIBRATE

Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]

CALIBRATE_AFTER = Settings().calibrate_after  # corrections
WEEK = 7  # days
DAYS_LEARNT = 457  # 15 months


@dataclass(frozen=True)
class Stream:
    """`part` is the rubric head of a model that was trained on `known`; `order` are the articles after it, day by day.
    `rows` and `labels` (-1: a rubric that the model has not) are of all articles."""

    rows: sparse.csr_array
    labels: Longs
    days: Longs  # ordinals
    known: Longs
    order: Longs
    part: dict[str, Any]

    def head(self) -> RubricHead:
        return RubricHead(self.part)

    def matrix(self, rows: Longs) -> Matrix:
        part = self.rows[rows]
        return Matrix(part.indptr.astype(np.int64), part.indices.astype(np.int32), part.data, part.shape[1])

    def shares(self) -> Doubles:
        """Of the model as it is, for each article of the stream."""
        head = self.head()
        return head.probabilities(head.margins(self.matrix(self.order)))

    def periods(self, length: int) -> Iterator[Flags]:
        """The articles of the stream in stretches of so many days."""
        day = self.days[self.order]
        for start in range(int(day[0]), int(day[-1]) + 1, length):
            yield (day >= start) & (day < start + length)


def static(stream: Stream) -> Longs:
    return np.asarray(stream.shares().argmax(axis=1), np.int64)


def calibrated(stream: Stream, corrected: Flags) -> Longs:
    """`corrected`: of the stream, those articles whose rubric an editor decides, in the evening of their day. The
    service's own fit, as often as the service makes it."""
    shares, truth, head = stream.shares(), stream.labels[stream.order], stream.head()
    answers = np.asarray(shares.argmax(axis=1), np.int64)
    usable = corrected & (truth >= 0)
    seen, at_last, fitted = np.zeros(len(truth), np.bool_), 0, None
    for today in stream.periods(1):
        if fitted is not None:
            answers[today] = [int(np.argmax(fitted.shares(one))) for one in shares[today].tolist()]
        seen |= today & usable
        past = np.flatnonzero(seen)
        if len(past) - at_last >= CALIBRATE_AFTER:
            at_last, past = len(past), past[-refit.LATEST :]
            fitted = Recalibrated(_calibration(head, shares[past], truth[past]), head)
    return answers


def _calibration(head: RubricHead, shares: Doubles, labels: Longs) -> Calibration:
    matrix, offset = refit.matrix_of(shares, labels)
    return Calibration("", tuple(head.ids), tuple(map(tuple, matrix.tolist())), tuple(offset.tolist()), (), 0, 0)


def retrained(stream: Stream, corrected: Flags, config: Config) -> Longs:
    """Weights fitted anew each week on the latest DAYS_LEARNT days, probabilities on the margins that were served
    of the LATEST corrected articles; the words that are features stay those of the first model."""
    part, truth, day = stream.part, stream.labels[stream.order], stream.days[stream.order]
    classes = len(part["ids"])
    weights, bias = np.asarray(part["weights"], np.float32), part["bias"]
    slope, offset = part["slope"], part["offset"]
    served, answers = np.empty((len(truth), classes), np.float32), np.zeros(len(truth), np.int64)
    usable, seen = corrected & (truth >= 0), np.zeros(len(truth), np.bool_)
    for week in stream.periods(WEEK):
        served[week] = stream.rows[stream.order[week]] @ weights + bias
        answers[week] = (1 / (1 + np.exp(-(slope * served[week] + offset)))).argmax(axis=1)
        seen |= week & usable
        past = np.flatnonzero(seen)
        if not week.any() or not len(past):
            continue
        pool = np.concatenate((stream.known[stream.labels[stream.known] >= 0], stream.order[past]))
        pool = pool[stream.days[pool] > int(day[week].max()) - DAYS_LEARNT]
        labels = stream.labels[pool]
        strength = as_large(config.rubric.C, len(pool), len(stream.known))
        fitted = fit_rubric(
            stream.rows[pool], labels, classes, np.ones(len(pool), np.float32), strength,
            config.rubric.class_weight_power, config.model.seed,
        )  # fmt: skip
        weights, bias = fitted.weights, fitted.bias
        if len(past) >= FEWEST_TO_CALIBRATE:
            latest = past[-LATEST:]
            slope, offset = platt(served[latest], truth[latest])
            offset = offset + lift(np.bincount(labels, minlength=classes), config.rubric.lift)
    return answers
