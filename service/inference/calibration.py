"""A model between two trainings: its rubrics' shares as the latest corrections would have them, and rubrics that it has
not learnt yet. It lies beside the model, whose own files stay as they are."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from math import exp

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from service.inference.compiled import Found
from service.inference.rubric import RubricHead

Doubles = npt.NDArray[np.float64]

LEAST_SHARE = 1e-6  # a smaller one says no more
FARTHEST = 30.0  # log-odds of a new rubric that still count


class NewRubric(Struct, frozen=True):
    """One that only corrections know. `weights` of `columns` are little-endian float16 and int32; `bias` is minus the
    margin from which an article is rather of it than not, `steepness` makes log-odds of what is above."""

    id: str
    label: str
    columns: bytes
    weights: bytes
    bias: float
    steepness: float
    examples: int


class Calibration(Struct, frozen=True, eq=False, dict=True):
    """Shares q of the rubrics become softmax(log(q) @ matrix + offset): Dirichlet calibration (Kull et al. 2019), which
    is Platt's slope and offset a rubric where only the diagonal differs from the model's own 1 and 0."""

    model: str
    rubrics: tuple[str, ...]  # ids, in the model's order
    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]
    new: tuple[NewRubric, ...]
    articles: int  # it was made from
    until: int  # the newest line of the journal that it knows
    keys: tuple[bytes, ...] = ()  # of those articles, so that it can be told whose erasure undoes it

    @cached_property
    def version(self) -> str:
        """Of all that an answer depends on."""
        content = msgspec.json.encode((self.model, self.rubrics, self.matrix, self.offset, self.new))
        return hashlib.sha256(content).hexdigest()[:8]


class Recalibrated:
    """A calibration over a model's rubric head. `head` is the same with the new rubrics behind its own."""

    def __init__(self, calibration: Calibration, head: RubricHead) -> None:
        """Raises ValueError for the calibration of another model. Of new rubrics there is a copy of the weights."""
        if calibration.rubrics != tuple(head.ids):
            raise ValueError(f"the calibration {calibration.version} has other rubrics than the model")
        if {len(calibration.matrix), len(calibration.offset), *map(len, calibration.matrix)} != {len(head.ids)}:
            raise ValueError(f"the calibration {calibration.version} is not of as many rubrics as the model")
        self.version = calibration.version
        self.new = calibration.new
        self._own = head
        self._matrix, self._offset = np.array(calibration.matrix, np.float64), np.array(calibration.offset, np.float64)
        self._steepness = [one.steepness for one in self.new]
        self.head = _with_new(head, self.new) if self.new else head

    def own(self, found: Found) -> list[float]:
        """The shares as the model has them."""
        if found.margins is None:
            return found.probabilities
        return self._own.probabilities_of(np.array(found.margins[: len(self._own.ids)], np.float32))

    def shares(self, own: Sequence[float], margins: Sequence[float] | None = None) -> list[float]:
        """Of the model's rubrics, then of the new ones by their `margins`. 10 µs."""
        logs = np.log(np.maximum(np.array(own), LEAST_SHARE))
        # added up row by row, the same in a batch and on every CPU
        scaled = (logs[:, None] * self._matrix).sum(axis=0) + self._offset
        weights = np.exp(scaled - scaled.max())
        shares: list[float] = (weights / weights.sum()).tolist()
        if not self.new or margins is None:
            return shares
        # a new rubric competes with all others together, so that it is the likeliest from its threshold on
        odds = [
            exp(min(max(margin * steep, -FARTHEST), FARTHEST))
            for margin, steep in zip(margins[len(own) :], self._steepness, strict=True)
        ]
        whole = 1.0 + sum(odds)
        return [share / whole for share in (*shares, *odds)]


def _with_new(head: RubricHead, new: Sequence[NewRubric]) -> RubricHead:
    part = head.part()
    known = part["weights"]
    weights = np.zeros((len(known), len(head.ids) + len(new)), np.float16)
    weights[:, : len(head.ids)] = known
    for number, one in enumerate(new, len(head.ids)):
        columns = np.frombuffer(one.columns, "<i4")
        if len(columns) and not 0 <= columns.min() <= columns.max() < len(known):
            raise ValueError(f"the new rubric {one.id} has other features than the model")
        weights[columns, number] = np.frombuffer(one.weights, "<f2")
    more = len(new)
    return RubricHead(
        {
            **part,
            "ids": [*head.ids, *(one.id for one in new)],
            "labels": [*head.labels, *(one.label for one in new)],
            "weights": weights,
            "bias": np.concatenate((part["bias"], [one.bias for one in new])),
            "slope": np.concatenate((part["slope"], np.ones(more))),
            "offset": np.concatenate((part["offset"], np.zeros(more))),
        }
    )
