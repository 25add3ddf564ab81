"""The tables of editors' decisions: `corrections`, `articles` and `calls`. Bytes in, bytes out: what they mean is in
`service.corrections`."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

from service.store.database import Connection

PAGE = 500


class Entry(NamedTuple):
    """A row of the journal. `body` is None when its article was erased; `undone` is the number of what took it back."""

    sequence: int
    article_id: str | None
    actor: str | None
    received_at: str
    undoes: int | None
    taught: bool
    body: bytes | None
    article: bytes | None
    undone: int | None = None


class Remembered(NamedTuple):
    """What is known of an article; `article_id` and `memory` are None of an erased one."""

    key: bytes
    article_id: str | None
    memory: bytes | None
    erased_at: str | None
    sequence: int


Change: TypeAlias = tuple[bytes, str | None, bytes | None, str | None, int]  # the same, as it is read


class Call(NamedTuple):
    fingerprint: bytes
    answer: bytes


_REMEMBERED = "SELECT key, article_id, memory, erased_at, sequence FROM articles"
_UNDONE = "(SELECT min(u.sequence) FROM corrections u WHERE u.undoes = c.sequence)"
_COLUMNS = f"c.sequence, c.article_id, c.actor, c.received_at, c.undoes, c.taught, c.body, c.article, {_UNDONE}"


def key_of(article_id: str) -> bytes:
    """What stands for an article when nothing else of it may be kept."""
    return blake2b(article_id.encode(), digest_size=16, person=b"article").digest()


def last_number(connection: Connection) -> int:
    [[number]] = connection.rows("SELECT sequence FROM store")
    return int(number)


def give_numbers(connection: Connection, last: int) -> None:
    connection.rows("UPDATE store SET sequence = :last", last=last)


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    connection.many(
        "INSERT INTO corrections (sequence, article_id, actor, received_at, undoes, taught, body, article) "
        "VALUES (:sequence, :article_id, :actor, :received_at, :undoes, :taught, :body, :article)",
        [entry._asdict() for entry in entries],
    )


def entry(connection: Connection, sequence: int) -> Entry | None:
    rows = connection.rows(f"SELECT {_COLUMNS} FROM corrections c WHERE c.sequence = :sequence", sequence=sequence)  # noqa: S608
    return Entry(*rows[0]) if rows else None


def of_article(connection: Connection, article_id: str) -> list[Entry]:
    """Oldest first."""
    rows = connection.rows(
        f"SELECT {_COLUMNS} FROM corrections c WHERE c.article_id = :article_id ORDER BY c.sequence",  # noqa: S608
        article_id=article_id,
    )
    return [Entry(*row) for row in rows]


def page(
    connection: Connection,
    after: int,
    limit: int,
    article_id: str | None = None,
    actor: str | None = None,
    since: str | None = None,
) -> list[Entry]:
    """Oldest first, without the articles' text; `since` is ISO 8601 in UTC."""
    filters = {"article_id": article_id, "actor": actor}
    conditions = [f" AND c.{name} = :{name}" for name, value in filters.items() if value is not None]
    if since is not None:
        conditions.append(" AND c.received_at >= :since")
    given = {name: value for name, value in {**filters, "since": since}.items() if value is not None}
    rows = connection.rows(
        f"SELECT {_COLUMNS.replace('c.article,', 'NULL,')} FROM corrections c WHERE c.sequence > :after"  # noqa: S608
        f"{''.join(conditions)} ORDER BY c.sequence LIMIT :limit",
        after=after,
        limit=limit,
        **given,
    )
    return [Entry(*row) for row in rows]


def taught(connection: Connection) -> Iterator[Entry]:
    """What training may learn from, without what was undone: by article, each one's oldest first; those without an
    article id last. Read in pages: nothing is locked meanwhile."""
    select = f"SELECT {_COLUMNS} FROM corrections c WHERE c.taught AND "  # noqa: S608
    article_id, sequence = "", -1
    while rows := connection.rows(
        f"{select} (c.article_id > :article_id OR c.article_id = :article_id AND c.sequence > :sequence)"
        " ORDER BY c.article_id, c.sequence LIMIT :limit",
        article_id=article_id,
        sequence=sequence,
        limit=PAGE,
    ):
        entries = [Entry(*row) for row in rows]
        yield from (one for one in entries if one.undone is None)
        article_id, sequence = entries[-1].article_id or "", entries[-1].sequence
    sequence = -1
    while rows := connection.rows(
        f"{select} c.article_id IS NULL AND c.sequence > :sequence ORDER BY c.sequence LIMIT :limit",
        sequence=sequence,
        limit=PAGE,
    ):
        entries = [Entry(*row) for row in rows]
        yield from (one for one in entries if one.undone is None)
        sequence = entries[-1].sequence


