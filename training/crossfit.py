"""Margins of articles from models that were fitted without them, for an archive too precious to set a part aside."""

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import sparse

from training.fit import Linear

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Learner = Callable[[Longs], Linear]  # rows to learn from -> a model

FOLDS = 5


def folds_of(labels: Sequence[Any], groups: Sequence[str]) -> Longs:
    """The fold of each article: every label in all folds as far as it goes, near-duplicates in one."""
    label_of: dict[str, Any] = {}
    for label, group in zip(labels, groups, strict=True):
        label_of.setdefault(group, label)
    dealt = sorted(label_of, key=lambda group: (label_of[group], crc32(group.encode()), group))
    fold = {group: place % FOLDS for place, group in enumerate(dealt)}
    return np.array([fold[group] for group in groups], np.int64)


def in_order(days: Longs) -> Longs:
    """The fold of each article: stretches of time, as long as each other."""
    fold = np.empty(len(days), np.int64)
    fold[np.argsort(days, kind="stable")] = np.arange(len(days)) * FOLDS // max(len(days), 1)
    return fold


def cross_fitted(fit: Learner, rows: sparse.csr_array, on: Longs, folds: Longs) -> Floats:
    """Margins of the articles `on`, in their order; `folds` are theirs. As many fits as there are folds."""
    margins: Floats | None = None
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        found = fit(on[folds != fold]).margins(rows[on[inside]])
        margins = np.empty((len(on), found.shape[1]), np.float32) if margins is None else margins
        margins[inside] = found
    assert margins is not None
    return margins
