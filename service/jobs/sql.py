"""PostgreSQL as an archive: `postgresql://USER@HOST/NAME?table=articles`, or `?query=SELECT …`, with `&key=COLUMN`.

A name never holds a password: those of a URL go where libpq looks for them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from service.jobs.location import SQL, AwayError
from service.jobs.plan import JobError, WrongUsageError

OURS = ("table", "query", "key")  # of a URL's parameters; the others are libpq's
PASSWORD = "PGPASSWORD"  # noqa: S105 - where libpq looks for it
SUFFIX = "_rubricator"


class Address(NamedTuple):
    """`database` is a URL as libpq has it. Of `table` and `query` one is there."""

    database: str
    table: str
    query: str
    key: str


def address(name: str) -> Address:
    """Raises WrongUsageError."""
    parts = _split(name)
    given = _parameters(parts.query)
    own = {one: value for one, value in given if one in OURS}
    rest = urlencode([(one, value) for one, value in given if one not in OURS], quote_via=quote)
    if "table" in own and "query" in own:
        raise WrongUsageError(f"{name}: either table= or query=")
    database = _joined(parts.netloc, parts.path, rest)
    return Address(database, own.get("table", ""), own.get("query", ""), own.get("key", ""))


def named(given: str) -> str:
    """Without a password."""
    parts = _split(given)
    netloc, (user, _, _) = parts.netloc, parts.netloc.rpartition("@")[0].partition(":")
    if "@" in netloc:
        netloc = f"{user}@{netloc.rpartition('@')[2]}"
    query = urlencode([one for one in _parameters(parts.query) if one[0] != "password"], quote_via=quote)
    return _joined(netloc, parts.path, query)


def take_passwords(*given: str) -> None:
    """From URLs to where libpq looks for one, in this process and those that it starts. Raises WrongUsageError."""
    found = set()
    for one in given:
        if one.startswith(SQL):
            parts = _split(one)
            found |= {unquote(parts.password)} if parts.password else set()
            found |= {value for name, value in _parameters(parts.query) if name == "password"}
    if len(found) > 1:
        raise WrongUsageError("two databases with two passwords: put them into ~/.pgpass, not into the URLs")
    for password in found:
        os.environ[PASSWORD] = password


def target_of(given: str, input_: str) -> str:
    """The side table: the one that the URL names, else by the name of the input's. Raises WrongUsageError."""
    if not given.startswith(SQL) or not input_.startswith(SQL):
        raise WrongUsageError("results of a table go into a table beside it, and nothing else does: name a database")
    name, source = named(given), address(input_)
    found = address(name)
    if found.query or found.key:
        raise WrongUsageError(f"{name}: results go into a table, which table= names")
    if not found.table:
        if not source.table:
            raise WrongUsageError(f"{name}: where a query is read, table= has to name the table for results")
        name += f"{'&' if '?' in name else '?'}table={quote(source.table + SUFFIX)}"
    if (found.database, address(name).table) == (source.database, source.table):
        raise WrongUsageError(
            f"{name} is what is read: results go into another table, by default {source.table}{SUFFIX}"
        )
    return name


@contextmanager
def connected(name: str, *, reading: bool) -> Iterator[Any]:
    """One transaction, which what is read can't be written in. Raises AwayError, JobError."""
    try:
        import psycopg
    except ImportError as error:
        raise JobError(f"PostgreSQL needs psycopg ({error}): pip install 'rubricator[postgresql]'") from error
    try:
        with psycopg.connect(
            address(name).database,
            connect_timeout=10,
            application_name="rubricator retag",
            tcp_user_timeout=30_000,
        ) as connection:
            connection.read_only = reading
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ if reading else None
            yield connection
    except psycopg.OperationalError as error:
        raise AwayError(
            f"{name} can't be reached, or has gone away: {_words(error)}; a password is taken from the URL, "
            f"{PASSWORD} or ~/.pgpass. --resume goes on"
        ) from error
    except psycopg.Error as error:
        raise JobError(f"{name}: {_words(error)}") from error


def identifier(table: str) -> Any:
    """`articles` or `schema.articles`."""
    from psycopg.sql import Identifier

    return Identifier(*table.split("."))


def columns(connection: Any, of: Any) -> Sequence[tuple[str, str, str]]:
    """The columns of what a statement selects: name, type, and the category that PostgreSQL puts the type into."""
    # prepared, for that takes one statement alone: a second one could end the transaction, and write
    described = connection.execute(of, (), prepare=True).description or ()
    kinds = dict[int, tuple[str, str]](
        (oid, (kind, category))
        for oid, kind, category in connection.execute(
            "SELECT oid, format_type(oid, NULL), typcategory FROM pg_type WHERE oid = ANY(%s)",
            ([one.type_code for one in described],),
        )
    )
    return [(one.name, *kinds[one.type_code]) for one in described]


def _split(url: str) -> SplitResult:
    """Raises WrongUsageError where a password can't be told from the rest; it is not repeated."""
    parts = urlsplit(url, allow_fragments=False)  # a query may hold a #
    if "@" not in parts.netloc and ("@" in parts.path or "@" in parts.query.partition("=")[0]):
        raise WrongUsageError("in a URL of a database, / ? and # of a password are written %2F, %3F and %23")
    return parts


def _joined(netloc: str, path: str, query: str) -> str:
    return f"{SQL[0]}{netloc}{path}{'?' if query else ''}{query}"  # without a host too: for a socket


def _parameters(query: str) -> list[tuple[str, str]]:
    """As libpq reads them: + is no space, and in a query it may stand for itself."""
    pairs = (one.partition("=") for one in query.split("&") if one)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
