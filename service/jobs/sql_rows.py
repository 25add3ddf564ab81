"""A table or a query in shards of keys: read in their order and in transactions that can't write, each by a cursor of
the server's. Columns that are called as an article's fields are read; the others are the database's own."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from service.fields import unknown_fields
from service.inference.article import LabelledArticle
from service.jobs import sql
from service.jobs.counts import Rejected, ShardCounts
from service.jobs.deciding import GROUP, decided
from service.jobs.json_lines import labels_after, nowhere
from service.jobs.plan import JobError, Plan
from service.jobs.shards import Shard
from service.jobs.worker import Equipment
from service.lines import write_lines

READ = frozenset({*LabelledArticle.__struct_fields__, "annotation"})
TEXTS = ("title", "text", "body_html")
BYTES = 4096  # that an article is taken to have, to count shards and what is left to do
# categories of PostgreSQL: strings, enumerations, numbers, dates, arrays, and what the user made, as uuid and json are
TEXT = ("S", "E")
FITS = {"id": ("S", "E", "N", "U"), "published_at": ("S", "D")}
JSON = ("json", "jsonb")
LISTS = ("regions", "tags")


class Source(NamedTuple):
    """`rows` is a SELECT of the column `key` and of `record`, which is JSON."""

    key: str
    rows: Any
    stamp: str


def ranges(name: str, shard_bytes: int) -> Iterator[tuple[int, int, int, str | None, str]]:
    """Numbers of the first row and of the one behind the last, bytes, the key before the first and that of the last.
    Reads all keys. Raises AwayError, and JobError of one that is missing or there twice."""
    most = max(1, shard_bytes // BYTES)
    with _reading(name) as (connection, source), connection.cursor("keys") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_sql("SELECT rows.key::text FROM ({}) AS rows ORDER BY rows.key", source.rows), {})
        after = last = None
        start = number = 0
        for number, (key,) in enumerate(cursor, start=1):
            if key is None or (key == last and number > 1):
                what = f"is there twice: {key}" if key is not None else "is NULL in a row"
                raise JobError(f"{name}: the key {source.key} {what}; name another with &key=")
            last = key
            if number - start == most:
                yield start, number, most * BYTES, after, key
                start, after = number, key
        if last is not None and number > start:
            yield start, number, (number - start) * BYTES, after, last


def stamp_of(name: str) -> str:
    """Of what is read, not of the rows: a database goes on living, and each shard is read when its turn comes."""
    with _reading(name) as (_, source):
        return source.stamp


def retag_rows(plan: Plan, shard: Shard, with_model: Equipment, counts: ShardCounts, part: Path | None) -> list[bytes]:
    """What retag_shard does with rows; returns those that can't be used, as JSON. Heavy on CPU."""
    asked = plan.asked
    refused: list[bytes] = []
    with nullcontext(nowhere) if part is None else write_lines(part) as write:
        for group in _groups(shard):
            keys = dict(enumerate((key for key, _ in group), start=counts.lines + 1))
            lines = dict(zip(keys, (record.encode() for _, record in group), strict=True))
            counts.lines += len(group)
            for one in decided(plan, with_model, lines, counts):
                if isinstance(one, Rejected):
                    refused.append(lines[one.line])
                elif one.change is not None and (one.is_changed or not asked.only_changes):
                    counts.written += 1
                    fields = {head: labels_after(one, head) for head in asked.heads}
                    write(msgspec.json.encode({"key": keys[one.line], "annotation": one.annotation, **fields}))
    return refused


def _groups(shard: Shard) -> Iterator[list[tuple[str, str]]]:
    """Keys and records."""
    with _reading(shard.path) as (connection, source), connection.cursor("rows") as cursor:
        cursor.execute(
            _sql(
                "SELECT rows.key::text, rows.record::text FROM ({}) AS rows WHERE {} ORDER BY rows.key",
                source.rows,
                _sql(
                    "rows.key <= %(last)s" if shard.after is None else "rows.key > %(after)s AND rows.key <= %(last)s"
                ),
            ),
            {"after": shard.after, "last": shard.last},
        )
        while group := cursor.fetchmany(GROUP):
            yield group


