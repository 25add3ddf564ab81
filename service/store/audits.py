"""The tables `draws`, of articles that are to be judged, and `audits`, of what editors found of their labels."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from service.store import journal
from service.store.database import Connection

State: TypeAlias = tuple[int, int]  # how many rows, the number of the latest


class Draw(NamedTuple):
    """An article that a version published something of; `labels` as JSON. `made_at` is ms since 1970."""

    version: str
    key: bytes
    heads: str
    article_id: str
    prediction_id: str
    made_at: int
    labels: bytes


class Audit(NamedTuple):
    version: str
    head: str
    label: str
    key: bytes  # of the article
    name: str
    correct: bool
    sequence: int


class Counted(NamedTuple):
    version: str
    head: str
    label: str
    name: str
    right: int
    articles: int


_DRAW = ", ".join(Draw._fields)


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


def draw(connection: Connection, draws: Sequence[Draw]) -> None:
    """What a version published first of an article stays: later answers may have heeded an editor."""
    connection.many(
        f"INSERT INTO draws ({_DRAW}) VALUES (:version, :key, :heads, :article_id, :prediction_id, :made_at, :labels) "  # noqa: S608
        "ON CONFLICT (version, key, heads) DO NOTHING",
        [one._asdict() for one in draws],
    )


def waiting(connection: Connection, version: str, since: int, most: int) -> list[Draw]:
    """Drawn from `since` (ms since 1970) on, and not judged yet: the oldest first, so that none is forgotten."""
    rows = connection.rows(
        f"SELECT {_DRAW} FROM draws d WHERE d.version = :version AND d.made_at >= :since AND NOT EXISTS "  # noqa: S608
        "(SELECT 1 FROM audits a WHERE a.key = d.key AND a.version = d.version) ORDER BY d.made_at LIMIT :most",
        version=version,
        since=since,
        most=most,
    )
    return [Draw(*row) for row in rows]


def draws_of(connection: Connection, key: bytes) -> list[Draw]:
    return [Draw(*row) for row in connection.rows(f"SELECT {_DRAW} FROM draws WHERE key = :key", key=key)]  # noqa: S608


def judged(connection: Connection, key: bytes) -> set[tuple[str, str, str]]:
    """Version, head and id of the article's labels that were judged."""
    rows = connection.rows("SELECT version, head, label FROM audits WHERE key = :key", key=key)
    return {(version, head, label) for version, head, label in rows}


def put(connection: Connection, audits: Sequence[Audit]) -> None:
    connection.many(
        "INSERT INTO audits (version, head, label, key, name, correct, sequence) "
        "VALUES (:version, :head, :label, :key, :name, :correct, :sequence)",
        [one._asdict() for one in audits],
    )


def begin_anew(
    connection: Connection, version: str, head: str, label: str, name: str, at: str, actor: str, reason: str
) -> None:
    """A row of its own, which stays: who trusted the label again, when and why."""
    number = journal.last_number(connection) + 1
    connection.rows(
        "INSERT INTO audits (version, head, label, key, name, correct, sequence, at, actor, reason) "
        "VALUES (:version, :head, :label, :key, :name, NULL, :sequence, :at, :actor, :reason)",
        version=version,
        head=head,
        label=label,
        key=_key_of_a_row(number),
        name=name,
        sequence=number,
        at=at,
        actor=actor,
        reason=reason,
    )
    journal.give_numbers(connection, number)


def take_back(connection: Connection, sequence: int) -> None:
    connection.rows("DELETE FROM audits WHERE sequence = :sequence", sequence=sequence)


def erase(connection: Connection, key: bytes, number: int) -> None:
    """Nothing leads to the article any more; that some article's label was right or wrong stays, else a label would be
    trusted again by erasing what speaks against it. `number` is one that nothing else has."""
    connection.rows("DELETE FROM draws WHERE key = :key", key=key)
    connection.rows("UPDATE audits SET key = :instead WHERE key = :key", instead=_key_of_a_row(number), key=key)


def prune(connection: Connection, before: int) -> None:
    connection.rows("DELETE FROM draws WHERE made_at < :before", before=before)


def _key_of_a_row(number: int) -> bytes:
    """8 bytes; that of an article has 16."""
    return number.to_bytes(8)
