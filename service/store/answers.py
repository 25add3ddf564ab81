"""The table `predictions`: answers that were given, for as long as they are kept."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from service.store.database import Connection

TOMBSTONE = 365 * 24 * 3600 * 1000  # ms that «it was here once» is known
ROWS = 100  # in one statement
STEP = 1000  # rows pruned in one transaction


class Kept(NamedTuple):
    """`answer` is None when it was pruned or erased. `made_at` is ms since 1970. `names` of the article's text, one a
    line, are put and not got: `noted` has them."""

    prediction_id: str
    heads: str
    article_id: str | None
    draft: bool
    made_at: int
    size: int
    answer: bytes | None
    names: str | None = None


class Noted(NamedTuple):
    """The names that stand in an article, one a line."""

    article_id: str
    prediction_id: str
    made_at: int
    names: str


_COLUMNS = Kept._fields


def put(connection: Connection, answers: Sequence[Kept]) -> None:
    """The same text asked about again: the later answer stays, for each set of heads. No two of them may be the same.

    Many rows to a statement: the driver lets go of the interpreter's lock for each statement, and while articles are
    being answered it waits up to 5 ms to have it back.
    """
    for start in range(0, len(answers), ROWS):
        rows = answers[start : start + ROWS]
        connection.rows(
            _insert(len(rows)),
            **{f"{name}{i}": value for i, row in enumerate(rows) for name, value in zip(_COLUMNS, row, strict=True)},
        )


@cache
def _insert(rows: int) -> str:
    values = ", ".join(f"({', '.join(f':{name}{i}' for name in _COLUMNS)})" for i in range(rows))
    return (
        f"INSERT INTO predictions ({', '.join(_COLUMNS)}) VALUES {values} "  # noqa: S608 - names of our own
        "ON CONFLICT (prediction_id, heads) DO UPDATE SET article_id = excluded.article_id, draft = excluded.draft, "
        "made_at = excluded.made_at, size = excluded.size, answer = excluded.answer, names = excluded.names"
    )


def get(connection: Connection, prediction_id: str) -> list[Kept]:
    """The latest first."""
    rows = connection.rows(
        "SELECT prediction_id, heads, article_id, draft, made_at, size, answer FROM predictions "
        "WHERE prediction_id = :prediction_id ORDER BY made_at DESC, heads",
        prediction_id=prediction_id,
    )
    return [Kept(*row) for row in rows]


def latest(connection: Connection, most: int) -> list[Kept]:
    """Those that are still held, the latest first; their rows alone, without the answer."""
    rows = connection.rows(
        "SELECT prediction_id, heads, article_id, draft, made_at, size, NULL FROM predictions "
        "WHERE answer IS NOT NULL ORDER BY made_at DESC LIMIT :most",
        most=most,
    )
    return [Kept(*row) for row in rows]


def noted(connection: Connection, since: int, most: int) -> list[Noted]:
    """Answers with names that were made since then (ms), the latest first."""
    rows = connection.rows(
        "SELECT article_id, prediction_id, made_at, names FROM predictions "
        "WHERE made_at >= :since AND names IS NOT NULL AND article_id IS NOT NULL ORDER BY made_at DESC LIMIT :most",
        since=since,
        most=most,
    )
    return [Noted(*row) for row in rows]


def with_rubric(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the predictions that were kept before, with a rubric; pruned ones too."""
    found: set[str] = set()
    for start in range(0, len(ids), ROWS):
        names = {f"id{i}": id_ for i, id_ in enumerate(ids[start : start + ROWS])}
        rows = connection.rows(
            "SELECT prediction_id FROM predictions WHERE heads LIKE :rubric "  # noqa: S608 - names of our own
            f"AND prediction_id IN ({', '.join(f':{name}' for name in names)})",
            rubric="rubric%",
            **names,
        )
        found.update(id_ for [id_] in rows)
    return found


def contents(connection: Connection, rows: Sequence[Kept]) -> dict[Kept, bytes]:
    """The answers of rows that came without; of one that changed meanwhile there is none."""
    found: dict[Kept, bytes] = {}
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        wanted = {(row.prediction_id, row.heads, row.made_at): row for row in some}
        names = {f"id{i}": row.prediction_id for i, row in enumerate(some)}
        for prediction_id, heads, made_at, answer in connection.rows(
            "SELECT prediction_id, heads, made_at, answer FROM predictions "  # noqa: S608 - names of our own
            f"WHERE answer IS NOT NULL AND prediction_id IN ({', '.join(f':{name}' for name in names)})",
            **names,
        ):
            if row := wanted.get((prediction_id, heads, made_at)):
                found[row] = bytes(answer)
    return found


def prune(connection: Connection, *, before: int, most_bytes: int, now: int) -> int:
    """One step of it: at most 1,000 answers, oldest first, that are older than `before` or too many. Returns how many;
    0 when it is done."""
    too_much = held(connection)[1] - most_bytes
    oldest = connection.rows(
        "SELECT made_at, size FROM predictions WHERE answer IS NOT NULL ORDER BY made_at LIMIT :step", step=STEP
    )
    last, gone = -1, 0
    for made_at, size in oldest:
        if made_at >= before and too_much <= 0:
            break
        last, too_much, gone = made_at, too_much - size, gone + 1
    connection.rows(
        "UPDATE predictions SET answer = NULL, article_id = NULL, names = NULL, size = 0 "
        "WHERE answer IS NOT NULL AND made_at <= :last",
        last=last,
    )
    connection.rows("DELETE FROM predictions WHERE answer IS NULL AND made_at < :before", before=now - TOMBSTONE)
    return gone


def erase(connection: Connection, article_id: str) -> int:
    [[many]] = connection.rows("SELECT count(*) FROM predictions WHERE article_id = :article_id", article_id=article_id)
    connection.rows(
        "UPDATE predictions SET answer = NULL, article_id = NULL, names = NULL, size = 0 "
        "WHERE article_id = :article_id",
        article_id=article_id,
    )
    return int(many)


def held(connection: Connection) -> tuple[int, int]:
    """How many answers, and their bytes."""
    [[many, size]] = connection.rows(
        "SELECT count(*), coalesce(sum(size), 0) FROM predictions WHERE answer IS NOT NULL"
    )
    return int(many), int(size)
