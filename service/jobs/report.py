"""The page of a job, in Russian: what changes, label by label and month by month, with articles to look at. One file,
which loads nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.figures import count, percent, plural
from service.inference.labels import HEADS, Head
from service.jobs.counts import Totals
from service.jobs.plan import Plan

PAGE = Path(__file__).with_name("page")
DRAWN, LISTED, SHOWN = 24, 1_000, 60  # labels in a chart, labels in a table, articles
NAMES: dict[Head, str] = {"rubric": "Рубрики", "regions": "Регионы", "tags": "Теги"}
LONGEST = 36  # characters of a label in a chart


class Label(NamedTuple):
    name: str
    added: int
    removed: int

    @property
    def changes(self) -> int:
        return self.added + self.removed


class Month(NamedTuple):
    """`name` is «2023-10», empty where articles have no date."""

    name: str
    articles: int
    changed: int


class ByHead(NamedTuple):
    name: str
    labels: Sequence[Label]  # those that change most first
    most: int  # changes of one label in one direction

    @property
    def added(self) -> int:
        return sum(one.added for one in self.labels)

    @property
    def removed(self) -> int:
        return sum(one.removed for one in self.labels)


def render(plan: Plan, totals: Totals, *, held: bool = False, problems: Sequence[str] = ()) -> str:
    """`held`: more changes than is allowed, and nothing has been touched."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            plan=plan,
            asked=plan.asked,
            totals=totals,
            looked_at=totals.articles - totals.passed,
            heads=[by_head(totals, head) for head in HEADS if head in plan.asked.heads],
            months=[Month(name, *totals.months[name]) for name in sorted(totals.months)],
            examples=totals.examples[:SHOWN],
            held=held,
            problems=problems,
            names=NAMES,
            drawn=DRAWN,
            listed=LISTED,
        )
    )


def by_head(totals: Totals, head: Head) -> ByHead:
    added, removed = totals.added.get(head, {}), totals.removed.get(head, {})
    labels = [Label(name, added.get(name, 0), removed.get(name, 0)) for name in {*added, *removed}]
    labels.sort(key=lambda one: (-one.changes, one.name))
    return ByHead(NAMES[head], labels, max((max(one.added, one.removed) for one in labels), default=0))


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "count": count, "plural": plural, "short": _short}
    return environment
