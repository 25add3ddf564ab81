"""Alembic without its own command. Imported only when tables have to be made or changed: it costs 290 ms."""

from pathlib import Path
from typing import Any

import alembic.command
import sqlalchemy
from alembic.config import Config
from sqlalchemy.engine import Engine

from service.store.database import Database, PostgreSQL, SQLite, StoreAwayError


def migrate(database: Database, folder: Path, target: str = "head") -> None:
    """Runs what is missing up to `target`, all or nothing. Raises StoreAwayError."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    engine = _engine(database)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, target)
    except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        told = " ".join(str(getattr(error, "orig", None) or error).split())
        raise StoreAwayError(f"the tables of the store {database.name} can't be made: {told}") from error
    finally:
        engine.dispose()


def _engine(database: Database) -> Engine:
    if isinstance(database, PostgreSQL):
        return sqlalchemy.create_engine(sqlalchemy.make_url(database.url).set(drivername="postgresql+psycopg"))
    assert isinstance(database, SQLite)
    engine = sqlalchemy.create_engine(sqlalchemy.URL.create("sqlite", database=str(database.path.absolute())))

    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#serializable-isolation-savepoints-transactional-ddl :
    # sqlite3 itself would commit before each CREATE TABLE
    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
