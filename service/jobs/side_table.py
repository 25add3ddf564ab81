"""Results of a table in a table beside it: `key` as text, `annotation`, `rubric`, `regions`, `tags`, and the job that
wrote the row. All rows of a job come in one transaction; rows of other keys stay as they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.inference.beside import file_beside
from service.jobs import sql
from service.jobs.pieces import Piece
from service.jobs.plan import JobError

COLUMNS = ("key", "annotation", "rubric", "regions", "tags", "job")
MADE = (
    "CREATE TABLE IF NOT EXISTS {} (key text PRIMARY KEY, annotation jsonb NOT NULL, rubric text, regions jsonb, "
    "tags jsonb, job text NOT NULL)"
)
PUT = (  # labels of a head that this job was not asked for stay as an earlier one wrote them
    "INSERT INTO {} (key, annotation, rubric, regions, tags, job) "
    "SELECT row->>'key', row->'annotation', CASE WHEN row ? 'rubric' THEN row->>'rubric' ELSE old.rubric END, "
    "CASE WHEN row ? 'regions' THEN nullif(row->'regions', 'null') ELSE old.regions END, "
    "CASE WHEN row ? 'tags' THEN nullif(row->'tags', 'null') ELSE old.tags END, coalesce(row->>'job', %s) "
    "FROM fresh LEFT JOIN {} AS old ON old.key = row->>'key' "
    "ON CONFLICT (key) DO UPDATE SET annotation = excluded.annotation, rubric = excluded.rubric, "
    "regions = excluded.regions, tags = excluded.tags, job = excluded.job"
)


class SideTable:
    def __init__(self, name: str, job: str) -> None:
        self._name, self._job = name, job
        self._table = sql.address(name).table

    def stamp(self) -> str:
        """Of the job's rows."""
        with sql.connected(self._name, reading=True) as connection:
            if not self._exists(connection):
                raise FileNotFoundError(self._name)
            return self._stamp(connection)

    def check(self) -> None:
        """Whether results can go there. Raises JobError, AwayError."""
        with sql.connected(self._name, reading=False) as connection:
            self._make(connection)
            connection.rollback()

    def holds(self, pieces: Sequence[Piece]) -> bool:
        """Rows are no bytes; `put` knows what it has done."""
        return False

    def beside(self, folder: Path, mark: str) -> Path:
        return folder / f"beside-{mark}"

    def keep(self, kept: Path) -> bool:
        """Whether the table was there before this job; which of its rows to keep is known when the new ones are."""
        made = kept.with_name(f"{kept.name}.made")
        with sql.connected(self._name, reading=True) as connection:
            if not self._exists(connection):
                made.touch()
        return not made.exists()

    def put(self, beside: Path, kept: Path, had: bool) -> str:
        with sql.connected(self._name, reading=False) as connection:
            self._make(connection)
            if not self._rows_of_job(connection):  # else a crash came after the transaction
                self._fill(connection, beside)
                self._keep_replaced(connection, kept)
                connection.execute(self._sql(PUT), (self._job,))
            stamp = self._stamp(connection)
        beside.unlink()
        return stamp

    def take_back(self, kept: Path, had: bool) -> None:
        with sql.connected(self._name, reading=False) as connection:
            if kept.exists():
                self._fill(connection, kept)
                connection.execute(self._sql(PUT), (self._job,))  # not deleted first: a newsroom may add columns
            connection.execute(self._sql("DELETE FROM {} WHERE job = %s"), (self._job,))
            if not had and not connection.execute(self._sql("SELECT 1 FROM {} LIMIT 1")).fetchone():
                connection.execute(self._sql("DROP TABLE {}"))

    def is_taken_back(self, kept: Path, had: bool) -> bool:
        with sql.connected(self._name, reading=True) as connection:
            return not self._exists(connection) or not self._rows_of_job(connection)

    def _exists(self, connection: Any) -> bool:
        name = sql.identifier(self._table).as_string(connection)
        return bool(connection.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()[0])

    def _make(self, connection: Any) -> None:
        if not self._exists(connection):
            connection.execute(self._sql(MADE))
        found = {name for name, _, _ in sql.columns(connection, self._sql("SELECT * FROM {} LIMIT 0"))}
        if missing := set(COLUMNS) - found:
            raise JobError(f"{self._name}: that table is not one of results, it has no {min(missing)}: name another")

    def _rows_of_job(self, connection: Any) -> bool:
        return (
            connection.execute(self._sql("SELECT 1 FROM {} WHERE job = %s LIMIT 1"), (self._job,)).fetchone()
            is not None
        )

    def _stamp(self, connection: Any) -> str:
        rows, content = connection.execute(
            self._sql("SELECT count(*), sum(hashtextextended(rows::text, 0)) FROM {} AS rows WHERE job = %s"),
            (self._job,),
        ).fetchone()
        return f"{rows}-{content}"

    def _fill(self, connection: Any, path: Path) -> None:
        """The rows of a file, for the rest of the transaction."""
        connection.execute("CREATE TEMPORARY TABLE fresh (row jsonb NOT NULL) ON COMMIT DROP")
        with path.open("rb") as lines, connection.cursor().copy("COPY fresh (row) FROM STDIN") as copy:
            for line in lines:
                copy.write_row((line.rstrip(b"\n").decode(),))

    def _keep_replaced(self, connection: Any, kept: Path) -> None:
        statement = "COPY (SELECT to_jsonb(rows)::text FROM {} AS rows JOIN fresh ON key = row->>'key') TO STDOUT"
        with file_beside(kept) as file, connection.cursor().copy(self._sql(statement)) as copy:
            for (row,) in copy.rows():
                file.write(row.encode() + b"\n")

    def _sql(self, statement: str) -> Any:
        from psycopg.sql import SQL

        return SQL(statement.replace("{}", "{table}")).format(table=sql.identifier(self._table))
