"""The rubric head: one label an article, by a linear model with calibrated probabilities."""

from collections.abc import Mapping, Sequence
from functools import reduce
from math import exp, log
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from service.inference import kernel
from service.inference.features import Floats, Matrix
from service.inference.lemmas import Ints

UNTOUCHED = (1.0, 1.0, 0.0)  # a curve that leaves the likeliest class's share as it is
FARTHEST = 100.0  # log-odds below zero that still count: one article's share of 1e-44 is none, and is no 0/0
DIGITS = 4  # of a score: what a calibrated probability can claim, and the same on every CPU

Ranked = tuple[int, float]  # a rubric and its score


class RubricHead:
    """Margins of a one-vs-rest linear model, turned to probabilities by Platt's sigmoid a class (Platt 1999),
    sharpened by one exponent and normalised over the classes (Zadrozny & Elkan 2002; Guo et al. 2017); then the
    likeliest class's probability goes through a beta curve of its own (Kull et al. 2017), and the others share what is
    left."""

    def __init__(self, part: Mapping[str, Any]) -> None:
        """`part`: ids and labels; weights (columns, classes), float16 on disk; bias, slope, offset (classes);
        sharpness (the exponent), top (of the likeliest class's share: slopes on its logarithm and on that of the rest,
        and an offset)."""
        self.ids: list[str] = part["ids"]
        self.labels: list[str] = part["labels"]
        self._weights = kernel.half(part["weights"])  # stays mapped: a request reads a few hundred rows of it
        self.bias: Floats = np.ascontiguousarray(part["bias"], np.float32)
        self._slope: Floats = np.ascontiguousarray(part["slope"], np.float32)
        self._offset: Floats = np.ascontiguousarray(part["offset"], np.float32)
        self._sharpness = float(part["sharpness"])
        self._top: tuple[float, float, float] = tuple(part["top"])
        of_classes = (self._weights, self.bias, self._slope, self._offset)
        self.compiled = kernel.Rubric(
            *kernel.addresses(*of_classes), len(self.ids), self._sharpness, self._top, self._top == UNTOUCHED
        )

    def part(self) -> dict[str, Any]:
        """What it was made from."""
        return {
            "ids": self.ids, "labels": self.labels, "weights": self._weights, "bias": self.bias, "slope": self._slope,
            "offset": self._offset, "sharpness": self._sharpness, "top": self._top,
        }  # fmt: skip

    def fits(self, width: int) -> bool:
        """Whether there are weights for so many columns."""
        return self._weights.shape == (width, len(self.ids)) and all(
            len(one) == len(self.ids) for one in (self.bias, self._slope, self._offset)
        )

    def margins(self, matrix: Matrix) -> Floats:
        """(articles, classes); summed in double, so that every CPU rounds to the same."""
        margins = np.empty((len(matrix.start) - 1, len(self.ids)), np.float32)
        for i in range(len(margins)):
            columns, values = matrix.row(i)
            margins[i] = values.astype(np.float64) @ self.rows(columns).astype(np.float64)
        margins += self.bias
        return margins

    def rows(self, columns: Ints) -> Floats:
        """What each column adds to each class, for a value of 1."""
        return self._weights.take(columns, axis=0).astype(np.float32)

    def probabilities(self, margins: Floats) -> npt.NDArray[np.float64]:
        """(articles, classes); each row sums to 1."""
        # in float64: a margin far from all classes must not round to 0/0
        sigmoid = 1.0 / (1.0 + np.exp(-(self._slope * margins + self._offset).astype(np.float64)))
        sharpened = sigmoid**self._sharpness
        return self._with_the_top_right(sharpened / sharpened.sum(axis=1, keepdims=True))

    def probabilities_of(self, margins: Floats) -> list[float]:
        """The same of one article: for 17 classes plain floats take 8 µs, numpy's two dozen calls 50.

        Added up one after the other, as the loops do: sum() of later Pythons rounds otherwise.
        """
        log_odds = (self._slope * margins + self._offset).tolist()
        sharpened = [(1.0 / (1.0 + exp(min(-x, FARTHEST)))) ** self._sharpness for x in log_odds]
        whole = reduce(add, sharpened, 0.0)
        shares = [share / whole for share in sharpened]
        if len(shares) < 2 or self._top == UNTOUCHED:
            return shares
        *_, second, top = sorted(shares)
        on_log_share, on_log_rest, offset = self._top
        near = min(max(top, 1e-9), 1 - 1e-9)
        wanted = 1.0 / (1.0 + exp(min(-(log(near) * on_log_share - log(1.0 - near) * on_log_rest + offset), FARTHEST)))
        rest = max(reduce(add, shares) - top, 1e-300)
        wanted = max(wanted, second / (rest + second) * (1 + 1e-6))
        likeliest, left = shares.index(top), (1.0 - wanted) / rest
        shares = [share * left for share in shares]
        shares[likeliest] = wanted
        whole = reduce(add, shares)
        return [share / whole for share in shares]

    @staticmethod
    def ranked(probabilities: Sequence[float]) -> list[Ranked]:
        """All rubrics, the likeliest first and equals in their order."""
        order = sorted(range(len(probabilities)), key=probabilities.__getitem__, reverse=True)
        return [(number, round(probabilities[number], DIGITS)) for number in order]

    def _with_the_top_right(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The order of the classes stays: the likeliest never falls below the next."""
        if len(self.ids) < 2 or self._top == UNTOUCHED:
            return shares
        second, top = np.sort(shares, axis=1)[:, -2:].T
        *slopes, offset = self._top
        wanted = 1.0 / (1.0 + np.exp(-(log_share_and_rest(top) @ np.array(slopes) + offset)))
        rest = np.maximum(shares.sum(axis=1) - top, 1e-300)  # nothing is left where a margin is far from all others
        wanted = np.maximum(wanted, second / (rest + second) * (1 + 1e-6))
        likeliest = shares.argmax(axis=1)
        shares = shares * ((1.0 - wanted) / rest)[:, None]
        shares[np.arange(len(shares)), likeliest] = wanted
        shares /= shares.sum(axis=1, keepdims=True)
        return shares


def log_share_and_rest(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(articles, 2): log of the share, and minus log of what it leaves; together the log-odds."""
    near = np.clip(shares, 1e-9, 1 - 1e-9)
    return np.stack((np.log(near), -np.log(1.0 - near)), axis=1)
