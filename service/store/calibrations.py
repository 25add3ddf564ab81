"""The table `calibrations`: what corrections changed about a model since it was trained, as JSON."""

from typing import NamedTuple, TypeAlias

from service.store import journal
from service.store.database import Connection

State: TypeAlias = tuple[int, int]  # how many rows, the number of the latest change


class Row(NamedTuple):
    """`body` is None where it was taken back."""

    model: str
    body: bytes | None
    sequence: int


def state(connection: Connection) -> State:
    """Differs after any change, also after another state of the store was restored."""
    [[rows, latest]] = connection.rows("SELECT count(*), max(sequence) FROM calibrations")
    return int(rows), int(latest or 0)


def read(connection: Connection) -> list[Row]:
    rows = connection.rows("SELECT model, body, sequence FROM calibrations")
    return [Row(model, None if body is None else bytes(body), int(sequence)) for model, body, sequence in rows]


def last_change(connection: Connection, model: str) -> int:
    """0 where the model has no row; one that was taken back has. Without the body, which may be half a megabyte."""
    rows = connection.rows("SELECT sequence FROM calibrations WHERE model = :model", model=model)
    return int(rows[0][0]) if rows else 0


def put(connection: Connection, model: str, body: bytes | None) -> None:
    """In place of that of any other model: it holds for the one for which it was made, and no longer than that is in
    use."""
    number = journal.last_number(connection) + 1
    remove(connection)
    connection.rows(
        "INSERT INTO calibrations (model, body, sequence) VALUES (:model, :body, :sequence)",
        model=model,
        body=body,
        sequence=number,
    )
    journal.give_numbers(connection, number)


def remove(connection: Connection) -> None:
    connection.rows("DELETE FROM calibrations")
