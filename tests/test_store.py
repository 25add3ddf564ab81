"""The store itself: tables of both databases, old and new versions on them, and what happens while it is away."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest

from service.store import answers, journal, schema
from service.store.answers import Kept
from service.store.database import (
    Connection,
    Database,
    PostgreSQL,
    SQLite,
    StoreAwayError,
    StoreError,
    database_of,
)
from service.store.schema import FORMAT, opened
from service.store.writer import Writer
from tests.postgresql import Server
from tests.serving import Served, serving
from tests.stores import migrated_in_a_process
from tests.test_durability import wait_until


@pytest.fixture
def database(tmp_path: Path, store: str) -> Database:
    return database_of(store, tmp_path)


def test_tables_are_made_once_whoever_comes_first(database: Database) -> None:
    connections: list[Connection] = []
    threads = [threading.Thread(target=lambda: connections.append(opened(database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.rows("SELECT format, oldest_reader FROM store") for one in connections] == [[(FORMAT, 1)]] * 4
    for one in connections:
        one.close()


def test_a_newer_store_works_as_long_as_it_says_so(database: Database) -> None:
    connection = opened(database)
    # what a later version may do: add, and go on serving this one
    connection.rows("ALTER TABLE corrections ADD COLUMN mood TEXT")
    connection.rows("ALTER TABLE articles ADD COLUMN mood TEXT")
    connection.rows("CREATE TABLE moods (mood TEXT)")
    connection.rows(f"UPDATE store SET format = {FORMAT + 1}")
    again = opened(database)
    with again.writing():
        journal.append(again, [journal.Entry(1, "a", None, "2026-01-01", None, True, b"{}", None)])
        journal.remember(again, [journal.Remembered(journal.key_of("a"), "a", b"{}", None, 1)])
    assert len(journal.page(again, 0, 10)) == 1
    connection.rows(f"UPDATE store SET oldest_reader = {FORMAT + 1}")
    with pytest.raises(StoreError, match=f"format {FORMAT + 1}, this service reads {FORMAT}: upgrade it"):
        opened(database)
    for one in (connection, again):
        one.close()


@pytest.mark.slow
def test_a_migration_that_fails_leaves_nothing_behind(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = schema.MIGRATIONS.parent / "nothing is here"
    monkeypatch.setattr(schema, "_migrate", migrated_in_a_process)
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    with pytest.raises(StoreAwayError, match="nothing is here"):
        opened(database)
    monkeypatch.setattr(schema, "MIGRATIONS", folder.with_name("migrations"))
    opened(database).close()


def test_only_adding_migrations_are_there() -> None:
    """The version before runs on the same tables while services are exchanged one by one."""
    for migration in (schema.MIGRATIONS / "versions").glob("*.py"):
        source = migration.read_text(encoding="utf-8")
        for word in ("drop_", "rename_", "alter_column"):
            assert word not in source.partition("def upgrade")[2].partition("def downgrade")[0], migration.name


@pytest.mark.parametrize(
    ("url", "kind"), [("", SQLite), ("sqlite:////tmp/x.db", SQLite), ("postgresql://u:secret@h/n", PostgreSQL)]
)
def test_the_setting_names_the_database(url: str, kind: type, tmp_path: Path) -> None:
    found = database_of(url, tmp_path)
    assert isinstance(found, kind)
    assert "secret" not in found.name


def test_another_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="postgresql://"):
        database_of("mysql://h/n", tmp_path)


def test_works_that_wait_share_one_transaction_and_one_that_fails_harms_no_other(database: Database) -> None:
    transactions: list[int] = []
    entered = threading.Event()
    release = threading.Event()

    def add(number: int) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            if number == 0:
                entered.set()
                release.wait(10)
            if number == 2:
                journal.append(connection, [journal.Entry(99, None, None, "", None, False, None, None)])
                raise ValueError("two is a bad number")
            journal.append(connection, [journal.Entry(number, None, None, "", None, False, None, None)])
            return number

        return work

    class Counting(Writer[Any]):
        def _do(self, connection: Connection, works: Any) -> None:
            transactions.append(len(works))
            super()._do(connection, works)

    writer = Counting(database, lambda *_: None)
    writer.start()
    first = writer.do(add(0))
    assert entered.wait(10)
    futures: list[Future[int]] = [writer.do(add(number)) for number in range(1, 6)]
    release.set()
    assert first.result(10) == 0
    with pytest.raises(ValueError, match="two"):
        futures[1].result(10)
    assert [one.result(10) for one in futures if one is not futures[1]] == [1, 3, 4, 5]
    writer.close()
    assert [size for size in transactions if size] == [1, 5]
    connection = opened(database)
    assert [entry.sequence for entry in journal.page(connection, -1, 100)] == [0, 1, 3, 4, 5]
    connection.close()


def test_answers_go_when_they_are_too_old_or_too_many(database: Database) -> None:
    connection = opened(database)
    with connection.writing():
        answers.put(connection, [Kept(f"{i:016x}", "tags", "a", False, i, 100, b"x" * 100) for i in range(2500)])
    gone = 0
    while step := answers.prune(connection, before=300, most_bytes=50_000, now=10_000):
        gone += step
    assert gone == 2000
    assert answers.held(connection) == (500, 50_000)
    assert answers.get(connection, f"{1999:016x}")[0].answer is None
    assert answers.get(connection, f"{2000:016x}")[0].answer is not None
    answers.prune(connection, before=0, most_bytes=50_000, now=answers.TOMBSTONE + 1000)
    assert answers.get(connection, f"{999:016x}") == []
    assert answers.get(connection, f"{1000:016x}") != []
    connection.close()


def correct(served: Served, number: int) -> int:
    sent = {"article_id": f"a{number}", "seen": True, "final": {"tags": ["u"]}}
    return served.client.post("/corrections", json=sent).status_code


def answer(served: Served, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = served.client.post("/annotate", json={"id": id_, "title": "мост"}).json()
    return found


def is_degraded(served: Served) -> bool:
    return "degraded" in answer(served, "x")["reasons"]


def check_that_it_goes_on(served: Served) -> None:
    """While the store is away."""
    wait_until(lambda: is_degraded(served))
    assert [tag["id"] for tag in answer(served, "a1")["tags"]][:1] == ["u"], "what was known is heeded"
    refused = served.client.post(
        "/corrections", json={"article_id": "a", "seen": True, "final": {"tags": []}}, headers={"Accept-Language": "ru"}
    )
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert "не сохранить" in refused.json()["detail"]
    assert served.client.delete("/articles/a1").status_code == 503
    assert "rubricator_store_up 0.0" in served.client.get("/metrics").text


def check_that_it_heals(served: Served) -> None:
    wait_until(lambda: not is_degraded(served))
    assert correct(served, 2) == 201
    assert [one["article_id"] for one in served.client.get("/corrections").json()["corrections"]] == ["a1", "a2"]


@pytest.mark.slow
def test_a_store_that_was_moved_away_is_noticed_and_its_return_too(tmp_path: Path) -> None:
    with serving(tmp_path, ()) as served:
        assert correct(served, 1) == 201
        moved = [path.rename(tmp_path / f"moved-{path.name}") for path in tmp_path.glob("store.db*")]
        check_that_it_goes_on(served)
        assert not (tmp_path / "store.db").exists(), "no second journal beside the first"
        for path in moved:
            path.rename(tmp_path / path.name.removeprefix("moved-"))
        check_that_it_heals(served)


def test_a_store_that_is_no_database_stops_no_start(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("not a database at all, but long enough to be looked at" * 20)
    with serving(tmp_path, ()) as served:
        assert is_degraded(served)
        assert correct(served, 1) == 503


@pytest.mark.slow
def test_on_a_read_only_disk_what_was_known_is_heeded_and_nothing_is_auto(tmp_path: Path) -> None:
    """root may write anywhere: another user looks."""
    with serving(tmp_path, ()) as served:
        assert correct(served, 1) == 201
    (tmp_path / "store.db").chmod(0o444)
    tmp_path.chmod(0o555)
    for above in tmp_path.parents:
        above.chmod(above.stat().st_mode | 0o111) if str(above).startswith(tempfile.gettempdir()) else None
    look = (
        "import os, sys, time\n"
        "from pathlib import Path; from service.keeping import Keeping; from service.store.database import SQLite\n"
        "os.geteuid() or os.setuid(65534)\n"  # after the imports: Python itself may lie where nobody else looks
        "keeping = Keeping(SQLite(Path(sys.argv[1])), 30, 10**9); keeping.start(); time.sleep(2)\n"
        "print(keeping.recall.articles, keeping.recall.problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, tmp_path / "store.db"], check=False, capture_output=True, text=True
    )
    assert done.stdout.startswith("1 "), done.stderr
    assert "readonly" in done.stdout


def test_a_writer_that_holds_the_store_for_long_is_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path, ()) as served:
        assert correct(served, 1) == 201
        other = SQLite(tmp_path / "store.db").connect()
        other.rows("BEGIN IMMEDIATE")
        threading.Timer(0.5, lambda: other.rows("COMMIT")).start()
        started = time.monotonic()
        assert correct(served, 2) == 201
        assert time.monotonic() - started > 0.4
        other.close()


@pytest.mark.slow
def test_a_server_that_is_down_or_read_only_is_noticed_and_its_return_too(tmp_path: Path, server: Server) -> None:
    url = server.new_schema()
    with serving(tmp_path, (), store=url) as served:
        assert correct(served, 1) == 201
        server.stop()
        check_that_it_goes_on(served)
        server.start()
        check_that_it_heals(served)
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            end_sessions = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rubricator'"
            )
            admin.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
            admin.execute(end_sessions)
            check_that_it_goes_on(served)
            admin.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
            admin.execute(end_sessions)
        wait_until(lambda: not is_degraded(served))
        assert correct(served, 3) == 201


def test_a_value_that_the_database_can_not_take_is_no_reason_to_stop(database: Database) -> None:
    written: list[Any] = []

    def write(connection: Connection, items: Any) -> None:
        if "bad" in items:
            raise ValueError("a bug")
        written.extend(items)

    writer: Writer[str] = Writer(database, write)
    writer.behind("bad")
    writer.start()
    wait_until(lambda: writer.dropped == 1)
    writer.behind("good")
    wait_until(lambda: written == ["good"])
    assert writer.problem is None
    writer.close()


def test_what_there_is_no_room_for_is_dropped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    writer: Writer[int] = Writer(SQLite(tmp_path / "file" / "store.db"), lambda *_: None, room=10)
    for number in range(15):
        writer.behind(number)
    assert writer.dropped == 5
    writer.start()
    with pytest.raises(StoreAwayError):
        writer.do(lambda _: None).result(10)
    writer.close()


def test_a_commit_is_on_the_disk_when_it_returns(database: Database) -> None:
    connection = opened(database)
    if connection.dialect == "sqlite":
        assert connection.rows("PRAGMA synchronous") == [(2,)], "FULL"
        assert connection.rows("PRAGMA journal_mode") == [("wal",)]
    else:
        assert connection.rows("SHOW synchronous_commit") == [("on",)]
    connection.close()


def test_a_store_of_the_first_format_is_added_to_and_loses_nothing(database: Database) -> None:
    before = opened(database)
    with before.writing():
        journal.remember(before, [journal.Remembered(journal.key_of("a"), "a", b"{}", None, 1)])
    before.rows("DROP TABLE vocabulary")
    before.rows("DROP TABLE audits")
    before.rows("DROP TABLE jobs")
    before.rows("DROP TABLE calibrations")
    before.rows("DROP TABLE draws")
    before.rows("DROP TABLE days")
    before.rows("ALTER TABLE predictions DROP COLUMN names")
    before.rows("UPDATE alembic_version SET version_num = '0001'")
    before.rows("UPDATE store SET format = 1")
    after = opened(database)
    assert after.rows("SELECT format, oldest_reader FROM store") == [(FORMAT, 1)]
    assert journal.remembered(after, "a") is not None
    assert after.rows("SELECT count(*) FROM vocabulary") == [(0,)]
    # as the first version writes, which may still be running
    before.rows(
        "INSERT INTO predictions (prediction_id, heads, article_id, draft, made_at, size, answer) "
        "VALUES ('f', 'tags', 'a', FALSE, 1, 0, NULL)"
    )
    assert [one.prediction_id for one in answers.get(after, "f")] == ["f"]
    for one in (before, after):
        one.close()
