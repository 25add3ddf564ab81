"""The table `jobs`: what was asked for over HTTP, and how far it has come. All else is in the job's folder."""

from typing import NamedTuple

from service.store.database import Connection


class Row(NamedTuple):
    """`progress` is JSON. `next_attempt`: ms since 1970, when the callback is to be tried."""

    id: str
    status: str
    created_at: str
    updated_at: str
    max_change: float
    progress: bytes | None
    note: str
    callback: str | None
    attempts: int
    next_attempt: int | None
    idempotency_key: str | None
    fingerprint: bytes | None


_COLUMNS = ", ".join(Row._fields)


def add(connection: Connection, row: Row) -> None:
    values = ", ".join(f":{name}" for name in Row._fields)
    connection.rows(f"INSERT INTO jobs ({_COLUMNS}) VALUES ({values})", **row._asdict())  # noqa: S608


def change(connection: Connection, id_: str, **values: object) -> None:
    """These columns of a row."""
    changes = ", ".join(f"{name} = :{name}" for name in values)
    connection.rows(f"UPDATE jobs SET {changes} WHERE id = :id", id=id_, **values)  # noqa: S608


def turn(connection: Connection, id_: str, to: str, *, of: tuple[str, ...], at: str) -> bool:
    """Whether its status was one of these, and is `to` now."""
    row = get(connection, id_)
    if row is None or row.status not in of:
        return False
    change(connection, id_, status=to, updated_at=at)
    return True


def get(connection: Connection, id_: str) -> Row | None:
    rows = connection.rows(f"SELECT {_COLUMNS} FROM jobs WHERE id = :id", id=id_)  # noqa: S608
    return Row(*rows[0]) if rows else None


def by_key(connection: Connection, key: str) -> Row | None:
    rows = connection.rows(f"SELECT {_COLUMNS} FROM jobs WHERE idempotency_key = :key", key=key)  # noqa: S608
    return Row(*rows[0]) if rows else None


def newest(connection: Connection, most: int) -> list[Row]:
    rows = connection.rows(f"SELECT {_COLUMNS} FROM jobs ORDER BY id DESC LIMIT :most", most=most)  # noqa: S608
    return [Row(*row) for row in rows]


def with_status(connection: Connection, status: str) -> list[Row]:
    """Oldest first."""
    rows = connection.rows(f"SELECT {_COLUMNS} FROM jobs WHERE status = :status ORDER BY id", status=status)  # noqa: S608
    return [Row(*row) for row in rows]


def to_tell(connection: Connection, now: int) -> list[Row]:
    """Whose callback is due."""
    rows = connection.rows(
        f"SELECT {_COLUMNS} FROM jobs WHERE next_attempt <= :now ORDER BY next_attempt LIMIT 20",  # noqa: S608
        now=now,
    )
    return [Row(*row) for row in rows]
