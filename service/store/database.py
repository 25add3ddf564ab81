"""Two databases, one way to talk to them: plain SQL with named parameters, `:name`.

Every failure of a driver comes out as StoreAwayError: the store can't be read or written just now. All writing
transactions of all processes go one after another, on either database, so what one of them reads stays true until it
commits, and the numbers it hands out become visible in their order.
"""

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

BUSY = 5.0  # seconds that a writer waits for another one
CONNECT = 3  # seconds

Dialect = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]


class StoreError(Exception):
    """The store can't be used; the message says why and what to do."""


class StoreAwayError(StoreError):
    """It can't be read or written now: away, full, locked or read-only. It may come back by itself."""


class Connection(Protocol):
    """Of one thread at a time."""

    @property
    def dialect(self) -> Dialect: ...

    def rows(self, statement: str, **parameters: Any) -> list[Row]: ...

    def many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        """The statement once for each of them."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction, durable when the block has ended well; one at a time over all processes."""
        yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part of a transaction that can fail without the others."""
        yield

    def in_place(self) -> bool:
        """Whether this is still the database that others would open now."""
        ...

    def close(self) -> None: ...


class Database(Protocol):
    @property
    def name(self) -> str:
        """For messages; without a password."""
        ...

    @property
    def url(self) -> str:
        """As the setting has it; with a password."""
        ...

    def exists(self) -> bool: ...

    def connect(self, *, create: bool = False) -> Connection: ...

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While its tables are made or changed: one process at a time."""
        yield


def database_of(url: str, home: Path) -> Database:
    """By the setting `store`; HOME/store.db without one. Opens nothing. Raises StoreError for a URL of another kind."""
    if not url:
        return SQLite(home / "store.db")
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/"):
        return SQLite(Path(rest.removeprefix("/")))
    if scheme in ("postgresql", "postgres"):
        return PostgreSQL(url)
    raise StoreError(
        "the setting store takes postgresql://USER@HOST/NAME or sqlite:///PATH (four / for an absolute one)"
    )


class SQLite:
    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.url = f"sqlite:///{path.absolute()}"
        self._was_there = False

    def exists(self) -> bool:
        return self.path.exists()

    def connect(self, *, create: bool = False) -> Connection:
        with _away(_SQLITE, self.name):
            if create and self._was_there and not self.exists():
                raise StoreAwayError(f"{self.path} has been moved or removed: put it back")  # no second journal
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                opened = _SQLiteConnection(self.path, "mode=rwc" if create else "mode=rw")
            except sqlite3.OperationalError:
                if create or not self.exists() or self._has_log():
                    raise
                # a read-only disk: the files beside, which readers of a log share, can't be made; there is no log
                opened = _SQLiteConnection(self.path, "immutable=1")
            if create:
                opened.write_ahead()
            self._was_there = True
            return opened

    def _has_log(self) -> bool:
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.exists() and log.stat().st_size > 0

    @contextmanager
    def alone(self) -> Iterator[None]:
        import fcntl

        with _away(_SQLITE, self.name):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self.path.with_name(f"{self.path.name}.lock").open("ab")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def integrity(connection: Connection) -> str | None:
    """What SQLite's own check finds, which reads the whole file; PostgreSQL checks its pages itself."""
    if connection.dialect != "sqlite":
        return None
    found = [str(row[0]) for row in connection.rows("PRAGMA quick_check(3)")]
    return None if found == ["ok"] else "; ".join(found)


_SQLITE = (sqlite3.Error, (sqlite3.DataError, sqlite3.IntegrityError))


