"""What editors decided, on the command line: import, export, prune, doctor; and what a training heeds of it."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.loading import erased_articles, open_keeping
from service.records import Rejects
from service.settings import Settings
from tests.test_command_line import home, run, versions  # noqa: F401 - fixtures
from training.config import Config, Corpus, defaults
from training.examples import EmptyTrainingSetError, load

ARTICLE = {"id": "a1", "title": "В Вологде открыли мост", "text": "Мост строили три года.", "source": "v.example"}


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    lines: list[Any] = [
        {"article": ARTICLE, "final": {"tags": ["u"], "rubric": "r"}, "seen": True, "actor": "ivanova"},
        {"article_id": "a2", "final": {"tags": ["no-such-tag"]}, "seen": True},
        {**ARTICLE, "id": "a3", "rubric": "Другая рубрика", "tags": ["Новый тег"]},
    ]
    path = tmp_path / "corrections.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\nnonsense\n", encoding="utf-8")
    return path


def test_corrections_are_imported_once_and_exported_as_labelled_articles(
    run: Any,  # noqa: F811
    corrections: Path,
    tmp_path: Path,
) -> None:
    ended = run("corrections", "import", str(corrections), "--json")
    assert (ended.code, ended.lines) == (0, [{"new": 2, "before": 0, "refused": 2}])
    assert "line 2: there is no tag with the id no-such-tag" in ended.err
    assert "line 4: not JSON" in ended.err
    again = run("corrections", "import", str(corrections), "--json", "--strict")
    assert (again.code, again.lines) == (1, [{"new": 0, "before": 2, "refused": 2}])
    exported = run("corrections", "export")
    assert exported.lines == [
        {**ARTICLE, "rubric": "Рубрика baseline", "tags": ["Другой тег"]},
        {**ARTICLE, "id": "a3", "rubric": "Другая рубрика", "tags": ["Новый тег"]},
    ]
    assert "2 articles" in exported.err
    out = tmp_path / "labelled.jsonl.gz"
    assert run("corrections", "export", "--output", str(out)).code == 0
    assert out.exists()


def test_files_are_annotated_as_the_editors_want_it(run: Any, corrections: Path, tmp_path: Path) -> None:  # noqa: F811
    run("corrections", "import", str(corrections))
    file = tmp_path / "articles.jsonl"
    file.write_text(json.dumps(ARTICLE), encoding="utf-8")
    [answer] = run("annotate", str(file)).lines
    assert [(tag["id"], tag["origin"]) for tag in answer["tags"]] == [("u", "history")]
    assert answer["suppressed"] == [{"id": "t", "kind": "tag", "why": "rejected in correction 1"}]


def test_prune_tells_what_is_kept(run: Any, corrections: Path) -> None:  # noqa: F811
    run("corrections", "import", str(corrections))
    [told] = run("prune", "--json").lines
    assert (told["pruned"], told["corrections"], told["predictions"]) == (0, 2, 0)
    assert "2 corrections are kept" in run("prune").out


def test_doctor_names_models_that_may_hold_what_was_erased(run: Any, home: Path, corrections: Path) -> None:  # noqa: F811
    assert run("doctor").code == 0
    run("corrections", "import", str(corrections))
    erase(home, "a1")
    told = run("doctor")
    assert told.code == 0
    [version, _] = versions(home)
    assert f"the model {version} may have learnt from articles that were erased since (1): retrain" in told.out
    run("models", "activate", version)
    told = run("doctor")
    assert told.code == 1
    assert f"BAD  the active model {version} may have learnt" in told.out


def test_doctor_tells_of_a_store_that_can_not_be_used(run: Any, home: Path) -> None:  # noqa: F811
    (home / "store.db").write_text("no database" * 100)
    told = run("doctor")
    assert told.code == 1
    assert "can't be used now" in told.out
    assert run("corrections", "export").code == 1


def test_doctor_tells_of_a_damaged_store(run: Any, home: Path, corrections: Path) -> None:  # noqa: F811
    run("corrections", "import", str(corrections))
    store = home / "store.db"
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [[page]] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'corrections'")
    connection.close()
    content = bytearray(store.read_bytes())
    content[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"x" * 64
    store.write_bytes(content)
    told = run("doctor")
    assert told.code == 1
    assert "restore a backup" in told.out


def test_no_training_learns_from_an_erased_article(run: Any, home: Path, corrections: Path) -> None:  # noqa: F811
    run("corrections", "import", str(corrections))
    erase(home, "a1")
    corpus = home / "corpus.jsonl"
    rows = [{**ARTICLE, "rubric": "Город"}, {**ARTICLE, "id": "a9", "text": "Другая статья.", "rubric": "Город"}]
    corpus.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    erased = erased_articles(Settings(home=home))
    rejects = Rejects()
    examples = load(of(corpus), rejects, erased)
    assert [row.article.id for row in examples.rows] == ["a9"]
    assert rejects.reasons == {"erased in the service's store": 1}
    erase(home, "a9")
    with pytest.raises(EmptyTrainingSetError, match="erased"):
        load(of(corpus), Rejects(), erased_articles(Settings(home=home)))


def test_without_a_store_nothing_was_erased_and_none_is_made(home: Path) -> None:  # noqa: F811
    assert erased_articles(Settings(home=home)) == frozenset()
    assert not (home / "store.db").exists()


def of(corpus: Path) -> Config:
    return msgspec.structs.replace(defaults(), corpus=(Corpus(path=corpus),))


def erase(home: Path, article_id: str) -> None:  # noqa: F811
    keeping = open_keeping(Settings(home=home))
    keeping.start()
    keeping.corrections.erase(article_id).result(10)
    keeping.close()
