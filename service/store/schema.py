"""Tables as this version wants them, made or changed when they are not.

A migration only adds, so that the version before goes on with the same tables: services are exchanged one by one. One
that must break that raises `oldest_reader`, and older services then say that they have to be upgraded.
"""

import logging
from pathlib import Path

from service.store.database import Connection, Database, StoreAwayError, StoreError

FORMAT = 1  # of the newest migration; each one writes its number into the table `store`
MIGRATIONS = Path(__file__).with_name("migrations")


def opened(database: Database, *, create: bool = True) -> Connection:
    """A connection to tables that this version can use; makes or changes them first if need be (0.5 s, once).

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
    logging.getLogger("alembic").setLevel(logging.WARNING)  # while it is imported, it tells of each of its plug-ins
    from service.store.migrating import migrate

    try:
        migrate(database, MIGRATIONS)
    except BaseException:
        connection.close()
        raise