class _SQLiteConnection:
    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, mode: str) -> None:
        self._path = path
        self._may_change = mode != "immutable=1"
        uri = f"file:{quote(str(path.absolute()))}?{mode}"
        connection = self._connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            self._opened = _identity(path)
            # FULL: a commit is on the disk when it returns; in WAL, NORMAL would leave that to the next checkpoint
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # fails where nothing can be read
        except BaseException:
            connection.close()
            raise

    def write_ahead(self) -> None:
        """Readers and the writer then don't wait for each other. Stays with the file. SQLite itself does not wait for
        whoever looks at the file just now."""
        deadline = time.monotonic() + BUSY
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def rows(self, statement: str, **parameters: Any) -> list[Row]:
        with _away(_SQLITE, str(self._path)):
            return self._connection.execute(statement, parameters).fetchall()

    def many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        with _away(_SQLITE, str(self._path)):
            self._connection.executemany(statement, parameters)

    @contextmanager
    def writing(self) -> Iterator[None]:
        if not self._may_change:
            raise StoreAwayError(f"{self._path} is readonly: its user, its rights or its disk say so")
        if not self.in_place():
            raise StoreAwayError(f"{self._path} has been moved or removed: put it back")
        self.rows("BEGIN IMMEDIATE")
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.rollback()
            raise

    @contextmanager
    def step(self) -> Iterator[None]:
        with _savepoint(self):
            yield

    def in_place(self) -> bool:
        """One that was opened as immutable sees no change: the next look has to open it again."""
        return self._may_change and _identity(self._path) == self._opened

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()


class PostgreSQL:
    dialect: Dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self.name = f"postgresql://{parts.hostname or 'localhost'}{parts.path}"

    def exists(self) -> bool:
        return True  # its tables may have to be made

    def connect(self, *, create: bool = False) -> Connection:
        return _PostgreSQLConnection(self.url, self.name)

    @contextmanager
    def alone(self) -> Iterator[None]:
        connection = _PostgreSQLConnection(self.url, self.name)
        try:
            connection.rows("SELECT pg_advisory_lock(:lock)", lock=_LOCK)
            yield
        finally:
            connection.close()  # and the lock with it


_LOCK = 7282279820  # any number that nobody else takes


class _PostgreSQLConnection:
    dialect: Dialect = "postgresql"

    def __init__(self, url: str, name: str) -> None:
        self._name = name
        psycopg = _psycopg()
        self._errors = (psycopg.Error, (psycopg.DataError, psycopg.IntegrityError))
        with _away(self._errors, name):
            self._connection = psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=CONNECT,
                application_name="rubricator",
                tcp_user_timeout=5000,
            )
            try:
                # whatever the server's default is: an answer of 201 promises that the disk has it
                self._connection.execute("SET synchronous_commit = on; SET statement_timeout = 20000")
            except BaseException:
                self._connection.close()
                raise

    def rows(self, statement: str, **parameters: Any) -> list[Row]:
        with _away(self._errors, self._name):
            cursor = self._connection.execute(_percent(statement), parameters)
            return cursor.fetchall() if cursor.description else []

    def many(self, statement: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        with _away(self._errors, self._name), self._connection.cursor() as cursor:
            cursor.executemany(_percent(statement), parameters)

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.rows("BEGIN")
        try:
            self.rows("SELECT sequence FROM store FOR UPDATE")  # one writer at a time, as SQLite has it
            yield
            self.rows("COMMIT")
        except BaseException:
            with suppress(self._errors[0]):
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def step(self) -> Iterator[None]:
        with _savepoint(self):
            yield

    def in_place(self) -> bool:
        return not self._connection.closed

    def close(self) -> None:
        with suppress(self._errors[0]):
            self._connection.close()


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise StoreError(f"PostgreSQL needs psycopg ({error}): pip install 'rubricator[postgresql]'") from error
    return psycopg


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    connection.rows("SAVEPOINT step")
    try:
        yield
    except BaseException:
        with suppress(StoreAwayError):
            connection.rows("ROLLBACK TO SAVEPOINT step")
            connection.rows("RELEASE SAVEPOINT step")
        raise
    connection.rows("RELEASE SAVEPOINT step")


@contextmanager
def _away(errors: tuple[type[Exception], tuple[type[Exception], ...]], name: str) -> Iterator[None]:
    """The driver's errors but those of what was written: a value that the database can't take is our mistake."""
    driver, of_values = errors
    try:
        yield
    except of_values:
        raise
    except (driver, OSError) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise StoreAwayError(f"the store {name} can't be used now: {told}") from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@cache
def _percent(statement: str) -> str:
    """`:name` as psycopg writes it."""
    return re.sub(r"(?<![:\w]):(\w+)", r"%(\1)s", statement)
