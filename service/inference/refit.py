"""What editors decided -> a calibration of the rubrics, and rubrics that the model does not know. Plain arrays, on
articles that the model has not learnt from."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from service.inference.calibration import LEAST_SHARE, Calibration, NewRubric
from service.inference.features import Floats, Matrix
from service.inference.labels import named, slug
from service.inference.rubric import RubricHead

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Chosen on fontanka's June to December 2022, with a model of the months before whose accuracy was .709. What a fit
# after every 400 corrections added to that: with a strength of 10 .0150, 30 .0151, 100 .0134, 300 .0109; with the
# latest 4,000 articles .0132, 8,000 .0144, all 13,000 .0151. With the diagonal and the offset alone, two numbers a
# rubric as Platt has them, weekly: .0088; with the offset alone .0049, with Platt's sigmoids of the margins .0028, with
# the labels' counts as a prior it lost .016. The calibration error fell from .019 to .010. Fitted after every 200 it
# added .0154, after every 100 .0158.
STRENGTH = 30.0  # of the pull towards the model's own, in articles: with few of them it stays as it is
LATEST = 20_000  # articles
FEWEST = 100  # articles; with fewer nothing is changed
FEWEST_EXAMPLES = 3  # of a new rubric
MOST_NEW = 50  # the most frequent; each takes a column of the model's weights, and as much as 1 MB of the store
ENOUGH_TO_LEARN = 50  # of one: from here on a training knows it better
NEGATIVES = 0.995  # of the other articles are below a new rubric's threshold; .99 and .998 were as good, or worse
STEEPNESS = 5 / 3  # log-odds a standard deviation of the others' margins
STEPS, STILL = 500, 1e-5


def matrix_of(shares: Doubles, labels: Longs) -> tuple[Doubles, Doubles]:
    """Dirichlet calibration by the most likely (classes, classes) and (classes) under a normal prior round the
    identity. `shares` are the model's (articles, classes), `labels` columns of them.

    Newton's steps with a bound in place of the Hessian (Böhning 1992), which is the same at every step and for every
    class, and Nesterov's momentum: 0.3 s for 4,000 articles and 15 rubrics, and nothing but numpy.
    """
    count, classes = shares.shape
    inputs = np.hstack((np.log(np.maximum(shares, LEAST_SHARE)), np.ones((count, 1))))
    own = np.vstack((np.eye(classes), np.zeros((1, classes))))
    truth = np.zeros((count, classes))
    truth[np.arange(count), labels] = 1.0
    bound = np.linalg.inv(inputs.T @ inputs / 2 + STRENGTH * np.eye(classes + 1))
    fitted = ahead = own
    momentum = 1.0
    for _ in range(STEPS):
        scaled = inputs @ ahead
        likely = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        step = bound @ (inputs.T @ (likely - truth) + STRENGTH * (ahead - own))
        new = ahead - step
        if (step * (new - fitted)).sum() > 0:  # it went too far: without a run-up again (O'Donoghue & Candès 2015)
            momentum, ahead = 1.0, new
        else:
            before, momentum = momentum, (1 + np.sqrt(1 + 4 * momentum * momentum)) / 2
            ahead = new + (before - 1) / momentum * (new - fitted)
        fitted = new
        if np.abs(step).max() < STILL:
            break
    return fitted[:-1], fitted[-1]


def new_rubric(id_: str, label: str, rows: Matrix, its: Flags) -> NewRubric:
    """By the difference of the means of its articles and of all others."""
    others = ~its
    weights = (_mean(rows, its) - _mean(rows, others)).astype(np.float16)
    columns = np.flatnonzero(weights)
    margins = _margins(rows, weights)[others]
    return NewRubric(
        id_,
        label,
        columns.astype("<i4").tobytes(),
        weights[columns].astype("<f2").tobytes(),
        -float(np.quantile(margins, NEGATIVES)),
        STEEPNESS / max(float(margins.std()), 1e-6),
        int(its.sum()),
    )


def calibration(
    model: str, head: RubricHead, rows: Matrix, labels: Sequence[str], until: int, keys: Sequence[bytes] = ()
) -> Calibration | None:
    """From articles as the rubric head sees them, the oldest first, and what their editors called them. None where they
    are too few to say anything. A second of CPU, or two."""
    numbers = {named(label): number for number, label in enumerate(head.labels)}
    truth = np.array([numbers.get(named(label), -1) for label in labels], np.int64)
    known = truth >= 0
    if len(labels) < FEWEST:
        return None
    matrix, offset = np.eye(len(head.ids)), np.zeros(len(head.ids))
    if known.sum() >= FEWEST:
        matrix, offset = matrix_of(head.probabilities(head.margins(rows))[known], truth[known])
    names: dict[str, str] = {}
    for label, is_known in zip(labels, known.tolist(), strict=True):
        if not is_known:
            names[named(label)] = label  # as it was written last
    ids = set(head.ids)
    new = []
    keys_of = np.array([named(label) for label in labels])
    counts = Counter(keys_of[~known].tolist())
    frequent = sorted((key for key in names if counts[key] >= FEWEST_EXAMPLES), key=lambda key: (-counts[key], key))
    for key in sorted(frequent[:MOST_NEW]):
        label, its = names[key], keys_of == key
        if its.all():
            continue  # there is nothing to tell it from
        new.append(new_rubric(_new_id(label, ids), label, rows, its))
        ids.add(new[-1].id)
    if known.sum() < FEWEST and not new:
        return None
    return Calibration(
        model,
        tuple(head.ids),
        tuple(map(tuple, matrix.tolist())),
        tuple(offset.tolist()),
        tuple(new),
        len(labels),
        until,
        tuple(keys),
    )


def _new_id(label: str, taken: set[str]) -> str:
    base = slug(label)[:60].strip("-") or "rubric"
    number, id_ = 1, base
    while id_ in taken:
        number += 1
        id_ = f"{base}-{number}"
    return id_


def _mean(rows: Matrix, of: Flags) -> Doubles:
    chosen = np.repeat(of, np.diff(rows.start))
    sums = np.bincount(rows.columns[chosen], weights=rows.values[chosen], minlength=rows.width)
    return sums / max(1, int(of.sum()))


def _margins(rows: Matrix, weights: npt.NDArray[np.float16]) -> Floats:
    addends = rows.values * weights[rows.columns].astype(np.float32)
    of_row = np.repeat(np.arange(len(rows.start) - 1), np.diff(rows.start))
    return np.bincount(of_row, weights=addends, minlength=len(rows.start) - 1).astype(np.float32)
