"""What was done: of a shard, kept beside its part as the sign that it is whole; and of a job, added up."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from service.inference.labels import Head
from service.jobs.change import Change

_MONTH = re.compile(r"[12]\d{3}-[01]\d")
OF_A_LABEL = 3  # examples of each label added or removed, and of each label in a shard one
MOST_EXAMPLES = 40  # of a shard
MOST_REASONS = 50


class Example(Struct, frozen=True):
    file: int
    line: int
    id: str | None
    title: str
    added: dict[Head, tuple[str, ...]]
    removed: dict[Head, tuple[str, ...]]


class Rejected(Struct, frozen=True):
    """`line` counts in its shard until the shards before it are known, then in its file."""

    line: int
    reason: str

    @property
    def kind(self) -> str:
        """Without the place in the line: a million bad lines are bad in a few ways."""
        return self.reason if self.reason.startswith("/") else self.reason.partition(":")[0]


class ShardCounts(Struct, kw_only=True):
    """`lines` are those of the input, blank ones too. `size` and `sha256` are of the part. With a `problem` there is no
    part, and what was counted means nothing."""

    file: int
    number: int
    weight: int = 0  # bytes of input
    problem: str | None = None
    lines: int = 0
    articles: int = 0  # records that could be read
    passed: int = 0  # of them out of scope
    abstained: int = 0
    uncalibrated: int = 0  # of an outlet for which not all that was asked for can be decided
    changed: int = 0
    written: int = 0
    added: dict[Head, dict[str, int]] = field(default_factory=dict)
    removed: dict[Head, dict[str, int]] = field(default_factory=dict)
    months: dict[str, tuple[int, int]] = field(default_factory=dict)  # articles in scope, and changed ones
    rejected: list[Rejected] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    size: int = 0
    sha256: str = ""

    def count(self, change: Change, is_changed: bool, published_at: str | None) -> None:
        month = published_at[:7] if published_at and _MONTH.match(published_at) else ""
        articles, changed = self.months.get(month, (0, 0))
        self.months[month] = articles + 1, changed + is_changed
        self.changed += is_changed
        if not is_changed:
            return
        for head, one in change.items():
            for label in one.added:
                of_head = self.added.setdefault(head, {})
                of_head[label] = of_head.get(label, 0) + 1
            for label in one.removed:
                of_head = self.removed.setdefault(head, {})
                of_head[label] = of_head.get(label, 0) + 1

    def exemplify(self, change: Change, line: int, id_: str | None, title: str) -> None:
        """Kept if it is the first of one of its labels."""
        if len(self.examples) >= MOST_EXAMPLES:
            return
        firsts = [
            counted.get(head, {}).get(label) == 1
            for head, one in change.items()
            for counted, labels in ((self.added, one.added), (self.removed, one.removed))
            for label in labels
        ]
        if any(firsts):
            added = {head: one.added for head, one in change.items() if one.added}
            removed = {head: one.removed for head, one in change.items() if one.removed}
            self.examples.append(Example(self.file, line, id_, title, added, removed))


class Totals(Struct, kw_only=True):
    """Of a job. `examples` have at most three for each label."""

    lines: int = 0
    articles: int = 0
    passed: int = 0
    abstained: int = 0
    uncalibrated: int = 0  # of an outlet for which not all that was asked for can be decided
    changed: int = 0
    written: int = 0
    rejected: int = 0
    added: dict[Head, dict[str, int]] = field(default_factory=dict)
    removed: dict[Head, dict[str, int]] = field(default_factory=dict)
    months: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Changed ones of the articles that were looked at."""
        looked_at = self.articles - self.passed
        return self.changed / looked_at if looked_at else 0.0


def add_up(shards: Iterable[ShardCounts]) -> Totals:
    """In the order of the shards, whenever each was made."""
    totals = Totals()
    reasons: Counter[str] = Counter()
    shown: Counter[tuple[str, Head, str]] = Counter()
    before, file = 0, -1  # lines of this file in the shards before
    for one in shards:
        before, file = (before, file) if one.file == file else (0, one.file)
        for name in ("lines", "articles", "passed", "abstained", "uncalibrated", "changed", "written"):
            setattr(totals, name, getattr(totals, name) + getattr(one, name))
        totals.rejected += len(one.rejected)
        reasons.update(each.kind for each in one.rejected)
        for mine, its in ((totals.added, one.added), (totals.removed, one.removed)):
            for head, labels in its.items():
                of_head = mine.setdefault(head, {})
                for label, times in labels.items():
                    of_head[label] = of_head.get(label, 0) + times
        for month, (articles, changed) in one.months.items():
            articles_before, changed_before = totals.months.get(month, (0, 0))
            totals.months[month] = articles_before + articles, changed_before + changed
        for each in one.examples:
            keys = _keys(each)
            if any(shown[key] < OF_A_LABEL for key in keys):
                shown.update(keys)
                totals.examples.append(Example(each.file, before + each.line, *_rest(each)))
        before += one.lines
    totals.reasons = dict(reasons.most_common(MOST_REASONS))
    return totals


def _keys(example: Example) -> Sequence[tuple[str, Head, str]]:
    return [
        (sign, head, label)
        for sign, changed in (("+", example.added), ("-", example.removed))
        for head, labels in changed.items()
        for label in labels
    ]


def _rest(example: Example) -> tuple[str | None, str, dict[Head, tuple[str, ...]], dict[Head, tuple[str, ...]]]:
    return example.id, example.title, example.added, example.removed
