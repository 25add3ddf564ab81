"""Corrections are learnt from, a worse challenger is refused, and a set that looks wrong changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from typer.testing import CliRunner

from service.__main__ import app
from service.correction import Ready, Worked
from service.inference.annotator import Annotator
from service.inference.manifest import Manifest
from service.keeping import Keeping
from service.loading import open_keeping, open_model, open_registry
from service.memory import Chosen
from service.outliers import ENOUGH
from service.settings import Settings
from service.vocabulary import Vocabulary, added, amended, merged, retired
from tests.sample_model import SAMPLE, annotator, labelled_articles, trained
from training.config import Config, Corpus
from training.config import Split as SplitConfig
from training.examples import load
from training.of_two_minds import ARCHIVE, EDITORS, among_likes, listed
from training.readers import Rejects
from training.retrain import compare
from training.split import split
from training.taught import shrunken, taught

RUN = CliRunner()


class NoRejects(Rejects):
    def add(self, file: Path | str, line: int, reason: str) -> None:
        raise AssertionError((file, line, reason))


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    keeping = open_keeping(Settings(home=tmp_path))
    keeping.start()
    yield keeping
    keeping.close()


def chosen(label: str) -> Chosen:
    return Chosen(label, label)


def decided(keeping: Keeping, article_id: str, actor: str, final: dict[str, tuple[str, ...]], was: str = "") -> None:
    """`was`: the rubric that had been suggested."""
    article = {"id": article_id, "title": "Мост открыли", "text": f"Текст статьи {article_id}.", "source": "a.ru"}
    heads = {head: tuple(map(chosen, labels)) for head, labels in final.items()}
    rejected = {"rubric": (chosen(was),)} if was and was not in final.get("rubric", ()) else {}
    accepted = {"rubric": (chosen(was),)} if was in final.get("rubric", ()) else {}
    worked = Worked(final=heads, rejected=rejected, accepted=accepted, seen=True)  # type: ignore[arg-type]
    packed = zstandard.compress(msgspec.json.encode(article))
    keeping.corrections.append([Ready(article_id, actor, worked, packed, ())]).result(10)


def test_a_head_that_was_not_looked_at_is_not_learnt_as_empty(keeping: Keeping) -> None:
    decided(keeping, "1", "anna", {"rubric": ("Город",)})
    decided(keeping, "2", "anna", {"rubric": ("Спорт",), "tags": ("хоккей",)})
    decided(keeping, "3", "anna", {"rubric": ("Спорт",), "tags": ()})
    with keeping.readers.one() as connection, taught(connection) as found:
        assert [(corpus.path.name, corpus.use) for corpus in found.corpora] == [
            ("corrections-rubric.jsonl", ("rubric",)),
            ("corrections-rubric-tags.jsonl", ("rubric", "tags")),
        ]
        assert found.articles == 3
        rows = load(Config(corpus=found.corpora), NoRejects()).rows
        assert {row.article.id: row.article.tags for row in rows} == {"1": (), "2": ("хоккей",), "3": ()}
    assert not found.corpora[0].path.exists()


def test_a_correction_wins_over_the_archive_and_an_erased_article_is_in_neither(
    keeping: Keeping, tmp_path: Path
) -> None:
    archive = tmp_path / "archive.jsonl"
    rows = [
        {"id": str(i), "source": "a.ru", "title": f"Заголовок {i}", "text": f"Из архива {i}", "rubric": "Общество"}
        for i in range(3)
    ]
    archive.write_text("".join(json.dumps(row) + "\n" for row in rows))
    decided(keeping, "1", "anna", {"rubric": ("Город",)})
    decided(keeping, "2", "anna", {"rubric": ("Город",)})
    keeping.corrections.erase("2").result(10)

    class Told:
        reasons: list[str] = []  # noqa: RUF012 - one test

        def add(self, file: Path | str, line: int, reason: str) -> None:
            self.reasons.append(reason)

    with keeping.readers.one() as connection, taught(connection) as found:
        corpora = (*found.corpora, Corpus(archive, format="records"))
        examples = load(Config(corpus=corpora), Told(), found.erased)
    assert {row.article.id: row.article.rubric for row in examples.rows} == {"0": "Общество", "1": "Город"}
    assert Told.reasons == ["id sent before: 1", "erased in the service's store"]


def doubts(keeping: Keeping) -> tuple[str, ...]:
    with keeping.readers.one() as connection, taught(connection) as found:
        return found.doubts


def test_who_alone_empties_a_rubric_is_named(keeping: Keeping) -> None:
    for i in range(ENOUGH):
        decided(keeping, f"a{i}", "boris", {"rubric": ("Спорт",)}, was="Город")
        decided(keeping, f"b{i}", "anna", {"rubric": ("Город",)}, was="Город")
    assert doubts(keeping) == (f"boris alone took {ENOUGH} of {ENOUGH} articles out of «Город»",)


def test_an_accomplice_with_one_article_hides_nobody(keeping: Keeping) -> None:
    decided(keeping, "c", "clara", {"rubric": ("Спорт",)}, was="Город")
    for i in range(ENOUGH):
        decided(keeping, f"a{i}", "boris", {"rubric": ("Спорт",)}, was="Город")
        decided(keeping, f"b{i}", "anna", {"rubric": ("Город",)}, was="Город")
    assert doubts(keeping) == (f"boris alone took {ENOUGH} of {ENOUGH} articles out of «Город»",)


def test_one_who_empties_a_rubric_that_nobody_else_touched_is_named(keeping: Keeping) -> None:
    for i in range(ENOUGH):
        decided(keeping, f"a{i}", "boris", {"rubric": ("Спорт",)}, was="Город")
    assert doubts(keeping) == (f"boris alone took {ENOUGH} of {ENOUGH} articles out of «Город»",)


def test_what_all_editors_agree_on_is_no_poison(keeping: Keeping) -> None:
    for i in range(ENOUGH):
        decided(keeping, f"a{i}", "boris", {"rubric": ("Спорт",)}, was="Город")
        decided(keeping, f"b{i}", "anna", {"rubric": ("Спорт",)}, was="Город")
    assert doubts(keeping) == ()


def test_some_mistakes_are_no_poison(keeping: Keeping) -> None:
    for i in range(3 * ENOUGH):
        decided(keeping, f"a{i}", "boris", {"rubric": ("Спорт",) if i % 3 == 0 else ("Город",)}, was="Город")
    assert doubts(keeping) == ()


def test_editors_who_contradict_each_other_are_listed(keeping: Keeping) -> None:
    decided(keeping, "1", "anna", {"rubric": ("Город",)})
    decided(keeping, "1", "boris", {"rubric": ("Спорт",)})
    decided(keeping, "2", "anna", {"rubric": ("Город",)})
    decided(keeping, "2", "anna", {"rubric": ("Спорт",)})  # who changes their mind contradicts nobody
    decided(keeping, "3", "anna", {"rubric": ("Город",)})
    decided(keeping, "3", "boris", {"rubric": ("Город",), "tags": ("мосты",)})
    with keeping.readers.one() as connection, taught(connection) as found:
        [sides] = found.contradictions
    assert [(one.article.id, one.rubric, one.who) for one in sides] == [("1", "Город", "anna"), ("1", "Спорт", "boris")]
    assert listed([sides]).splitlines() == [
        "противоречие;id;дата;заголовок;рубрика;кто;ссылка",
        "1;1;;Мост открыли;Город;anna;",
        "1;1;;Мост открыли;Спорт;boris;",
    ]


def test_articles_nearly_alike_are_listed_where_editors_decided_one_of_them_otherwise(tmp_path: Path) -> None:
    text = "В среду через реку открыли новый мост, по нему пошли первые автобусы и трамваи."
    rows = [("1", text, "Город"), ("2", text + " Снег.", "Спорт"), ("3", "Совсем другая статья о погоде.", "Город")]
    paths = []
    for name, of in (("corrections", rows[:1]), ("archive", rows[1:])):
        path = tmp_path / f"{name}.jsonl"
        records = [{"id": id_, "title": "=1+1", "text": text, "rubric": rubric} for id_, text, rubric in of]
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        paths.append(path)
    examples = load(Config(corpus=tuple(map(Corpus, paths))), NoRejects())
    [sides] = among_likes(examples.rows, examples.groups, corrections=1)
    assert [(one.article.id, one.rubric, one.who) for one in sides] == [
        ("1", "Город", EDITORS),
        ("2", "Спорт", ARCHIVE),
    ]
    assert ";'=1+1;" in listed([sides])  # no formula
    assert list(among_likes(examples.rows, examples.groups, corrections=0)) == []


def test_a_set_that_lost_a_fifth_is_told() -> None:
    assert shrunken(79, [{"articles": 60}, {"articles": 40}])
    assert shrunken(81, [{"articles": 60}, {"articles": 40}]) is None
    assert shrunken(1, []) is None


def test_what_judges_is_the_same_whatever_else_is_there(tmp_path: Path) -> None:
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    found: list[set[str | None]] = []
    for count in (200, 120):
        file = tmp_path / f"{count}.jsonl"
        file.write_bytes(b"".join(lines[:count]))
        examples = load(Config(corpus=(Corpus(file, format="records"),)), NoRejects())
        parts = split(examples, SplitConfig("hash", 0.2, 0.0, anchor=0.2))
        assert not set(parts.judges) & set(parts.train) | set(parts.judges) & set(parts.validation)
        found.append({examples.rows[i].article.id for i in parts.judges})
    assert found[1] <= found[0]
    assert len(found[1]) > 10


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUBRICATOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RUBRICATOR_DATA", raising=False)
    return tmp_path / "home"


def command(*words: str) -> Any:
    return RUN.invoke(app, list(words))


@pytest.mark.slow
def test_a_retraining_learns_compares_and_is_kept(home: Path, tmp_path: Path) -> None:
    config = tmp_path / "judged.toml"
    config.write_text('[split]\nby = "hash"\nvalidation = 0.2\nanchor = 0.3\nlatest = 0.3\n')
    first = command("train", "--config", str(config), "--data", str(SAMPLE), "--activate")
    assert first.exit_code == 0, first.output
    answer = command("retrain", "--config", str(config), "--data", str(SAMPLE), "--activate", "--json")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["passed"]
    assert told["activated"]
    assert told["judges"] > 50
    registry = open_registry(Settings(home=home))
    assert registry.active() == told["version"]
    assert registry.activations()[-1].reason.startswith("gate passed against")
    assert (registry.gates / f"{told['version']}.json").exists()

    half = tmp_path / "half.jsonl"
    half.write_bytes(b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[:100]))
    refused = command("retrain", "--config", str(config), "--data", str(half), "--activate")
    assert refused.exit_code == 1
    assert "is a file missing?" in refused.output
    assert "--force" in refused.output
    assert registry.active() == told["version"]

    waits = command("retrain", "--data", str(SAMPLE), "--after", "5")
    assert waits.exit_code == 0
    assert "0 new corrections, 5 are waited for" in waits.output


@pytest.mark.slow
def test_what_editors_made_of_the_tags_holds_for_the_archive_too(home: Path) -> None:
    """«школьники» merged into «туризм», «погода» renamed, «инфляция» retired, a new tag, and the ids stay."""
    assert command("train", "--data", str(SAMPLE), "--activate").exit_code == 0
    before = open_model(Settings(home=home)).labels
    ids = {label: id_ for id_, label in before.all("tags").items()}
    renamed, into = ids["погода"], ids["туризм"]
    keeping = open_keeping(Settings(home=home))
    keeping.start()
    try:
        for change in (
            lambda was: merged(was, before, ids["школьники"], into),
            lambda was: amended(was, before, renamed, "Прогноз погоды", None, None, False),
            lambda was: retired(was, before, ids["инфляция"]),
            lambda was: added(was, before, "Инфляция цен", [], None),
        ):
            keeping.terms.change(keeping.writer, before, "of the model", change, None).result(10)
    finally:
        keeping.close()
    answer = command("retrain", "--data", str(SAMPLE), "--json")
    assert answer.exit_code == 0, answer.output
    challenger = open_model(Settings(home=home), json.loads(answer.stdout)["version"])
    after = challenger.labels.all("tags")
    labels = set(after.values())
    assert after[renamed] == "Прогноз погоды"
    assert after[into] == "туризм"
    assert "Инфляция цен" in labels
    assert labels.isdisjoint({"школьники", "погода", "инфляция"})
    numbers = {label: number for number, label in enumerate(challenger.tags.labels)}
    assert challenger.tags.is_trained(numbers["Прогноз погоды"]), "learnt from rows that have the old label"
    assert not challenger.tags.is_trained(numbers["Инфляция цен"])


def test_a_renamed_tag_is_compared_with_what_it_was() -> None:
    """Else the gate would see one tag lost and another found."""
    now = annotator().labels
    id_ = now.id_of("tags", "погода")
    assert id_ is not None
    vocabulary = Vocabulary([amended(Vocabulary(), now, id_, "Прогноз погоды", None, None, False)])
    parts = dict(trained().parts)
    renamed = ["Прогноз погоды" if label == "погода" else label for label in parts["tags"]["labels"]]
    parts["tags"] = {**parts["tags"], "labels": renamed}
    its: dict[str, Any] = {"labels": {"aliases": {}}}
    manifest = msgspec.convert(trained().manifest, Manifest, strict=False)
    found = compare(annotator(), manifest, Annotator("new", parts), its, labelled_articles(), vocabulary)
    assert all(one.before == one.after for one in found.changes)
    assert found.passed
    without = compare(annotator(), manifest, Annotator("new", parts), its, labelled_articles(), Vocabulary())
    assert any(one.before != one.after for one in without.changes)
