"""What more labels would buy: models on growing parts of the archive, all tested on the same articles, and a power law
through their errors (Cortes et al. 1993; Hestness et al. 2017).

The parts are taken evenly over the archive's time, not its oldest articles first: those are also the furthest from the
test, and the curve would sell the freshness of labels as their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from training.crossfit import Learner
from training.measures import interval

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

SHARES = (16, 8, 4, 2, 1)  # one article of so many
DRAWS = 4  # models of one size, on articles of their own, as far as they go
LEAST = 20  # articles to learn from
RESAMPLES = 500
EXPONENTS = np.arange(0.05, 1.51, 0.05)


@dataclass(frozen=True)
class Gain:
    """Share of articles more that would be right."""

    more: int  # labels
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """`measurable`: whether the whole archive is better than its half by more than chance."""

    sizes: list[int]
    accuracy: list[float]
    intervals: list[tuple[float, float]]
    next_hundred: Gain
    as_many_again: Gain
    measurable: bool


def measure(fit: Learner, rows: sparse.csr_array, labels: Longs, pools: Sequence[tuple[Longs, Longs]]) -> Curve | None:
    """`pools`: articles to learn from, and those to test on; several where the archive was cut into folds.

    Some four times the CPU of one fit for each pool; None if there is too little for three sizes.
    """
    generator = np.random.default_rng(0)
    least = min(len(pool) for pool, _ in pools)
    shares = [share for share in SHARES if least // share >= LEAST]
    if len(shares) < 3:
        return None
    right = np.zeros((len(shares), sum(len(tested) for _, tested in pools)))
    sizes = np.zeros(len(shares))
    done = 0
    for pool, tested in pools:
        shuffled = generator.permutation(pool)
        for i, share in enumerate(shares):
            parts = [np.sort(shuffled[start::share]) for start in range(min(share, DRAWS))]
            answers = [fit(part).margins(rows[tested]).argmax(axis=1) == labels[tested] for part in parts]
            right[i, done : done + len(tested)] = np.mean(answers, axis=0)
            sizes[i] += len(parts[0]) / len(pools)
        done += len(tested)
    return _curve(sizes.round().astype(np.int64), right, generator)


def _curve(sizes: Longs, right: Doubles, generator: np.random.Generator) -> Curve:
    n = right.shape[1]
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    accuracies = right @ drawn.T / n  # (sizes, resamples)
    errors = np.concatenate((1 - right.mean(axis=1)[:, None], 1 - accuracies), axis=1)
    size = int(sizes[-1])

    def gain(more: int) -> Gain:
        gains = power_law_gain(sizes, errors, size + more)
        return Gain(more, float(gains[0]), *interval(gains[1:]))

    better = interval(accuracies[-1] - accuracies[-2])[0] > 0
    return Curve(
        sizes.tolist(),
        right.mean(axis=1).tolist(),
        [interval(row) for row in accuracies],
        gain(100),
        gain(size),
        better,
    )


def power_law_gain(sizes: Longs, errors: Doubles, then: int) -> Doubles:
    """How much smaller the error is with `then` labels than with the last size, by error = floor + a * n^-b.

    `errors` is (sizes, curves). For each b the other two are least squares, neither below zero.
    """
    best = np.full(errors.shape[1], np.inf)
    gains = np.zeros(errors.shape[1])
    for exponent in EXPONENTS:
        falling = sizes.astype(np.float64) ** -exponent
        centred = falling - falling.mean()
        slope = np.maximum(centred @ errors / (centred @ centred), 0)
        floor = errors.mean(axis=0) - slope * falling.mean()
        below = floor < 0
        slope = np.where(below, falling @ errors / (falling @ falling), slope)
        floor = np.where(below, 0, floor)
        misfit = ((floor + np.outer(falling, slope) - errors) ** 2).sum(axis=0)
        better = misfit < best
        best = np.where(better, misfit, best)
        gains = np.where(better, slope * (falling[-1] - float(then) ** -exponent), gains)
    return gains
