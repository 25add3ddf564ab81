"""Whether a challenger may take the place of the model in use: label by label, on the same articles.

The challenger is refused when it is shown to have lost more than `MARGIN` of F1 on a label: a one-sided paired test of
non-inferiority. Both models answer the same articles, so only those on which they differ count, and their spread is
known (the delta method on F1; Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 22). Up to 20 labels
with enough articles are judged one by one, all others together as one, and Holm's step-down (1979) keeps the chance of
refusing an equal challenger under `ALPHA` however many are judged. tests/test_gate.py simulates both promises.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from scipy.stats import norm

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MARGIN = 0.02  # of F1: a challenger may be that much worse on a label, since another sample would show as much
ALPHA = 0.05
MOST_GUARDED = 20
ENOUGH = 800  # articles that bear a label, for a fall of .05 to be seen in nine cases of ten
OTHERS = "all other labels"


class Change(Struct, frozen=True):
    """F1 of a label before and after; `p`: how likely so large a fall is where the true one is `MARGIN`, after Holm."""

    label: str
    support: int
    before: float
    after: float
    p: float

    @property
    def fell(self) -> bool:
        return self.p < ALPHA


class Verdict(Struct, frozen=True):
    articles: int
    changes: tuple[Change, ...]  # the largest fall first

    @property
    def falls(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.fell)

    @property
    def passed(self) -> bool:
        return not self.falls


def judge(labels: Sequence[str], truth: Flags, current: Flags, challenger: Flags) -> Verdict:
    """`truth` and both answers are (articles, labels): whether an article bears a label, and was given it."""
    if not truth.shape == current.shape == challenger.shape == (len(truth), len(labels)):
        raise ValueError(f"{truth.shape}, {current.shape} and {challenger.shape} for {len(labels)} labels")
    support = truth.sum(axis=0)
    often = np.argsort(-support, kind="stable")
    guarded = [int(i) for i in often[:MOST_GUARDED] if support[i] >= ENOUGH]
    groups = [[i] for i in guarded]
    if others := sorted(set(range(len(labels))) - set(guarded)):
        groups.append(others)
    names = [*(labels[i] for i in guarded), *([OTHERS] if others else [])]
    found = [_compared(truth[:, own], current[:, own], challenger[:, own]) for own in groups]
    adjusted = holm(np.array([p for *_, p in found]))
    changes = [
        Change(name, int(support[own].sum()), before, after, float(p))
        for name, own, (before, after, _), p in zip(names, groups, found, adjusted, strict=True)
    ]
    return Verdict(len(truth), tuple(sorted(changes, key=lambda change: change.after - change.before)))


def holm(p: Floats) -> Floats:
    """Holm's step-down: p-values that may be compared with one level, however many there are."""
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted


def _compared(truth: Flags, current: Flags, challenger: Flags) -> tuple[float, float, float]:
    """Micro-F1 of both over these labels, and the p-value of a fall of more than the margin."""
    before, pull_before = _f1(truth, current)
    after, pull_after = _f1(truth, challenger)
    spread = float(np.sqrt(((pull_after - pull_before) ** 2).sum()))
    beyond = after - before + MARGIN
    if not spread:  # they answer alike
        return before, after, 1.0 if beyond >= 0 else 0.0
    return before, after, float(norm.cdf(beyond / spread))


def _f1(truth: Flags, answer: Flags) -> tuple[float, Floats]:
    """Micro-F1, and how much each article pulls it: the derivative by its weight."""
    hits = 2.0 * (truth & answer).sum(axis=1)
    both = (truth.sum(axis=1) + answer.sum(axis=1)).astype(np.float64)
    total = both.sum()
    if not total:
        return 0.0, np.zeros(len(truth))
    f1 = float(hits.sum() / total)
    pull: Floats = (hits - f1 * both) / total
    return f1, pull
