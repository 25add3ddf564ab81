"""A training run from the command line to a model that answers, on the sample corpus and on what newsrooms bring."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.inference.annotator import load
from tests.sample_model import SAMPLE, labelled_articles, trained
from training.labels import best_spelling, names_of, parts_of, tag_key, unique_ids, written_as_in

RUBRICATOR = str(Path(sys.executable).with_name("rubricator"))


@pytest.fixture
def run(tmp_path: Path) -> Any:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUBRICATOR_")}
    environment["RUBRICATOR_HOME"] = str(tmp_path / "home")

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RUBRICATOR, *words], check=False, env=environment, capture_output=True, text=True, timeout=120
        )

    return command


def rows(path: Path, articles: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(article, ensure_ascii=False) + "\n" for article in articles), "utf-8")
    return str(path)


def archive() -> list[dict[str, Any]]:
    """A newsroom's own labels, none of which the sample corpus has."""
    renamed = {"Спорт": "Игры", "Культура": "Искусство"}
    return [
        msgspec.to_builtins(article) | {"rubric": renamed[article.rubric], "tags": ["Своё"]}
        for article in labelled_articles()
        if article.rubric in renamed
    ]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    versions = {trained().write(tmp_path / name, compress=False, with_report=False) for name in ("one", "other")}
    assert len(versions) == 1
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()


def test_a_model_loads_and_answers_as_it_did_in_training(tmp_path: Path) -> None:
    version = trained().write(tmp_path / "model", compress=True, with_report=False)
    assert version.startswith("2025")
    model = load(tmp_path / "model", cache=tmp_path / "cache")
    assert model.version == version
    assert load(tmp_path / "model", cache=tmp_path / "cache").version == version


@pytest.mark.slow
def test_two_runs_of_the_command_give_one_version(run: Any) -> None:
    answers = [json.loads(run("train", "--data", str(SAMPLE), "--json").stdout) for _ in range(2)]
    assert answers[0]["version"] == answers[1]["version"]
    assert answers[0]["rejects"] == 0
    assert Path(answers[0]["path"]).is_dir()
    assert not answers[0]["activated"]


@pytest.mark.slow
def test_the_taxonomy_is_the_newsrooms_own(run: Any, tmp_path: Path) -> None:
    file = rows(tmp_path / "own.jsonl", archive())
    done = run("train", "--data", file, "--activate")
    assert done.returncode == 0, done.stderr
    [version] = done.stdout.split()[-1:]
    shown = json.loads(run("models", "show", version, "--json").stdout)
    assert sorted(shown["labels"]["rubrics"]) == ["Игры", "Искусство"]
    article = tmp_path / "article.jsonl"
    article.write_text('{"id": "1", "title": "Вратарь отбил буллит, и команда выиграла матч по хоккею"}\n', "utf-8")
    answer = json.loads(run("annotate", str(article)).stdout)
    assert answer["model"]["version"] == version
    assert answer["alternatives"][0]["label"] == "Игры" or answer["rubric"]["label"] == "Игры"


@pytest.mark.slow
def test_bad_rows_are_counted_named_and_kept(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "archive.jsonl"
    rows(file, archive())
    with file.open("a", encoding="utf-8") as more:
        more.write('not json\n{"title": "без текста и меток"}\n{"title": 5, "rubric": "Игры"}\n')
    answer = json.loads(run("train", "--data", str(file), "--json").stdout)
    assert answer["rejects"] == 3
    rejects = [json.loads(line) for line in Path(answer["rejects_file"]).read_text("utf-8").splitlines()]
    first = len(archive()) + 1
    assert [row["line"] for row in rejects] == [first, first + 1, first + 2]
    assert all(row["reason"] and row["file"] == str(file) for row in rejects)


@pytest.mark.slow
@pytest.mark.parametrize(
    "articles", [[], [{"title": f"Матч номер {i}", "text": "Счёт", "rubric": "Спорт"} for i in range(9)]]
)
def test_nothing_to_learn_from_is_told(run: Any, tmp_path: Path, articles: list[dict[str, Any]]) -> None:
    done = run("train", "--data", rows(tmp_path / "empty.jsonl", articles))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("rubricator: ")


@pytest.mark.slow
def test_evaluate_writes_the_measures_and_the_page(run: Any, tmp_path: Path) -> None:
    measures, page = tmp_path / "measures.json", tmp_path / "page.html"
    done = run("evaluate", "--data", str(SAMPLE), "--model", "baseline", "--json", str(measures), "--html", str(page))
    assert done.returncode == 0, done.stderr
    found = json.loads(measures.read_text("utf-8"))
    assert found["n"] == 120
    assert {"accuracy", "macro_f1", "calibration_error", "coverage_at_95", "per_label"} <= found["rubric"].keys()
    assert {"micro_f1", "macro_f1", "p_at_1", "p_at_5", "ndcg_at_5"} <= found["tags"].keys()
    assert {level: found["regions"][level]["f1"] for level in ("country", "subject", "city")}
    html = page.read_text("utf-8")
    assert html.lower().startswith("<!doctype html>")
    assert "http://" not in html.replace("http://www.w3.org", "") and "<script src" not in html


@pytest.mark.parametrize(
    ("spellings", "label"),
    [
        ({"дональд трамп": 9, "Дональд Трамп": 2}, "Дональд Трамп"),
        ({"Центральный Банк РФ (ЦБ РФ)": 3}, "Центральный Банк РФ"),
        ({"КИЕВСКАЯ РУСЬ": 5, "Киевская Русь": 1}, "Киевская Русь"),
        ({"НАТО": 1, "нато": 4}, "НАТО"),
    ],
)
def test_labels_are_shown_as_people_write_them(spellings: dict[str, int], label: str) -> None:
    assert best_spelling(spellings) == label


def test_labels_in_lower_case_are_spelt_as_articles_spell_them() -> None:
    seen = {"нато": Counter({"НАТО": 8}), "выборы": Counter({"выборы": 6, "Выборы": 2})}
    assert written_as_in("нато", seen) == "НАТО"
    assert written_as_in("выборы", seen) == "Выборы"
    assert written_as_in("владимир путин", {}) == "Владимир Путин"


def test_names_of_a_label() -> None:
    assert tag_key("Министерство финансов РФ (Минфин России)") == "министерство финансов рф"
    names = names_of(["Министерство финансов РФ (Минфин России)"])
    assert ("министерство", "финансов") in names
    assert ("минфин",) in names
    assert names_of(["Домодедово (аэропорт)"]) == (("домодедово",),)
    assert parts_of("Владимир Путин") == (("путин",),)
    assert parts_of("Большой театр") == ()


def test_ids_are_latin_and_never_the_same() -> None:
    ids = unique_ids(["Наука и техника", "Наука и Техника", "ещё"])
    assert len(set(ids.values())) == 3
    assert ids["Наука и техника"] == "nauka-i-tehnika"
