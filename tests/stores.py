"""Both databases for the tests of the store: `@on_both` runs a test on each, `store` is then the setting."""

from collections.abc import Iterator

import pytest

from service.store import schema
from service.store.database import Connection, Database
from service.store.migrating import migrate
from tests.postgresql import Server, postgresql, programs

migrated_in_a_process = schema._migrate


@pytest.fixture(scope="session", autouse=True)
def _tables_are_made_here() -> Iterator[None]:
    """30 ms in place of 600 for each test that has a store; a service that is a process makes them the real way."""

    def here(database: Database, _: Connection) -> None:
        migrate(database, schema.MIGRATIONS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_migrate", here)
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if (found := programs()) is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    with postgresql(found) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest) -> str:
    """The setting: a new PostgreSQL schema, or nothing, which is SQLite in the home."""
    if request.param == "sqlite":
        return ""
    running: Server = request.getfixturevalue("server")
    return running.new_schema()
