"""The table `vocabulary`: tags that are not as the model has them, as JSON."""

from typing import TypeAlias

from service.store import journal
from service.store.database import Connection

State: TypeAlias = tuple[int, int]  # how many rows, the number of the latest change


def state(connection: Connection) -> State:
    """Differs after any change, also after another state of the store was restored."""
    [[rows, latest]] = connection.rows("SELECT count(*), max(sequence) FROM vocabulary")
    return int(rows), int(latest or 0)


def read(connection: Connection) -> list[bytes]:
    return [bytes(entry) for [entry] in connection.rows("SELECT entry FROM vocabulary ORDER BY id")]


def put(connection: Connection, id_: str, entry: bytes) -> None:
    number = journal.last_number(connection) + 1
    connection.rows(
        "INSERT INTO vocabulary (id, entry, sequence) VALUES (:id, :entry, :sequence) "
        "ON CONFLICT (id) DO UPDATE SET entry = excluded.entry, sequence = excluded.sequence",
        id=id_,
        entry=entry,
        sequence=number,
    )
    journal.give_numbers(connection, number)
