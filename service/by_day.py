"""What was answered lately, day by day: for charts."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec import Struct

from service.counted import ABSTAINED, ARTICLES, AUTO, RUBRIC, UNKNOWN, WORDS
from service.store import days
from service.store.database import Connection
from service.store.days import Judged, Of
from service.trust import upper


class Precision(Struct, frozen=True):
    """Of what a version published unseen, by all audits of it until that day: `right` of `count` labels, with the
    interval that holds for all looks together."""

    version: str
    right: int
    count: int
    low: float
    high: float


class Day(Struct, frozen=True, kw_only=True):
    """`day` is ISO 8601, in UTC. Each text that was answered with a rubric or none counts once, drafts don't. `auto`:
    whose rubric may be published unseen. `words` were looked up, `unknown` mean nothing to the model: those of at
    most ten articles of each group that was written together. `precision` is there on days with audits."""

    day: str
    versions: tuple[str, ...] = ()
    articles: int = 0
    abstained: int = 0
    reasons: dict[str, int] = {}
    auto: int = 0
    words: int = 0
    unknown: int = 0
    rubrics: dict[str, int] = {}
    precision: Precision | None = None


def by_day(connection: Connection, since: str) -> list[Day]:
    """Days on which something was answered or audited, the oldest first."""
    counts: defaultdict[str, dict[Of, int]] = defaultdict(dict)
    for of, count in days.since(connection, since):
        counts[of.day][of] = count
    precision = {day: one for day, one in _precision(days.judged(connection)).items() if day >= since}
    return [_day(day, counts[day], precision.get(day)) for day in sorted({*counts, *precision})]


def _day(day: str, counts: dict[Of, int], precision: Precision | None) -> Day:
    sums: Counter[tuple[str, str]] = Counter()
    for of, count in counts.items():
        sums[of.what, of.label] += count

    def labels(what: str) -> dict[str, int]:
        its = [(label, count) for (its, label), count in sums.items() if its == what and label]
        return dict(sorted(its, key=lambda one: (-one[1], one[0])))

    return Day(
        day=day,
        versions=tuple(sorted({of.version for of in counts})),
        articles=sums[ARTICLES, ""],
        abstained=sums[ABSTAINED, ""],
        reasons=labels(ABSTAINED),
        auto=sums[AUTO, ""],
        words=sums[WORDS, ""],
        unknown=sums[UNKNOWN, ""],
        rubrics=labels(RUBRIC),
        precision=precision,
    )


def _precision(judged: Sequence[Judged]) -> dict[str, Precision]:
    """By day, of days in order; where two versions were audited on one, the one that was audited more."""
    so_far: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    found: dict[str, Precision] = {}
    most: dict[str, int] = {}
    for one in judged:
        right, count = so_far[one.version]
        so_far[one.version] = right, count = right + one.right, count + one.labels
        if one.labels > most.get(one.day, 0):
            most[one.day] = one.labels
            high, low = upper(right, count - right), 1 - upper(count - right, right)
            found[one.day] = Precision(one.version, right, count, round(low, 4), round(high, 4))
    return found