def latest_taught(connection: Connection, most: int) -> list[Entry]:
    """What training may learn from, without what was undone and without the articles' text: the latest first."""
    columns = _COLUMNS.replace("c.article,", "NULL,")
    rows = connection.rows(
        f"SELECT {columns} FROM corrections c WHERE c.taught ORDER BY c.sequence DESC LIMIT :most",  # noqa: S608
        most=most,
    )
    return [entry for entry in (Entry(*row) for row in rows) if entry.undone is None]


def latest_texts(connection: Connection, most: int) -> list[tuple[int, bytes]]:
    """The articles that came with what training may learn from, the latest first, with their numbers."""
    rows = connection.rows(
        "SELECT c.sequence, c.article FROM corrections c WHERE c.taught AND c.article IS NOT NULL "
        "ORDER BY c.sequence DESC LIMIT :most",
        most=most,
    )
    return [(int(sequence), bytes(article)) for sequence, article in rows]


def taught_since(connection: Connection, sequence: int) -> int:
    """How many corrections that training may learn from came after this one."""
    [[count]] = connection.rows(
        "SELECT count(*) FROM corrections WHERE taught AND sequence > :sequence", sequence=sequence
    )
    return int(count)


def remembered(connection: Connection, article_id: str) -> Remembered | None:
    rows = connection.rows(f"{_REMEMBERED} WHERE key = :key", key=key_of(article_id))
    return Remembered(*rows[0]) if rows else None


def changed_since(connection: Connection, sequence: int, limit: int) -> list[Change]:
    """Oldest change first, as the plain tuples that they are: 100,000 of them are read at a start."""
    return connection.rows(
        f"{_REMEMBERED} WHERE sequence > :sequence ORDER BY sequence LIMIT :limit",
        sequence=sequence,
        limit=limit,
    )


def erased(connection: Connection) -> list[Remembered]:
    rows = connection.rows(f"{_REMEMBERED} WHERE erased_at IS NOT NULL ORDER BY sequence")
    return [Remembered(*row) for row in rows]


def remember(connection: Connection, articles: Sequence[Remembered]) -> None:
    connection.many(
        "INSERT INTO articles (key, article_id, memory, erased_at, sequence) "
        "VALUES (:key, :article_id, :memory, :erased_at, :sequence) "
        "ON CONFLICT (key) DO UPDATE SET article_id = excluded.article_id, memory = excluded.memory, "
        "erased_at = excluded.erased_at, sequence = excluded.sequence",
        [one._asdict() for one in articles],
    )


def call(connection: Connection, key: str) -> Call | None:
    rows = connection.rows("SELECT fingerprint, answer FROM calls WHERE idempotency_key = :key", key=key)
    return Call(*rows[0]) if rows else None


def keep_call(
    connection: Connection, key: str, fingerprint: bytes, first: int, last: int, answer: bytes, received_at: str
) -> None:
    connection.rows(
        "INSERT INTO calls (idempotency_key, fingerprint, first, last, answer, received_at) "
        "VALUES (:key, :fingerprint, :first, :last, :answer, :received_at)",
        key=key,
        fingerprint=fingerprint,
        first=first,
        last=last,
        answer=answer,
        received_at=received_at,
    )


def forget_calls(connection: Connection, before: str) -> None:
    connection.rows("DELETE FROM calls WHERE received_at < :before", before=before)


def erase(connection: Connection, article_id: str) -> int:
    """Everything of the article in these tables but its tombstone; returns how many corrections that were."""
    held = connection.rows("SELECT sequence FROM corrections WHERE article_id = :article_id", article_id=article_id)
    for [number] in held:
        connection.rows("DELETE FROM calls WHERE first <= :number AND last >= :number", number=number)
    connection.rows(
        "UPDATE corrections SET article_id = NULL, actor = NULL, taught = :never, body = NULL, article = NULL "
        "WHERE article_id = :article_id",
        never=False,
        article_id=article_id,
    )
    return len(held)


def count(connection: Connection) -> int:
    [[corrections]] = connection.rows("SELECT count(*) FROM corrections")
    return int(corrections)


def last_received(connection: Connection) -> str | None:
    [[latest]] = connection.rows("SELECT max(received_at) FROM corrections WHERE undoes IS NULL")
    return None if latest is None else str(latest)
