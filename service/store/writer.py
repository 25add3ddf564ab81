"""One thread of this process writes: whatever waits goes into one transaction, hence one flush of the disk for all.

What somebody waits for (`do`) goes first and is answered when it is durable. What nobody waits for (`behind`) is
gathered, and dropped rather than let a request wait. When the store fails, everybody is told so at once, and the thread
tries again every second.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

from service.store.database import Connection, Database, StoreAwayError, StoreError
from service.store.schema import opened

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

TOGETHER = 500  # of each kind in one transaction: 20 ms
GATHER = 0.2  # seconds that what nobody waits for may wait
RETRY = 1.0  # seconds between two attempts at a store that failed
FIRST = 1.0  # seconds after which it is tried even if nothing was to be written: a start must not wait for it
HOUSEKEEPING = 600.0  # seconds


class Work(NamedTuple):
    do: Callable[[Connection], Any]
    then: Callable[[Any], object] | None
    future: "Future[Any]"


class Writer(Generic[T]):
    """`write` puts what was gathered; `tidy` is called now and then and says whether it wants to go on at once."""

    def __init__(
        self,
        database: Database,
        write: Callable[[Connection, Sequence[T]], object],
        tidy: Callable[[Connection], bool] = lambda _: False,
        room: int = 10_000,
    ) -> None:
        self.dropped = 0
        self.problem: str | None = None
        self._database = database
        self._write, self._tidy = write, tidy
        self._works: deque[Work] = deque()
        self._behind: deque[T] = deque()
        self._room = room
        self._wake = threading.Event()
        self._closing = False
        self._connection: Connection | None = None
        self._tried = self._tidied = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Writes what is waiting, if the store can be written."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def do(self, work: Callable[[Connection], R], then: Callable[[R], object] | None = None) -> "Future[R]":
        """What `work` returned, once it is durable. `then` is called before, in the writing thread. An exception of
        `work` undoes it alone; StoreAwayError: nothing was written, or (a connection lost in the middle of a commit)
        nobody knows."""
        future: Future[R] = Future()
        if self._closing or self.problem is not None:
            future.set_exception(StoreAwayError(self.problem or "the service is going down"))
            return future
        self._works.append(Work(work, then, future))
        self._wake.set()
        return future

    def behind(self, item: T) -> None:
        if len(self._behind) < self._room:
            self._behind.append(item)
        else:
            self.dropped += 1

    @property
    def waiting(self) -> tuple[T, ...]:
        """What is not written yet, oldest first."""
        return tuple(self._behind)

    def _run(self) -> None:
        while True:
            self._wake.wait(GATHER)
            self._wake.clear()
            closing = self._closing
            try:
                self._turn()
            except StoreError as error:
                self._failed(error)
            except Exception as error:
                log.exception("the store's writer stumbled")
                self._failed(StoreAwayError(f"the store's writer stumbled: {type(error).__name__}: {error}"))
            if closing and (self.problem is not None or not (self._works or self._behind)):
                break
            if self._works or len(self._behind) >= TOGETHER:
                self._wake.set()
        self._refuse("the service is going down")
        if self._connection is not None:
            self._connection.close()

    def _turn(self) -> None:
        now = time.monotonic()
        if self.problem is not None:
            self._refuse(self.problem)
            if now - self._tried < RETRY and not self._closing:
                return
        if not (self._works or self._behind) and (now - self._tried < FIRST or self._is_well()):
            self._keep_tidy(now)
            return
        self._tried = now
        connection = self._connected()
        self._do(connection, [self._works.popleft() for _ in range(min(TOGETHER, len(self._works)))])
        self._put(connection)
        if self.problem is not None:
            log.warning("the store is back")
            self.problem = None

    def _is_well(self) -> bool:
        return self.problem is None and self._connection is not None and self._connection.in_place()

    def _connected(self) -> Connection:
        if self._connection is not None and not self._connection.in_place():
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = opened(self._database)
            self._probe(self._connection)
        elif self.problem is not None:
            self._probe(self._connection)
        return self._connection

    def _probe(self, connection: Connection) -> None:
        with connection.writing():
            connection.rows("UPDATE store SET sequence = sequence")

    def _do(self, connection: Connection, works: Sequence[Work]) -> None:
        if not works:
            return
        results: list[tuple[Work, Any]] = []
        try:
            with connection.writing():
                for work in works:
                    try:
                        with connection.step():
                            results.append((work, work.do(connection)))
                    except StoreAwayError:
                        raise
                    except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
                        work.future.set_exception(error)
        except BaseException as error:
            self._failed(error)  # first: who is refused now may ask for an answer at once, and that is degraded
            for work in works:
                if not work.future.done():
                    work.future.set_exception(error)
            raise
        for work, result in results:
            if work.then is not None:
                work.then(result)
            work.future.set_result(result)

    def _put(self, connection: Connection) -> None:
        items = [self._behind[i] for i in range(min(TOGETHER, len(self._behind)))]
        if not items:
            return
        try:
            with connection.writing():
                self._write(connection, items)
        except StoreAwayError:
            raise  # they stay, and are the next attempt: a full disk may have room for a probe and not for them
        except Exception:
            log.exception("%d answers could not be kept", len(items))
            self.dropped += len(items)
        for _ in items:
            self._behind.popleft()

    def _keep_tidy(self, now: float) -> None:
        if self._connection is not None and now - self._tidied > HOUSEKEEPING:
            with self._connection.writing():
                goes_on = self._tidy(self._connection)
            if not goes_on:
                self._tidied = now

    def _failed(self, error: BaseException) -> None:
        if self.problem is None:
            log.error("the store failed: %s", error)
        self.problem = str(error) or type(error).__name__
        self._tried = time.monotonic()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._refuse(self.problem)

    def _refuse(self, problem: str) -> None:
        while self._works:
            self._works.popleft().future.set_exception(StoreAwayError(problem))
