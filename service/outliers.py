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


def outliers(entries: Iterable[Entry], others: int = ENOUGH) -> list[Outlier]:
    """Only where all others together left most articles of the rubric in it that they decided on, and those are so many
    at least. A newsroom that has one name for all its editors may well have another rubric in mind than the model: with
    0 `others` even that is told."""
    suggested: Counter[tuple[str, str]] = Counter()  # rubric, actor -> articles of it that the actor decided on
    rejected: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if (worked := worked_of(entry)) is None:
            continue
        actor = entry.actor or ""
        gone = [(one.label, actor) for one in worked.rejected.get("rubric", ())]
        suggested.update([*gone, *((one.label, actor) for one in worked.accepted.get("rubric", ()))])
        rejected.update(gone)
    by_all, out_by_all = Counter[str](), Counter[str]()
    for (rubric, actor), count in suggested.items():
        by_all[rubric] += count
        out_by_all[rubric] += rejected[rubric, actor]
    found = []
    for (rubric, actor), out in sorted(rejected.items()):
        own = suggested[rubric, actor]
        by_others, out_by_others = by_all[rubric] - own, out_by_all[rubric] - out
        alone = by_others >= others and (not by_others or out_by_others < MOST * by_others)
        if out >= ENOUGH and out > MOST * own and alone:
            found.append(Outlier(actor, rubric, out, own))
    return found