@contextmanager
def _reading(name: str) -> Iterator[tuple[Any, Source]]:
    with sql.connected(name, reading=True) as connection:
        yield connection, _source(connection, name)


def _source(connection: Any, name: str) -> Source:
    """Raises JobError where there is no key, no text, or a column that can't be what it is called."""
    from psycopg.sql import Composed, Identifier

    address = sql.address(name)
    if address.table:
        rows = _sql("SELECT * FROM {}", sql.identifier(address.table))
    elif address.query:
        rows = _sql(
            address.query.strip().rstrip(";").replace("%", "%%").replace("{", "{{").replace("}", "}}") + "\n"
        )  # it may end in a comment
    else:
        raise JobError(f"{name}: add ?table=TABLE or ?query=SELECT …")
    found = sql.columns(connection, _sql("SELECT * FROM ({}) AS rows LIMIT 0", rows))
    key = address.key or (_primary_key(connection, name, address.table) if address.table else "id")
    names = [column for column, _, _ in found]
    if key not in names:
        raise JobError(f"{name}: there is no column {key} to read by: name one that is unique with &key=")
    if not any(one in names for one in TEXTS):
        raise JobError(f"{name}: no column is called title, text or body_html{_meant(names)}: rename them in ?query=")
    picked = [_sql("{}::text AS id", Identifier(key))] if "id" not in names else []
    for column, kind, category in found:
        if column in READ:
            if not _fits(column, kind, category):
                raise JobError(f"{name}: the column {column} is {kind}, which {_wanted(column)}: cast it in ?query=")
            as_text = column == "id" or category in TEXT
            picked.append(_sql("{}::text AS {}" if as_text else "{} AS {}", Identifier(column), Identifier(column)))
        else:  # named, for some may be meant for others
            picked.append(_sql("NULL AS {}", Identifier(column)))
    record = _sql(
        "SELECT {} AS key, (SELECT row_to_json(record) FROM (SELECT {}) AS record) AS record FROM ({}) AS source",
        Identifier(key),
        Composed(picked).join(", "),
        rows,
    )
    about = msgspec.json.encode([key, *found])
    return Source(key, record, hashlib.sha256(about).hexdigest())


def _primary_key(connection: Any, name: str, table: str) -> str:
    found = connection.execute(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey) "
        "WHERE indrelid = to_regclass(%s) AND indisprimary",
        (sql.identifier(table).as_string(connection),),
    ).fetchall()
    if len(found) != 1:
        what = "has no primary key" if not found else "has a primary key of several columns"
        raise JobError(f"{name}: {table} {what}: name a column that is unique and never NULL with &key=COLUMN")
    return str(found[0][0])


def _fits(column: str, kind: str, category: str) -> bool:
    if column in LISTS:
        return kind in JSON or (category == "A" and kind.removesuffix("[]") in {"text", "character varying"})
    if column in {"current", "annotation"}:
        return kind in JSON
    return category in FITS.get(column, TEXT) and kind not in {*JSON, "bytea"}


def _wanted(column: str) -> str:
    if column in LISTS:
        return "has to be text[] or json"
    return "has to be json" if column in {"current", "annotation"} else "has to be text"


def _meant(names: list[str]) -> str:
    found = [(one.pointer[1:], one.did_you_mean) for one in unknown_fields(dict.fromkeys(names, msgspec.Raw(b"null")))]
    return "".join(f", {name} may be meant for {meant}" for name, meant in found if meant in TEXTS)


def _sql(statement: str, *parts: Any) -> Any:
    from psycopg.sql import SQL

    return SQL(statement).format(*parts)
