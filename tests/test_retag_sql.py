"""Bulk retagging of a table of PostgreSQL: read without a right to write, into one beside it, resumed, taken back."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from service.jobs import command, side_table, sql, sql_rows
from service.jobs.job import all_jobs
from service.jobs.location import AwayError, in_target, named
from service.jobs.plan import JobError, Scope, WrongUsageError
from tests.postgresql import Server, postgresql, programs
from tests.retagging import Newsroom, archive, newsroom, sure, until  # noqa: F401 - fixtures
from tests.sure_model import SOURCE

pytestmark = pytest.mark.slow


@dataclass
class Table:
    """`articles` in a schema of its own, with columns that are not ours."""

    url: str  # with ?options=…

    def input(self, more: str = "table=articles") -> str:
        return named(f"{self.url}&{more}")

    def output(self, name: str = "") -> str:
        return in_target(f"{self.url}&table={name}" if name else self.url, self.input())

    def rows(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def results(self) -> list[Any]:
        return self.rows("SELECT key, annotation, regions, tags FROM articles_rubricator ORDER BY key::bigint")

    def fill(self, count: int) -> None:
        articles = [(i, one["title"], one["text"], SOURCE, one["published_at"]) for i, one in enumerate(archive(count))]
        with psycopg.connect(self.url) as connection:
            connection.cursor().executemany("INSERT INTO articles VALUES (%s, %s, %s, %s, %s, 7, '{}')", articles)


COLUMNS = (
    "id bigint PRIMARY KEY, title varchar(500), text text, source text, "
    "published_at timestamptz, views int, tags text[]"
)


@pytest.fixture
def table(server: Server) -> Table:
    made = Table(server.new_schema())
    made.rows(f"CREATE TABLE articles ({COLUMNS})")
    made.fill(60)
    return made


def test_a_table_gets_a_table_beside_it_and_stays_as_it_was(newsroom: Newsroom, table: Table) -> None:
    before = table.rows("SELECT * FROM articles ORDER BY id")
    table.rows("UPDATE articles SET tags = '{Наш тег}' WHERE id = 3")
    _, outcome = newsroom.retag(table.input(), table.output(), workers=2)
    assert (outcome.status, outcome.totals.articles, outcome.totals.written) == ("done", 60, 60)
    found = table.results()
    assert [key for key, *_ in found] == [str(i) for i in range(60)]
    lines = [{**one, "id": str(i), "tags": ["Наш тег"] if i == 3 else []} for i, one in enumerate(archive())]
    newsroom.retag(newsroom.file("in.jsonl", lines))
    for (_, annotation, regions, tags), line in zip(found, newsroom.read(), strict=True):
        assert (regions, tags) == (line["regions"], line["tags"])
        assert [one["pointer"] for one in annotation["warnings"]] == ["/views"]
        assert {**annotation, "warnings": []} == line["annotation"]
    table.rows("UPDATE articles SET tags = '{}' WHERE id = 3")
    assert table.rows("SELECT * FROM articles ORDER BY id") == before


def test_nothing_that_is_read_can_be_written(table: Table) -> None:
    with (
        pytest.raises(JobError, match="read-only transaction"),
        sql.connected(table.input(), reading=True) as connection,
    ):
        connection.execute("DELETE FROM articles")


def test_a_query_is_read_by_its_key_whatever_is_in_it(newsroom: Newsroom, table: Table) -> None:
    table.rows("ALTER TABLE articles RENAME COLUMN text TO body")
    where = "title NOT LIKE '{%25#' AND (id + 2) %25 2 = 0;"
    query = f"SELECT 'a-' || id AS slug, body AS text, title FROM articles WHERE {where}"
    source = table.input(f"query={query}&key=slug")
    _, outcome = newsroom.retag(source, table.output("found"))
    assert outcome.totals.articles == 30
    keys = [key for (key,) in table.rows("SELECT key FROM found")]
    assert sorted(keys) == sorted(f"a-{i}" for i in range(0, 60, 2))
    assert {one for (one,) in table.rows("SELECT annotation->>'id' FROM found")} == set(keys)
    with pytest.raises(WrongUsageError, match="table= has to name"):
        in_target(table.url, source)


def test_rows_out_of_scope_and_rows_that_can_not_be_used_have_no_result(newsroom: Newsroom, table: Table) -> None:
    table.rows("UPDATE articles SET title = NULL, text = NULL WHERE id = 8")
    table.rows("UPDATE articles SET title = NULL, published_at = NULL, tags = NULL WHERE id = 9")
    scope = Scope(ids=tuple(map(str, range(20))))
    job, outcome = newsroom.retag(table.input(), table.output(), scope=scope)
    assert [int(key) for key, *_ in table.results()] == [i for i in range(20) if i != 8]
    assert (outcome.totals.rejected, outcome.totals.passed) == (1, 40)
    [rejected] = [json.loads(line) for line in job.rejected.read_bytes().splitlines()]
    assert rejected["id"] == "8"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_after_kill_9_resume_makes_the_same_rows_and_none_twice(newsroom: Newsroom, table: Table, workers: str) -> None:
    table.rows("DELETE FROM articles")
    table.fill(200)
    newsroom.retag(table.input(), table.output())
    whole = table.results()
    table.rows("DROP TABLE articles_rubricator")
    (newsroom.folder / "home").rename(newsroom.folder / "before")
    words = (f"{table.url}&table=articles", table.url, "--workers", workers)
    process = newsroom.started(*words)
    try:
        until(lambda: newsroom.finished_shards() >= 3, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    assert table.rows("SELECT to_regclass('articles_rubricator')") == [(None,)]
    assert newsroom.started(*words, "--resume").wait(60) == 0, (newsroom.folder / "told").read_text()
    assert table.results() == whole
    assert len(whole) == 200


@pytest.mark.parametrize("committed", [False, True])
def test_a_crash_while_rows_are_written_does_no_harm(
    newsroom: Newsroom, table: Table, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    class CrashError(Exception):
        pass

    put, stamp = side_table.SideTable.put, side_table.SideTable._stamp

    def crash(self: side_table.SideTable, *values: Any) -> str:
        if committed:
            put(self, *values)
        raise CrashError

    newsroom.retag(table.input(), table.output(), scope=Scope(ids=("1", "2")), accept="review")
    before = table.rows("SELECT * FROM articles_rubricator ORDER BY key")
    monkeypatch.setattr(side_table.SideTable, "put" if committed else "_stamp", crash)
    with pytest.raises(CrashError):
        newsroom.retag(table.input(), table.output())
    monkeypatch.setattr(side_table.SideTable, "put", put)
    monkeypatch.setattr(side_table.SideTable, "_stamp", stamp)
    assert len(table.results()) == (60 if committed else 2)
    job, outcome = newsroom.retag(table.input(), table.output(), resume=True)
    assert (outcome.status, len(table.results())) == ("done", 60)
    assert command.undo(newsroom.settings, job.id) == 1
    assert table.rows("SELECT * FROM articles_rubricator ORDER BY key") == before


def test_a_table_that_was_made_before_a_crash_is_gone_again_after_undo(
    newsroom: Newsroom, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = side_table.SideTable.put

    def crash(self: side_table.SideTable, *values: Any) -> str:
        put(self, *values)
        raise OSError("crash")

    monkeypatch.setattr(side_table.SideTable, "put", crash)
    with pytest.raises(OSError, match="crash"):
        newsroom.retag(table.input(), table.output())
    monkeypatch.setattr(side_table.SideTable, "put", put)
    job, _ = newsroom.retag(table.input(), table.output(), resume=True)
    command.undo(newsroom.settings, job.id)
    assert table.rows("SELECT to_regclass('articles_rubricator')") == [(None,)]


def test_a_job_is_taken_back_and_what_was_changed_since_is_not_touched(newsroom: Newsroom, table: Table) -> None:
    job, _ = newsroom.retag(table.input(), table.output())
    table.rows("UPDATE articles_rubricator SET tags = '[\"рукой\"]' WHERE key = '5'")
    with pytest.raises(JobError, match="has been changed since"):
        command.undo(newsroom.settings, job.id)
    later, _ = newsroom.retag(table.input(), table.output())
    command.undo(newsroom.settings, later.id)
    assert table.rows("SELECT tags FROM articles_rubricator WHERE key = '5'") == [(["рукой"],)]
    table.rows("DROP TABLE articles_rubricator")
    job, _ = newsroom.retag(table.input(), table.output())
    command.undo(newsroom.settings, job.id)
    assert table.rows("SELECT to_regclass('articles_rubricator')") == [(None,)]
    command.undo(newsroom.settings, job.id)  # once more does no harm


def test_a_password_goes_nowhere(newsroom: Newsroom, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    secret = "pa%24s-wörd"
    url = table.url.replace("postgres@", f"postgres:{secret}@")
    process = newsroom.started(f"{url}&table=articles", url, "--workers", "2")
    assert process.wait(60) == 0, (newsroom.folder / "told").read_text()
    for path in newsroom.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().decode(errors="replace")
            assert secret not in content and "pa$s-w" not in content, path
    assert named(f"{url}&password=other&table=a").count("other") == 0
    sql.take_passwords(url)
    assert os.environ["PGPASSWORD"] == "pa$s-wörd"
    assert named("postgres:///d?host=/tmp&table=a@b") == "postgresql:///d?host=%2Ftmp&table=a%40b"
    for sign in "/?#":
        with pytest.raises(WrongUsageError, match="are written %2F") as refused:
            named(f"postgresql://u:secret{sign}more@h/d?table=articles")
        assert "secret" not in str(refused.value) and "more" not in str(refused.value)
    with pytest.raises(WrongUsageError, match="two passwords"):
        sql.take_passwords(url, "postgresql://u:other@h/d")


@pytest.mark.parametrize(
    ("prepared", "of", "told"),
    [
        ("", "table=nothing", 'relation "nothing" does not exist'),
        ("", "", r"add \?table="),
        ("", "table=articles&query=SELECT 1", "either table= or query="),
        ("ALTER TABLE articles DROP CONSTRAINT articles_pkey", "table=articles", "has no primary key"),
        ("", "table=articles&key=number", "there is no column number"),
        ("", "table=articles&key=views", "is there twice: 7"),
        ("UPDATE articles SET title = NULL WHERE id = 5", "table=articles&key=title", "is NULL"),
        ("ALTER TABLE articles ALTER text TYPE bytea USING NULL", "table=articles", "text is bytea"),
        ("ALTER TABLE articles ALTER tags TYPE int[] USING NULL", "table=articles", r"tags is integer\[\]"),
        ("ALTER TABLE articles RENAME text TO body", "query=SELECT id, body FROM articles", "body may be"),
        ("", "query=DELETE FROM articles RETURNING *", "syntax error"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_told_with_what_to_do(
    newsroom: Newsroom, table: Table, prepared: str, of: str, told: str
) -> None:
    if prepared:
        table.rows(prepared)
    with pytest.raises(JobError, match=told):
        newsroom.retag(table.input(of), table.output())
    assert len(table.rows("SELECT 1 FROM articles")) == 60
    assert table.rows("SELECT to_regclass('articles_rubricator')") == [(None,)]


def test_results_never_go_into_a_table_that_is_not_theirs(newsroom: Newsroom, table: Table) -> None:
    with pytest.raises(WrongUsageError, match="is what is read"):
        table.output("articles")
    with pytest.raises(WrongUsageError, match="a table beside it"):
        in_target("out.jsonl", table.input())
    with pytest.raises(WrongUsageError, match="a table beside it"):
        in_target(table.url, "in.jsonl")
    table.rows("CREATE TABLE theirs (key text, views int)")
    with pytest.raises(JobError, match="that table is not one of results"):
        newsroom.retag(table.input(), table.output("theirs"))
    elsewhere = (
        table.output("articles_rubricator").replace("articles_rubricator", "articles").replace("127.0.0.1", "localhost")
    )
    with pytest.raises(JobError, match="that table is not one of results"):
        newsroom.retag(table.input(), elsewhere)


@contextmanager
def _own_server() -> Iterator[tuple[Server, Table]]:
    found = programs()
    assert found is not None
    with postgresql(found) as running:
        table = Table(running.new_schema())
        table.rows(f"CREATE TABLE articles ({COLUMNS})")
        table.fill(60)
        yield running, table


def test_a_server_that_goes_away_stops_the_job_and_resume_goes_on(
    newsroom: Newsroom, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _own_server() as (running, table):
        group, calls = sql_rows._groups, 0

        def stopping(shard: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 4:
                running.stop()
            yield from group(shard)

        monkeypatch.setattr(sql_rows, "_groups", stopping)
        with pytest.raises(AwayError, match="--resume goes on"):
            newsroom.retag(table.input(), table.output())
        [job] = all_jobs(newsroom.settings)
        assert job.state.status == "failed"
        running.start()
        again, outcome = newsroom.retag(table.input(), table.output(), resume=True)
        assert (again.id, outcome.status, calls) == (job.id, "done", 16)  # one of fifteen shards twice
        assert [int(key) for key, *_ in table.results()] == list(range(60))


@pytest.mark.parametrize("begin", ["", "BEGIN READ WRITE; "])
def test_a_query_is_one_statement_which_can_neither_end_its_transaction_nor_write(
    newsroom: Newsroom, table: Table, begin: str
) -> None:
    first, last = "SELECT * FROM articles) AS rows LIMIT 0", "SELECT * FROM (SELECT 1"
    query = quote(f"{first}; COMMIT; {begin}DELETE FROM articles; {last}")
    with pytest.raises(JobError, match="multiple commands"):
        newsroom.retag(table.input(f"query={query}"), table.output("results"))
    assert table.rows("SELECT count(*) FROM articles") == [(60,)]


def test_a_query_may_end_in_a_comment(newsroom: Newsroom, table: Table) -> None:
    query = quote("SELECT * FROM articles WHERE id < 3 -- the first")
    _, outcome = newsroom.retag(table.input(f"query={query}"), table.output("results"))
    assert (outcome.status, table.rows("SELECT count(*) FROM results")) == ("done", [(3,)])


def test_what_is_taken_back_leaves_columns_that_a_newsroom_added(newsroom: Newsroom, table: Table) -> None:
    newsroom.retag(table.input(), table.output())
    table.rows("ALTER TABLE articles_rubricator ADD COLUMN seen_by text")
    table.rows("UPDATE articles_rubricator SET seen_by = 'Анна', regions = NULL WHERE key = '3'")
    before = table.rows("SELECT * FROM articles_rubricator ORDER BY key")
    job, _ = newsroom.retag(table.input(), table.output())
    command.undo(newsroom.settings, job.id)
    assert table.rows("SELECT * FROM articles_rubricator ORDER BY key") == before


def test_heads_that_a_job_is_not_asked_for_stay_as_an_earlier_one_wrote_them(newsroom: Newsroom, table: Table) -> None:
    newsroom.retag(table.input(), table.output(), heads=("regions", "tags"))
    before = table.rows("SELECT key, regions, tags FROM articles_rubricator ORDER BY key")
    assert any(regions for _, regions, _ in before)
    newsroom.retag(table.input(), table.output(), heads=("tags",))
    assert table.rows("SELECT key, regions, tags FROM articles_rubricator ORDER BY key") == before
