"""Tables as this version wants them, made or changed when they are not.

A migration only adds, so that the version before goes on with the same tables: services are exchanged one by one. One
that must break that raises `oldest_reader`, and older services then say that they have to be upgraded.
"""

import subprocess
import sys
from pathlib import Path

from service.store.database import Connection, Database, StoreAwayError, StoreError

FORMAT = 7  # of the newest migration; each one writes its number into the table `store`
MIGRATIONS = Path(__file__).with_name("migrations")


def opened(database: Database, *, create: bool = True) -> Connection:
    """A connection to tables that this version can use; makes or changes them first if need be (0.6 s, once).

    Raises StoreAwayError, or StoreError for a store that is too new.
    """
    if database.exists():
        connection = database.connect()
        found = _format(connection)
        if found >= FORMAT:
            return connection
        connection.close()
    elif not create:
        raise StoreAwayError(f"there is no store at {database.name}")
    with database.alone():
        connection = database.connect(create=True)
        if _format(connection) < FORMAT:  # else another process was faster
            _migrate(database, connection)
    return connection


def _format(connection: Connection) -> int:
    """0 where there are no tables yet."""
    try:
        if connection.dialect == "sqlite":
            [[there]] = connection.rows("SELECT count(*) FROM sqlite_master WHERE name = 'store'")
        else:
            [[there]] = connection.rows(
                "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'store'"
            )
        if not there:
            return 0
        [[found, oldest_reader]] = connection.rows("SELECT format, oldest_reader FROM store")
    except BaseException:
        connection.close()
        raise
    if oldest_reader > FORMAT:
        connection.close()
        raise StoreError(f"the store has format {found}, this service reads {FORMAT}: upgrade it")
    return int(found)


def _migrate(database: Database, connection: Connection) -> None:
    """In a process of its own: Alembic would take 290 ms from those who are being answered, and stay with 36 MB."""
    command = [sys.executable, "-m", "service.store.migrating", str(MIGRATIONS)]
    # the URL, which may hold a password, is not for everybody who lists processes
    done = subprocess.run(command, input=database.url, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        connection.close()
        [*_, told] = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StoreAwayError(f"the tables of the store {database.name} can't be made: {told}")
