"""The table `days`: what was answered each day, in figures; and what audits found, by the day."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from service.store.database import Connection

ROWS = 100  # in one statement


class Of(NamedTuple):
    """What is counted: on a day (ISO 8601, UTC), by a version; `label` is empty where there is none."""

    day: str
    version: str
    what: str
    label: str


class Judged(NamedTuple):
    """How many labels of a version were audited on a day, and how many of them were right."""

    day: str
    version: str
    right: int
    labels: int


def add(connection: Connection, counts: Mapping[Of, int]) -> None:
    """Many rows to a statement, for the same reason as answers."""
    rows = sorted(counts.items())
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        parameters = {
            f"{name}{i}": value
            for i, (of, count) in enumerate(some)
            for name, value in (*of._asdict().items(), ("count", count))
        }
        connection.rows(_insert(len(some)), **parameters)


@cache
def _insert(rows: int) -> str:
    columns = (*Of._fields, "count")
    values = ", ".join(f"({', '.join(f':{name}{i}' for name in columns)})" for i in range(rows))
    return (
        f"INSERT INTO days ({', '.join(columns)}) VALUES {values} "  # noqa: S608 - names of our own
        "ON CONFLICT (day, version, what, label) DO UPDATE SET count = days.count + excluded.count"
    )


def since(connection: Connection, day: str) -> Iterator[tuple[Of, int]]:
    for *of, count in connection.rows(
        "SELECT day, version, what, label, count FROM days WHERE day >= :day ORDER BY day, version, what, label",
        day=day,
    ):
        yield Of(*of), int(count)


def judged(connection: Connection) -> list[Judged]:
    """Since audits began, the oldest day first. What was trusted again counts too."""
    rows = connection.rows(
        "SELECT substr(c.received_at, 1, 10), a.version, sum(CASE WHEN a.correct THEN 1 ELSE 0 END), count(*) "
        "FROM audits a JOIN corrections c ON c.sequence = a.sequence WHERE a.correct IS NOT NULL "
        "GROUP BY substr(c.received_at, 1, 10), a.version ORDER BY 1, 2"
    )
    return [Judged(day, version, int(right), int(labels)) for day, version, right, labels in rows]


def prune(connection: Connection, before: str) -> None:
    connection.rows("DELETE FROM days WHERE day < :before", before=before)
