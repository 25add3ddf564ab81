"""How often `auto` is right, judged by editors who did not see the label, on articles that were drawn at random.

An editor looks again and again, and a bound made for one look would be crossed by chance sooner or later. So the
interval is a confidence sequence, good for all looks together: a mixture of likelihood ratios over all precisions on
one side of the one in question is a nonnegative supermartingale under it, which by Ville's inequality reaches 1 / ALPHA
with a probability of at most ALPHA (Robbins 1970; Howard et al. 2021).
"""

from functools import lru_cache
from hashlib import blake2b

import numpy as np
from msgspec import Struct

from service.inference.labels import Head

ALPHA = 0.05  # on each side: how seldom a label that is as right as it should be is ever held back
FEWEST = 10  # audits: at 0.90 two errors out of two would be evidence enough, and editors slip too
TARGET = 0.90  # where a model does not say what it was aimed at
GRID = 200  # precisions that are mixed

_SHARES = (np.arange(GRID) + 0.5) / GRID


class Outcome(Struct, frozen=True):
    """A label that was `auto`, and whether the editor, who had not seen it, chose it too."""

    head: Head
    id: str
    label: str
    correct: bool


class Audited(Struct, frozen=True, kw_only=True):
    """A label of a version by its audits: `precision` of `right` among `count`, with the interval that holds for all
    looks together; `held_back`: its upper end is below `target` after 10 audits or more: the label is for review."""

    head: Head
    id: str
    label: str
    right: int
    count: int
    precision: float
    low: float
    high: float
    target: float
    held_back: bool


def audited(head: Head, id_: str, label: str, right: int, count: int, target: float) -> Audited:
    wrong = count - right
    high, low = upper(right, wrong), 1 - upper(wrong, right)
    held_back = count >= FEWEST and evidence(right, wrong, target) >= 1 / ALPHA
    return Audited(
        head=head, id=id_, label=label, right=right, count=count, precision=round(right / count, 4),
        low=round(low, 4), high=round(high, 4), target=target, held_back=held_back,
    )  # fmt: skip


def evidence(right: int, wrong: int, target: float) -> float:
    """For a precision below `target`: the mean, over all of those, of how much likelier they make the outcomes."""
    below = _SHARES * target
    ratio = right * np.log(below / target) + wrong * np.log((1 - below) / (1 - target))
    return float(np.exp(np.minimum(ratio, 700.0)).mean())


@lru_cache(maxsize=10_000)  # 0.1 ms each, asked for again of every label whenever one is judged
def upper(right: int, wrong: int) -> float:
    """The least precision that the outcomes speak against; 1 where they speak against none."""
    if not wrong:
        return 1.0
    low, high = right / (right + wrong), 1.0
    for _ in range(20):
        middle = (low + high) / 2
        if evidence(right, wrong, middle) >= 1 / ALPHA:
            high = middle
        else:
            low = middle
    return high


def is_drawn(article_id: str, share: float) -> bool:
    """Whether the article is one of those that are looked at: the same in every process, and nobody's choice."""
    digest = blake2b(article_id.encode(errors="replace"), digest_size=4, person=b"audit").digest()
    return int.from_bytes(digest) < share * 2**32
