"""How a challenger compared with the model in use: what its retraining left beside the registry."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

ALPHA = 0.05  # that of training/gate.py, as a test asserts: below it, a label has fallen

Verdict = Literal["accepted", "refused", "not_compared"]


class Compared(Struct, frozen=True):
    """F1 of a label of the model in use and of the challenger, on `support` articles that bear it."""

    label: str
    support: int
    before: float
    after: float
    fell: bool


class Gate(Struct, frozen=True):
    """`against` is the version that was in use, `judges` the articles that both answered, `corrections` those of them
    that the challenger learnt from editors. `labels`: the largest fall first."""

    verdict: Verdict
    against: str
    judges: int
    corrections: int
    labels: tuple[Compared, ...]
    notes: tuple[str, ...] = ()
    contradictions: int = 0  # of editors, among themselves or with the archive


class _Change(Struct, frozen=True):
    label: str
    support: int
    before: float
    after: float
    p: float


class _Changes(Struct, frozen=True):
    changes: tuple[_Change, ...] = ()


class _Record(Struct, frozen=True):
    """As much of the file as is told."""

    against: str
    judges: int
    verdict: _Changes
    corrections: int = 0
    notes: tuple[str, ...] = ()
    contradictions: int = 0


def gate_of(gates: Path, version: str) -> Gate | None:
    """None where a version was not retrained here, or the file can't be read."""
    try:
        record = msgspec.json.decode((gates / f"{version}.json").read_bytes(), type=_Record)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    labels = tuple(
        Compared(one.label, one.support, one.before, one.after, one.p < ALPHA) for one in record.verdict.changes
    )
    verdict: Verdict = "not_compared"
    if record.judges:  # nothing passes that nobody judged
        verdict = "refused" if any(one.fell for one in labels) else "accepted"
    return Gate(verdict, record.against, record.judges, record.corrections, labels, record.notes, record.contradictions)
