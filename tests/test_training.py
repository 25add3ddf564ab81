"""A training run from the command line to a model that answers, on the sample corpus and on what newsrooms bring."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from service.inference.annotator import load
from service.inference.article import LabelledArticle
from service.inference.signature import KeyFileError
from service.loading import BASELINE
from service.records import Rejects
from service.settings import SettingsError
from tests.sample_model import SAMPLE, annotator, labelled_articles, small_archive, trained
from training import gazetteer
from training.card import by_outlet, escaped
from training.commands import RejectsFile, told
from training.config import Config, Corpus
from training.config import load as load_config
from training.evaluation import RubricMeasures, Share
from training.examples import Example, Examples
from training.labels import (
    Tag,
    Tags,
    best_spelling,
    names_of,
    parts_of,
    spellings_in,
    tag_key,
    tags_of,
    unique_ids,
    written_as_in,
)
from training.notes import on_tags, on_unused
from training.progress import Progress
from training.run import aliases_of, labelled, may_publish, train
from training.split import Split, SplitError

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


@pytest.mark.slow
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
def test_a_small_archive_is_told_what_to_think_of_its_figures_and_what_to_do_next(run: Any, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[split]\ntest = 0.3\n", "utf-8")
    few = [msgspec.to_builtins(article) | {"section": "x"} for article in labelled_articles()]
    few[0]["published_at"] = "2999-01-02"
    done = run("train", "--data", rows(tmp_path / "own.jsonl", few), "--config", str(config))
    assert done.returncode == 0, done.stderr
    version = done.stdout.splitlines()[-1]
    for part in (
        "note: fields that are not read, with the rows of own that have them: section 200 (did you mean rubric?)",
        "note: tags left out, as fewer than 3 articles have them: ",
        "note: 1 rows have a published_at later than today (",
        "too few to say how good a model is; take 200 or more; an accuracy of ",
        "so that their own figures say nothing: ",
        f"to let it answer: rubricator models activate {version}",
    ):
        assert part in done.stderr, part
    assert run("models", "activate", version).returncode == 0
    card = run("models", "show", version).stdout
    assert "too few to say" in card
    assert "tags left out" in card


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
def test_rejects_outlive_the_run_even_a_failed_one_and_the_next(run: Any, tmp_path: Path) -> None:
    told = []
    for name in ("a", "b"):
        file = rows(tmp_path / f"{name}.jsonl", [{"title": f"Матч {i}", "rubric": "Игры"} for i in range(2)] * 12)
        done = run("train", "--data", file)
        assert done.returncode == 1
        told.append(done.stderr)
    assert "rejected 22: the same text" in told[0]
    kept = list((tmp_path / "home" / "rejects").iterdir())
    assert len(kept) == 2
    assert all(len(path.read_text("utf-8").splitlines()) == 22 and str(path) in "".join(told) for path in kept)


def test_a_rejects_file_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    def kept(*lines: bytes) -> Path:
        file = RejectsFile(tmp_path)
        for line in lines:
            file.write(line)
        return file.close()

    assert kept(b"1", b"2") == kept(b"1", b"2") != kept(b"3")
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"1\n2\n", b"3\n"]


@pytest.mark.slow
def test_each_head_counts_the_outlets_that_give_its_labels(tmp_path: Path) -> None:
    plain = [msgspec.to_builtins(article) for article in labelled_articles()]
    rows(tmp_path / "a.jsonl", plain[::2])
    rows(tmp_path / "b.jsonl", plain[1::2])
    config = tmp_path / "config.toml"
    config.write_text(
        '[[corpus]]\npath = "a.jsonl"\nsource = "A"\nuse = ["rubric"]\n'
        '[[corpus]]\npath = "b.jsonl"\nsource = "B"\nuse = ["tags"]\n[split]\nvalidation = 0.3\n',
        "utf-8",
    )
    model = train(load_config(config, []), Rejects(), Progress(quiet=True))
    sources = model.parts["decisions"]["sources"]
    assert set(sources["rubric"]) == {"a"}
    assert set(sources["tags"]) == {"b"}
    assert set(sources["regions"]) <= {"b"}  # tags that name places
    assert model.calibrated == {**sources["rubric"], **sources["tags"]}


@pytest.mark.slow
def test_what_is_read_but_not_learnt_from_is_told_and_on_the_card(run: Any, tmp_path: Path) -> None:
    file = Path(rows(tmp_path / "own.jsonl", archive()))
    (tmp_path / "map.json").write_text('{"own": {"Игры": "Спорт", "Искусство": ""}}', "utf-8")
    config = tmp_path / "config.toml"
    other = tmp_path / "other.jsonl"
    rows(other, [msgspec.to_builtins(article) for article in labelled_articles() if article.rubric != "Спорт"])
    config.write_text(
        f"[[corpus]]\npath = '{file}'\nrubric_map = 'map.json#own'\n"
        f"[[corpus]]\npath = '{other}'\ncap = 9\n[split]\nvalidation = 0.2\n",
        "utf-8",
    )
    done = run("train", "--config", str(config), "--json")
    assert done.returncode == 0, done.stderr
    lost = Counter(article["rubric"] for article in archive())["Искусство"]
    told = [
        f"{lost} articles give tags and regions only, as their rubric becomes none (own: Искусство {lost})",
        "articles don't give their rubric, as it is over the cap (other: ",
        "nothing will be `auto`: no outlet has 200 calibration articles",
    ]
    card = Path(json.loads(done.stdout)["path"], "card.md").read_text("utf-8")
    assert all(line in done.stderr for line in told)
    assert all(line in card for line in told[:2])
    assert "too few for `auto`" in card
    assert "no outlet has 200 articles to calibrate on" in card


def test_articles_in_no_part_of_the_split_are_told() -> None:
    none = np.zeros(0, np.int64)
    parts = Split("time", none, none, none, Counter({"outside of the periods": 3, "near-duplicate": 1}))
    [line] = on_unused(Examples([], [], {}, {}), parts)
    assert line == "4 articles are in no part of the split (outside of the periods: 3; near-duplicate: 1)"


def test_outlets_are_on_the_card_with_their_calibration_articles() -> None:
    model = trained()
    assert model.calibrated == {"sample": len(labelled_articles())}
    assert model.manifest["labels"]["outlets"] == model.calibrated
    assert may_publish({"a": 199, "b": 200})
    assert not may_publish({"a": 199, "b": 199})
    assert all(f"- {outlet}: {count} articles" in model.card for outlet, count in model.calibrated.items())


def test_the_card_says_how_well_the_model_does_for_each_outlet() -> None:
    measured = RubricMeasures(by_source={"a.ru": Share(40, 0.5), "b|c": Share(100, 0.9)})
    lines = list(by_outlet(measured))
    assert [line.split(" | ")[0] for line in lines[-2:]] == ["| b\\|c", "| a.ru"]
    assert lines[-1] == "| a.ru | 40 | 0.500 | 0.352 to 0.648 |"
    assert not list(by_outlet(RubricMeasures(by_source={"a.ru": Share(40, 0.5)})))


def test_the_manifest_knows_which_labels_were_joined_to_a_tag() -> None:
    tags = Tags(
        [Tag("vladimir-putin", "Владимир Путин", (), (), 9), Tag("nato", "НАТО", (), (), 5)],
        {"владимир путин": 0, "нато": 1, "путин": 0},
    )
    assert aliases_of(tags) == {"путин": "vladimir-putin"}
    ids = set(annotator().tags.ids)
    assert set(trained().manifest["labels"]["aliases"].values()) <= ids


@pytest.mark.slow
def test_a_corpus_whose_tags_name_places_labels_places() -> None:
    def example(corpus: int, **labels: Any) -> Example:
        article = LabelledArticle(title="Т", rubric="А", **labels)
        return Example(article, corpus, "о", None, str(corpus))

    examples = Examples(
        [
            example(0, tags=("Казань",)),
            example(0, tags=("суд",)),
            example(1, tags=("суд",)),
            example(2, regions=("Тула",)),
            example(3, regions=("Лукоморье",)),
        ],
        [Corpus(path=Path(f"{i}.jsonl")) for i in range(4)],
        {},
        {},
    )
    places = labelled(examples, ["А"], Tags([], {}), gazetteer.build(), Config(), by_time=False).places
    assert [None if found is None else bool(found) for found in places] == [True, False, None, True, None]


def test_a_failed_step_leaves_no_live_line_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    progress = Progress()
    assert progress._status is not None
    with pytest.raises(OSError, match="full"), progress.step("reading"):
        raise OSError("full")
    assert not progress._status._live.is_started


def test_only_what_can_be_mended_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for error, code in (
        (SplitError("a"), 1), (KeyFileError("b"), 1), (OSError("c"), 1), (SettingsError("d"), 2)
    ):  # fmt: skip
        with pytest.raises(SystemExit) as stopped, told():
            raise error
        assert stopped.value.code == code
    assert capsys.readouterr().err == "".join(f"rubricator: {letter}\n" for letter in "abcd")
    with pytest.raises(ValueError, match="a bug"), told():
        raise ValueError("a bug")


@pytest.mark.slow
def test_wrong_usage_is_told_apart_from_failure(run: Any, tmp_path: Path) -> None:
    both = run("train", "--data", str(SAMPLE), "--activate", "--output", str(tmp_path / "model"))
    assert (both.returncode, both.stdout) == (2, "")
    assert "leave out --output" in both.stderr
    assert run("train", "--data", str(SAMPLE), "--base", "baseline").returncode == 2


@pytest.mark.slow
def test_articles_of_one_rubric_can_be_evaluated(run: Any, tmp_path: Path) -> None:
    sport = [msgspec.to_builtins(article) for article in labelled_articles() if article.rubric == "Спорт"]
    done = run("evaluate", "--data", rows(tmp_path / "sport.jsonl", sport), "--model", "baseline")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{len(sport)} articles\nrubric accuracy")


@pytest.mark.slow
def test_evaluation_takes_joined_labels_from_the_models_own_manifest(run: Any, tmp_path: Path) -> None:
    person = "Владимир Путин"
    archive_rows = [
        msgspec.to_builtins(article) | {"text": f"{person} сказал. {article.text}", "tags": [person, "Путин"][i % 2 :]}
        for i, article in enumerate(labelled_articles())
    ]
    model = tmp_path / "model"
    assert run("train", "--data", rows(tmp_path / "a.jsonl", archive_rows), "--output", str(model)).returncode == 0
    assert json.loads((model / "manifest.json").read_bytes())["labels"]["aliases"] == {"путин": "vladimir-putin"}
    short = [row | {"tags": ["Путин"]} for row in archive_rows]
    measures = tmp_path / "measures.json"
    data = rows(tmp_path / "b.jsonl", short)
    done = run("evaluate", "--data", data, "--model", str(model), "--json", str(measures))
    assert done.returncode == 0, done.stderr
    found = json.loads(measures.read_bytes())["tags"]
    assert found["unknown"] == {}
    assert found["recall"] > 0.9


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
    data = small_archive(tmp_path / "few.jsonl")
    done = run("evaluate", "--data", str(data), "--model", "baseline", "--json", str(measures), "--html", str(page))
    assert done.returncode == 0, done.stderr
    found = json.loads(measures.read_text("utf-8"))
    assert found["n"] == 120
    assert found["model"] == "baseline"
    newest = json.loads((BASELINE / "manifest.json").read_bytes())["newest_row"]
    assert found["overlap"] == {"newest_row": newest, "learnt": [], "not_newer": 0, "undated": 0}
    assert any("120, too few" in note for note in found["notes"])
    assert {"accuracy", "macro_f1", "calibration_error", "coverage_at_95", "per_label"} <= found["rubric"].keys()
    assert {"micro_f1", "macro_f1", "p_at_1", "p_at_5", "ndcg_at_5"} <= found["tags"].keys()
    assert all(found["regions"][level]["f1"] > 0 for level in ("country", "subject", "city"))
    assert "regions, city F1" in done.stdout
    html = page.read_text("utf-8")
    assert "Model baseline" in html and "Before you believe these figures" in html
    assert "measured: model baseline" in done.stderr
    assert html.lower().startswith("<!doctype html>")
    assert "http://" not in html.replace("http://www.w3.org", "") and "<script src" not in html


@pytest.mark.parametrize(
    ("spellings", "label"),
    [
        ({"дональд трамп": 9, "Дональд Трамп": 2}, "Дональд Трамп"),
        ({"Центральный Банк РФ (ЦБ РФ)": 3}, "Центральный Банк РФ"),
        ({"КИЕВСКАЯ РУСЬ": 5, "Киевская Русь": 1}, "Киевская Русь"),
        ({"НАТО": 1, "нато": 4}, "НАТО"),
        ({"выборы": 9, "Выборы": 2}, "выборы"),
        ({"выборы": 2, "Выборы": 9}, "Выборы"),
        ({"Большой театр": 8, "Большой Театр": 2}, "Большой театр"),
    ],
)
def test_labels_are_shown_as_people_write_them(spellings: dict[str, int], label: str) -> None:
    assert best_spelling(spellings) == label


def test_labels_in_lower_case_are_spelt_as_articles_spell_them() -> None:
    seen = {"нато": Counter({"НАТО": 8}), "выборы": Counter({"выборы": 6, "Выборы": 2})}
    assert written_as_in("нато", seen) == "НАТО"
    assert written_as_in("выборы", seen) == "выборы"
    assert written_as_in("владимир путин", {}) == "Владимир Путин"


@pytest.mark.slow
def test_a_label_stays_in_lower_case_if_the_archive_writes_it_so() -> None:
    article = LabelledArticle(
        text="Выборы прошли. Выборы мэра. Выборы в области, где НАТО, и НАТО, и НАТО.",
        tags=("выборы", "нато", "дональд трамп", "Большой театр"),
    )
    found = tags_of([article] * 3 + [LabelledArticle(tags=("Выборы",))], gazetteer.build(), [], 3, 100)
    assert [tag.label for tag in found.tags] == ["выборы", "Большой театр", "Дональд Трамп", "НАТО"]


def test_the_first_word_of_a_sentence_tells_nothing_of_its_spelling() -> None:
    text = "Мост открыт. Мост стоит! «Мост» — это клуб «Мост», и мост."
    assert spellings_in([LabelledArticle(text=text, tags=("мост",))], {"мост"}) == {"мост": {"Мост": 1, "мост": 1}}


def test_tags_that_are_left_out_are_counted() -> None:
    def articles(**counts: int) -> list[LabelledArticle]:
        return [LabelledArticle(tags=(tag,)) for tag, count in counts.items() for _ in range(count)]

    found = tags_of(articles(суд=5, мосты=4, цены=3, парки=2, Пермь=2, свои=1), gazetteer.build(), ["свои"], 3, 2)
    assert [tag.label for tag in found.tags] == ["суд", "мосты"]
    assert (found.rare, found.over) == ({"парки": 2}, {"цены": 3})
    assert list(on_tags(found, 3, 2)) == [
        "tags left out, as fewer than 3 articles have them: 1 (парки 2); "
        "to learn them, lower min_examples under [tags] in the config",
        "tags left out, as the model takes the 2 most frequent: 1 (цены 3); "
        "to learn them, raise max_tags under [model] in the config",
    ]


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("Спорт", "Спорт"),
        ("<script>", r"\<script\>"),
        ("[a](http://b)", r"\[a\](http://b)"),
        ("a|b", r"a\|b"),
        ("# a\n# b", r"\# a # b"),
        ("1. a", r"1\. a"),
        ("- a", r"\- a"),
        ("*a* `b` _c_ a_b", r"\*a\* \`b\` \_c\_ a_b"),
        ("&lt;", r"\&lt;"),
        ("a\\", "a\\\\"),
    ],
)
def test_a_name_makes_no_markdown(label: str, written: str) -> None:
    assert escaped(label) == written


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
