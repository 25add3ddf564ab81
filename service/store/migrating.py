"""`python -m service.store.migrating FOLDER`: Alembic, called when tables have to be made or changed. Their database's
URL comes through standard input."""

import sys
from pathlib import Path
from typing import Any

import alembic.command
import sqlalchemy
from alembic.config import Config
from sqlalchemy.engine import Engine

from service.store.database import Database, PostgreSQL, SQLite, database_of


def migrate(database: Database, folder: Path) -> None:
    """Runs what is missing, all or nothing."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    engine = _engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def _engine(database: Database) -> Engine:
    if isinstance(database, PostgreSQL):
        return sqlalchemy.create_engine(
            sqlalchemy.make_url(database.url).set(drivername="postgresql+psycopg"), poolclass=sqlalchemy.NullPool
        )
    assert isinstance(database, SQLite)
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(database.path.absolute())), poolclass=sqlalchemy.NullPool
    )

    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#serializable-isolation-savepoints-transactional-ddl :
    # sqlite3 itself would commit before each CREATE TABLE
    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


if __name__ == "__main__":
    migrate(database_of(sys.stdin.read(), Path()), Path(sys.argv[1]))
