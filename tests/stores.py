"""Both databases for the tests of the store: `@on_both` runs a test on each, `store` is then the setting."""

from collections.abc import Iterator

import pytest

from tests.postgresql import Server, postgresql, programs


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
