"""Connections for reading, kept for the next who asks."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from service.store.database import Connection, Database
from service.store.schema import opened

KEPT = 4


class Readers:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle: deque[Connection] = deque()

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """Raises StoreAwayError, also when there is no store yet and none can be made."""
        connection = self._taken()
        try:
            yield connection
        except BaseException:  # also GeneratorExit of one who reads no further
            connection.close()
            raise
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _taken(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.in_place():
                return connection
            connection.close()
        return opened(self._database)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
