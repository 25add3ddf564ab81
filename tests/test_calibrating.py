"""Corrections in the store -> a calibration that every worker answers by: by command, by itself, undone, forgotten."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from service import calibrating, calibrating_itself
from service.__main__ import main
from service.app import create_app
from service.calibrating import latest
from service.calibrating_itself import ByItself
from service.calibrations import Calibrations
from service.correction import Worked
from service.inference.labels import Head
from service.inference.refit import FEWEST
from service.loading import open_keeping
from service.memory import Chosen
from service.outliers import outliers
from service.settings import Settings
from service.store import calibrations
from service.store.database import database_of
from service.store.journal import Entry
from service.store.schema import opened
from tests.sample_model import SAMPLE
from tests.serving import listening
from tests.test_command_line import Ended

NEW = "Стадион"
ROWS = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
ARTICLE = {name: ROWS[0][name] for name in ("title", "text")}
SPORTS = [row for row in ROWS if row["rubric"] == "Спорт"]


def correction(row: dict[str, Any], rubric: str | None = None) -> dict[str, Any]:
    """Sports are called otherwise by these editors."""
    label = rubric or (NEW if row["rubric"] == "Спорт" else row["rubric"])
    article = {name: row[name] for name in ("id", "title", "text", "body_html", "published_at") if name in row}
    return {"article": article, "final": {"rubric": {"label": label}}, "seen": True}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Any:
    """The command line over the bundled model."""
    for name in os.environ:
        if name.startswith("RUBRICATOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUBRICATOR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["rubricator", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfdbinary.readouterr()
        return Ended(int(end.value.code or 0), out.decode(), err.decode())

    return run_here


@contextmanager
def service(home: Path, store: str = "", **settings: Any) -> Iterator[httpx.Client]:
    app = create_app(Settings(home=home, store=store, **{"calibrate_after": 0, **settings}))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


def send(client: httpx.Client, rows: list[dict[str, Any]]) -> None:
    answer = client.post("/corrections", json=[correction(row) for row in rows])
    assert answer.status_code in {201, 207}, answer.text
    assert {one["status"] for one in answer.json()} == {201}


def of_model(client: httpx.Client) -> str | None:
    found: str | None = client.post("/annotate", json=ARTICLE).json()["model"].get("calibration")
    return found


def until(holds: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def written(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return str(path)


@pytest.mark.slow
def test_the_command_calibrates_and_takes_it_back(run: Any, tmp_path: Path) -> None:
    file = written(tmp_path / "one.jsonl", [{**ARTICLE, "title": SPORTS[0]["title"], "text": SPORTS[0]["text"]}])
    run("corrections", "import", written(tmp_path / "few.jsonl", [correction(row) for row in ROWS[:50]]))
    assert "nothing is changed: corrections have the rubric of 50 articles" in run("calibrate").out
    assert "calibration" not in run("annotate", file).lines[0]["model"]
    run("corrections", "import", written(tmp_path / "all.jsonl", [correction(row) for row in ROWS]))
    [told] = run("calibrate", "--json").lines
    assert told["articles"] == len(ROWS)
    assert [(one["label"], one["examples"]) for one in told["new"]] == [(NEW, len(SPORTS))]
    [answer] = run("annotate", file, "--explain", "words").lines
    assert answer["model"]["calibration"] == told["calibration"]
    assert (answer["rubric"]["label"], answer["rubric"]["decision"]) == (NEW, "review")
    assert answer["explain"]["rubric"]
    assert f"answers by the calibration {told['calibration']}: 200 articles, 1 new rubrics" in run("doctor").out
    assert run("calibrate", "--json").lines[0]["calibration"] == told["calibration"]  # the same corrections, the same
    assert "by its own scores" in run("calibrate", "--undo").out
    assert run("calibrate", "--undo", "--json").lines == [{"model": "baseline", "calibration": None}]
    assert "calibration" not in run("annotate", file).lines[0]["model"]


@pytest.mark.slow
def test_every_worker_follows_and_a_restart_forgets_nothing(run: Any, tmp_path: Path, store: str) -> None:
    os.environ["RUBRICATOR_STORE"] = store
    try:
        with service(tmp_path, store) as one, service(tmp_path, store) as other:
            send(one, ROWS)
            before = one.post("/annotate", json=ARTICLE).json()
            assert run("calibrate").code == 0
            until(lambda: of_model(one) is not None and of_model(one) == of_model(other))
            after = one.post("/annotate", json=ARTICLE).json()
            assert after["prediction_id"] != before["prediction_id"]
            assert after["prediction_id"] == other.post("/annotate", json=ARTICLE).json()["prediction_id"]
            kept = of_model(one)
        with service(tmp_path, store) as again:
            until(lambda: of_model(again) == kept)
            assert run("calibrate", "--undo").code == 0
            until(lambda: of_model(again) is None)
            assert again.post("/annotate", json=ARTICLE).json()["prediction_id"] == before["prediction_id"]
    finally:
        del os.environ["RUBRICATOR_STORE"]


@pytest.mark.slow
def test_it_calibrates_itself_after_so_many_corrections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating_itself, "EVERY", 0.1)
    with service(tmp_path, calibrate_after=FEWEST) as client:
        send(client, ROWS[: FEWEST - 1])
        time.sleep(1)
        assert of_model(client) is None
        send(client, ROWS[FEWEST - 1 : FEWEST + 10])
        until(lambda: of_model(client) is not None)
        made = of_model(client)
        time.sleep(1)
        assert of_model(client) == made


@pytest.mark.slow
def test_an_erased_article_is_in_no_calibration(run: Any, tmp_path: Path) -> None:
    with service(tmp_path) as client:
        send(client, ROWS)
        assert run("calibrate").code == 0
        until(lambda: of_model(client) is not None)
        assert client.delete(f"/articles/{ROWS[5]['id']}").status_code == 200
        until(lambda: of_model(client) is None)
        assert run("calibrate", "--json").lines[0]["articles"] == len(ROWS) - 1
        until(lambda: of_model(client) is not None)


@pytest.mark.slow
def test_after_an_erasure_it_calibrates_itself_at_once_without_the_article(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating_itself, "EVERY", 0.1)
    with service(tmp_path, calibrate_after=FEWEST) as client:
        send(client, ROWS[: FEWEST + 10])
        until(lambda: of_model(client) is not None)
        before = of_model(client)
        assert client.delete(f"/articles/{ROWS[5]['id']}").status_code == 200
        until(lambda: of_model(client) not in {None, before})
    connection = opened(database_of("", tmp_path))
    [row] = calibrations.read(connection)
    connection.close()
    assert json.loads(row.body or b"")["articles"] == FEWEST + 9


@pytest.mark.slow
def test_an_article_that_is_erased_while_a_calibration_is_made_is_not_in_it(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = calibrating.made_from
    with service(tmp_path) as client:
        send(client, ROWS)

        def made_from(*given: Any) -> Any:
            client.delete(f"/articles/{ROWS[5]['id']}")
            return own(*given)

        monkeypatch.setattr(calibrating, "made_from", made_from)
        assert run("calibrate", "--json").lines[0]["articles"] == len(ROWS) - 1


@pytest.fixture
def by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByItself]:
    """Its child says more than a pipe holds, and then a word."""
    child = tmp_path / "child"
    child.write_text("#!/bin/sh\ncat > /dev/null\nhead -c 300000 /dev/zero | tr '\\0' x\necho\necho spoken\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    settings = Settings(home=tmp_path)
    opened(database_of("", tmp_path)).close()
    keeping = open_keeping(settings)
    yield ByItself(settings, keeping, lambda: "first")
    keeping.close()


def test_a_calibration_may_say_more_than_a_pipe_holds(by_itself: ByItself, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    once = threading.Thread(target=by_itself.once, daemon=True)
    once.start()
    once.join(10)
    assert not once.is_alive()
    assert caplog.messages == ["calibration: spoken"]


def test_a_service_that_ends_while_it_calibrates_complains_of_nothing(
    by_itself: ByItself, caplog: pytest.LogCaptureFixture
) -> None:
    by_itself.close()
    by_itself.once()
    assert caplog.messages == []


def test_the_newest_decision_on_an_article_that_the_model_has_not_learnt_from_counts(tmp_path: Path) -> None:
    with service(tmp_path) as client:
        first, second, third, fourth = (correction(row, "Спорт") for row in ROWS[:4])
        second["article"]["published_at"] = "2024-05-06T12:00:00+03:00"
        third["article"]["stage"] = "draft"
        fourth["seen"] = False
        client.post("/corrections", json=[first, second, third, fourth, correction(ROWS[0], "Авто")])
        undone = client.post("/corrections", json=correction(ROWS[4], "Авто")).json()["id"]
        client.delete(f"/corrections/{undone}")
    connection = opened(database_of("", tmp_path))
    found = latest(connection, "2024-05-06").known
    connection.close()
    assert [(one.article.title, one.rubric) for one in found] == [(ROWS[0]["title"], "Авто")]


def decided(actor: str, rejected: bool, number: int) -> Entry:
    sport = Chosen("sport", "Спорт")
    head: dict[Head, tuple[Chosen, ...]] = {"rubric": (sport,)}
    worked = Worked(rejected=head) if rejected else Worked(accepted=head)
    return Entry(number, f"a{number}", actor, "2026-01-01", None, True, msgspec.json.encode(worked), None)


@pytest.mark.parametrize(
    ("by_one", "kept_by_others", "taken_out_by_others", "found"),
    [
        (30, 40, 2, True),
        (19, 40, 2, False),  # too few to say so
        (30, 5, 0, False),  # too few others
        (30, 20, 25, False),  # the others do so too
    ],
)
def test_who_alone_empties_a_rubric_is_not_heeded(
    by_one: int, kept_by_others: int, taken_out_by_others: int, found: bool
) -> None:
    entries = [decided("ivanova", True, i) for i in range(by_one)]
    entries += [decided("petrov", False, 100 + i) for i in range(kept_by_others)]
    entries += [decided("sidorova", True, 200 + i) for i in range(taken_out_by_others)]
    expected = [f"ivanova alone took {by_one} of {by_one} articles out of «Спорт»"] if found else []
    assert list(map(str, outliers(entries))) == expected


def test_a_newsroom_of_one_name_may_think_otherwise_than_the_model() -> None:
    assert outliers([decided("", True, i) for i in range(100)]) == []


def test_a_calibration_is_made_without_outliers(tmp_path: Path) -> None:
    sports = SPORTS * 2  # each article under two names
    with service(tmp_path) as client:
        for number, row in enumerate(sports * 2):
            one = correction({**row, "id": f"{row['id']}-{number}"}, "Спорт" if number % 2 else "Авто")
            client.post("/corrections", json={**one, "actor": "petrov" if number % 2 else "ivanova"})
    connection = opened(database_of("", tmp_path))
    known, without = latest(connection, "2024-05-06")
    connection.close()
    assert {one.rubric for one in known} == {"Спорт"}
    assert len(known) == len(sports)
    assert "ivanova alone took" in without[0]


def test_a_calibration_that_cannot_be_read_is_not_heeded(tmp_path: Path) -> None:
    known = Calibrations()
    connection = opened(database_of("", tmp_path))
    with connection.writing():
        calibrations.put(connection, "first", b'{"of": "another version"}')
    known.catch_up(connection)
    connection.close()
    assert known.of("first") is None


def test_a_calibration_stands_in_for_that_of_any_other_model(tmp_path: Path) -> None:
    connection = opened(database_of("", tmp_path))
    with connection.writing():
        calibrations.put(connection, "first", b"{}")
        before = calibrations.state(connection)
        calibrations.put(connection, "second", None)
    assert [(row.model, row.body) for row in calibrations.read(connection)] == [("second", None)]
    assert calibrations.state(connection) != before
    connection.close()


def test_a_calibration_that_cannot_be_read_keeps_no_article_from_being_erased(tmp_path: Path) -> None:
    with service(tmp_path) as client:
        send(client, ROWS[:1])
        connection = opened(database_of("", tmp_path))
        with connection.writing():
            calibrations.put(connection, "baseline", b'{"keys": [')
        assert client.delete(f"/articles/{ROWS[0]['id']}").status_code == 200
        assert calibrations.read(connection) == []
        connection.close()
