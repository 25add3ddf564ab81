"""What is kept, as one: the store, the thread that writes it, the editors' memory, their journal, the answers."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from service.audits import Audits
from service.calibrations import Calibrations
from service.corrections import Corrections
from service.drawn import KEPT
from service.latest import Latest
from service.new_names import NewNames
from service.predictions import Given, Predictions, Write
from service.recall import Recall
from service.store import answers, audits, days, journal
from service.store.database import Connection, Database, StoreError
from service.store.readers import Readers
from service.store.writer import Writer
from service.terms import Terms
from service.trust import TARGET

DAY = 24 * 3600 * 1000  # ms
FIGURES = timedelta(days=1100)  # for so long what was answered each day is known
CALLS = timedelta(days=30)  # for so long a call may be sent again under its Idempotency-Key
PATIENCE = 0.2  # seconds that a start waits for the editors' decisions; until they are read, answers are degraded
FRESH = 15.0  # seconds that sizes are good for


class Sizes(NamedTuple):
    corrections: int
    predictions: int
    predictions_bytes: int
    store_bytes: int
    last_correction: str | None  # when it came, ISO 8601


class Keeping:
    def __init__(
        self,
        database: Database,
        days: int,
        most_bytes: int,
        target: Callable[[str], float] = lambda _: TARGET,
        audit_share: float = 0.0,
    ) -> None:
        """`target` tells of a version of the model which precision its `auto` is aimed at; `audit_share` of the
        articles are drawn to be judged."""
        self.database = database
        self.readers = Readers(database)
        self.terms = Terms()
        self.audits = Audits(target)
        self.calibrations = Calibrations()
        self.recall = Recall(database, lambda: self.writer.problem, self._catch_up)
        self.writer: Writer[Given] = Writer(database, Write(self.recall, audit_share), self._tidy)
        self.predictions = Predictions(self.writer, self.readers)
        self.latest = Latest(self.readers)
        self.new_names = NewNames(self.readers, lambda: self.recall.erased)
        self.corrections = Corrections(self.writer, self.readers, self.recall)
        self._days, self._most_bytes = days, most_bytes
        self._sizes: tuple[float, Sizes] | None = None

    def _catch_up(self, connection: Connection) -> None:
        self.terms.catch_up(connection)
        self.audits.catch_up(connection)
        self.calibrations.catch_up(connection)

    def start(self) -> None:
        self.recall.start()
        self.writer.start()

    def close(self) -> None:
        self.recall.close()
        self.writer.close()
        self.readers.close()

    def settle(self) -> None:
        """After an erasure: nothing of it is left in the file, nor in its log. PostgreSQL's own vacuum sees to that."""
        with self.readers.one() as connection:
            if connection.dialect == "sqlite":
                connection.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def sizes(self) -> Sizes | None:
        """None while the store is away. Reads the store, seldom."""
        if self._sizes is None or time.monotonic() - self._sizes[0] > FRESH:
            try:
                with self.readers.one() as connection:
                    sizes = Sizes(
                        journal.count(connection),
                        *answers.held(connection),
                        bytes_of(connection),
                        journal.last_received(connection),
                    )
            except StoreError:
                return None
            self._sizes = time.monotonic(), sizes
        return self._sizes[1]

    def prune(self) -> int:
        """What is too old or too much goes now; returns how many answers that were."""
        gone = 0
        while step := self.writer.do(self._prune).result():
            gone += step
        return gone

    def _prune(self, connection: Connection) -> int:
        now = int(time.time() * 1000)
        before = now - self._days * DAY
        step = answers.prune(connection, before=before, most_bytes=self._most_bytes, now=now)
        if not step:
            audits.prune(connection, now - KEPT)
            days.prune(connection, (datetime.now(UTC) - FIGURES).date().isoformat())
            journal.forget_calls(connection, (datetime.now(UTC) - CALLS).isoformat(timespec="microseconds"))
        return step

    def _tidy(self, connection: Connection) -> bool:
        return self._prune(connection) > 0


def bytes_of(connection: Connection) -> int:
    """What all tables take, with their indexes."""
    if connection.dialect == "sqlite":
        [[pages]], [[size]] = connection.rows("PRAGMA page_count"), connection.rows("PRAGMA page_size")
        return int(pages * size)
    tables = (
        "corrections",
        "articles",
        "calls",
        "predictions",
        "vocabulary",
        "audits",
        "draws",
        "jobs",
        "calibrations",
        "days",
    )
    return sum(
        int(connection.rows("SELECT pg_total_relation_size(CAST(:table AS regclass))", table=table)[0][0])
        for table in tables
    )
