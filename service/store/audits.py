"""The table `audits`: what editors found of labels that were `auto`, by version of the model."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from service.store import journal
from service.store.database import Connection

State: TypeAlias = tuple[int, int]  # how many rows, the number of the latest


class Audit(NamedTuple):
    version: str
    head: str
    label: str
    key: bytes  # of the article
    name: str
    correct: bool | None
    sequence: int


class Counted(NamedTuple):
    version: str
    head: str
    label: str
    name: str
    right: int
    articles: int


NOBODY = b""  # the key of a row that makes counting begin anew


def state(connection: Connection) -> State:
    """Differs after any change."""
    [[rows, latest]] = connection.rows("SELECT count(*), max(sequence) FROM audits")
    return int(rows), int(latest or 0)


def counted(connection: Connection) -> list[Counted]:
    """By label, since counting began anew."""
    rows = connection.rows(
        "SELECT a.version, a.head, a.label, max(a.name), sum(CASE WHEN a.correct THEN 1 ELSE 0 END), count(*) "
        "FROM audits a WHERE a.correct IS NOT NULL AND a.sequence > coalesce((SELECT max(b.sequence) FROM audits b "
        "WHERE b.correct IS NULL AND b.version = a.version AND b.head = a.head AND b.label = a.label), -1) "
        "GROUP BY a.version, a.head, a.label ORDER BY a.version, a.head, a.label"
    )
    return [Counted(*row) for row in rows]


def put(connection: Connection, audits: Sequence[Audit]) -> None:
    """Of an article that is judged again the later judgement counts."""
    connection.many(
        "INSERT INTO audits (version, head, label, key, name, correct, sequence) "
        "VALUES (:version, :head, :label, :key, :name, :correct, :sequence) "
        "ON CONFLICT (version, head, label, key) DO UPDATE SET name = excluded.name, correct = excluded.correct, "
        "sequence = excluded.sequence",
        [one._asdict() for one in audits],
    )


def begin_anew(connection: Connection, version: str, head: str, label: str, name: str) -> None:
    number = journal.last_number(connection) + 1
    put(connection, [Audit(version, head, label, NOBODY, name, None, number)])
    journal.give_numbers(connection, number)


def take_back(connection: Connection, sequence: int) -> None:
    connection.rows("DELETE FROM audits WHERE sequence = :sequence", sequence=sequence)


def judged(connection: Connection, version: str, keys: Iterable[bytes]) -> set[bytes]:
    """Which of the articles have been judged under this version."""
    found = connection.rows("SELECT DISTINCT key FROM audits WHERE version = :version", version=version)
    return {bytes(key) for [key] in found}.intersection(keys)
