"""`rubricator retag` as an operator types it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from service.__main__ import main
from service.jobs.job import all_jobs
from service.settings import Settings
from tests.retagging import Newsroom, archive, newsroom, sure  # noqa: F401 - fixtures


@pytest.fixture
def run(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Any:
    """Exit code, standard output and standard error."""
    for name in os.environ:
        if name.startswith("RUBRICATOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUBRICATOR_HOME", str(newsroom.settings.home))
    monkeypatch.chdir(newsroom.folder)

    def run_here(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rubricator", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return (int(end.value.code or 0), *capfd.readouterr())

    return run_here


def test_the_summary_is_for_machines_too(run: Any, newsroom: Newsroom) -> None:
    newsroom.file("in.jsonl", [*archive(20), b"nonsense"])
    code, out, err = run("retag", "in.jsonl", "out.jsonl", "--model", newsroom.model, "--yes", "--json")
    found = json.loads(out)
    [job] = all_jobs(newsroom.settings)
    assert code == 0
    assert (found["job"], found["status"]) == (job.id, "done")
    assert (found["articles"], found["lines"], found["rejected"]) == (20, 21, 1)
    assert found["changed"] == len([one for one in newsroom.read() if one["tags"] or one["regions"]])
    assert sum(one["added"] for one in found["labels"]["regions"].values()) > 10
    assert Path(found["report"]).exists() and Path(found["rejects_file"]).exists()
    assert f"job {job.id}" in err
    assert "1 records could not be read and are not in the output" in err


def test_a_dry_run_lists_labels_with_examples(run: Any, newsroom: Newsroom) -> None:
    newsroom.file("in.jsonl", archive(20))
    code, out, err = run("retag", "in.jsonl", "out.jsonl", "--model", newsroom.model, "--dry-run")
    assert code == 0
    assert "would change" in err
    rows = [line.split("\t") for line in out.splitlines()]
    assert {row[0] for row in rows} == {"regions", "tags"}
    assert all(int(row[2]) > 0 and row[3] == "-0" and ": " in row[4] for row in rows)
    assert not (newsroom.folder / "out.jsonl").exists()


def test_it_stops_above_five_per_cent_and_goes_on_when_told_so(run: Any, newsroom: Newsroom) -> None:
    newsroom.file("in.jsonl", archive(20))
    words = ("retag", "in.jsonl", "in.jsonl", "--model", newsroom.model)
    code, _, err = run(*words)
    assert code == 1
    assert "in.jsonl was not touched" in err
    assert "annotation" not in newsroom.read("in.jsonl")[0]
    assert run(*words, "--resume", "--max-change", "100")[0] == 0
    assert "annotation" in newsroom.read("in.jsonl")[0]


def test_jobs_are_listed_and_undone_by_their_id(run: Any, newsroom: Newsroom) -> None:
    source = newsroom.file("in.jsonl", archive(20))
    before = source.read_bytes()
    run("retag", "in.jsonl", "in.jsonl", "--model", newsroom.model, "--yes")
    [line] = run("retag", "jobs")[1].splitlines()
    [job] = [json.loads(one) for one in run("retag", "jobs", "--json")[1].splitlines()]
    assert line.startswith(job["job"])
    assert (job["status"], job["articles"]) == ("done", 20)
    code, out, _ = run("retag", "undo", job["job"])
    assert (code, source.read_bytes()) == (0, before)
    assert job["job"] in out
    assert json.loads(run("retag", "jobs", "--json")[1])["status"] == "undone"


def test_what_was_not_put_in_place_can_not_be_undone(run: Any, newsroom: Newsroom) -> None:
    newsroom.file("in.jsonl", archive(20))
    run("retag", "in.jsonl", "out.jsonl", "--model", newsroom.model)
    [job] = all_jobs(newsroom.settings)
    code, _, err = run("retag", "undo", job.id)
    assert code == 1
    assert "nothing to undo" in err


def test_whoever_takes_what_no_editor_would_see_is_told(run: Any, newsroom: Newsroom) -> None:
    newsroom.file("in.jsonl", archive(5))
    code, _, err = run("retag", "in.jsonl", "out.jsonl", "--model", newsroom.model, "--accept", "review", "--yes")
    assert code == 0
    assert "no editor has seen" in err


def test_a_model_without_calibration_is_told(run: Any, newsroom: Newsroom) -> None:
    newsroom.file("in.jsonl", archive(5))
    code, _, err = run("retag", "in.jsonl", "out.jsonl")  # by the bundled baseline
    assert code == 0
    assert "--accept review" in err
    assert [one["tags"] for one in newsroom.read()] == [[]] * 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("missing.jsonl", "out.jsonl"), "missing.jsonl: name a file or a folder"),
        (("in.jsonl", "out.jsonl", "--heads", "tags,places"), "'places'"),
        (("in.jsonl", "out.jsonl", "--since", "yesterday"), "--since"),
        (("in.jsonl", "out.jsonl", "--ids", "none.txt"), "no ids in"),
        (("in.jsonl", "out.parquet"), "Parquet"),
        (("in.jsonl", "in.jsonl", "--only-changes"), "name another OUTPUT"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_to_do(run: Any, newsroom: Newsroom, words: Any, told: str) -> None:
    newsroom.file("in.jsonl", archive(2))
    newsroom.file("none.txt", [b""])
    code, _, err = run("retag", *words)
    assert code == 2
    assert told in err
    assert all_jobs(newsroom.settings) == []


def test_doctor_names_jobs_that_wait_and_prune_removes_old_ones(
    run: Any, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.file("in.jsonl", archive(20))
    run("retag", "in.jsonl", "out.jsonl", "--model", newsroom.model)
    [job] = all_jobs(newsroom.settings)
    assert f"the job {job.id}" in run("doctor")[1]
    assert json.loads(run("prune", "--json")[1])["jobs"] == 0
    state = job.folder / "state.json"
    state.write_text(state.read_text().replace(job.state.at, "2020-01-01T00:00:00+00:00"))
    assert json.loads(run("prune", "--json")[1])["jobs"] == 1
    assert not job.folder.exists()


def test_the_page_is_for_editors_and_loads_nothing(newsroom: Newsroom) -> None:
    articles = archive(20)
    articles[0]["title"] = "<script>alert(1)</script> Матч в Казани"
    job, outcome = newsroom.retag(newsroom.file("in.jsonl", articles), max_change=0)
    page = job.report.read_text("utf-8")
    assert f"Метки меняются у {outcome.totals.changed}" in page
    assert "архив не тронут" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert Settings(home=newsroom.settings.home) == newsroom.settings
