"""Editors who alone take a rubric's articles out of it: a mistake, a grudge or a broken script."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from service.corrections import worked_of
from service.store.journal import Entry

MOST = 0.5  # of the articles that were suggested a rubric: who takes more out of it has another one in mind
ENOUGH = 20  # articles, to say so of anybody


class Outlier(NamedTuple):
    actor: str
    rubric: str
    rejected: int
    suggested: int

    def __str__(self) -> str:
        who = self.actor or "somebody without a name"
        return f"{who} alone took {self.rejected} of {self.suggested} articles out of «{self.rubric}»"


def outliers(entries: Iterable[Entry]) -> list[Outlier]:
    """Only where all others together decided on enough articles of the rubric and left most of them in it: a newsroom
    that has one name for all its editors may well have another rubric in mind than the model."""
    suggested: Counter[tuple[str, str]] = Counter()
    rejected: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if (worked := worked_of(entry)) is None:
            continue
        actor = entry.actor or ""
        gone = [(one.label, actor) for one in worked.rejected.get("rubric", ())]
        suggested.update([*gone, *((one.label, actor) for one in worked.accepted.get("rubric", ()))])
        rejected.update(gone)
    of_all, out_of_all = Counter[str](), Counter[str]()
    for (rubric, actor), count in suggested.items():
        of_all[rubric] += count
        out_of_all[rubric] += rejected[rubric, actor]
    return [
        Outlier(actor, rubric, out, suggested[rubric, actor])
        for (rubric, actor), out in sorted(rejected.items())
        if out >= ENOUGH
        and out > MOST * suggested[rubric, actor]
        and of_all[rubric] - suggested[rubric, actor] >= ENOUGH
        and out_of_all[rubric] - out < MOST * (of_all[rubric] - suggested[rubric, actor])
    ]
