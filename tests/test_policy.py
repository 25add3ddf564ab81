"""Which labels are sensitive: by default, and as a newsroom has it."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.inference.annotator import Annotator
from service.records import Rejects
from tests.sample_model import SAMPLE, labelled_articles, trained
from training.config import ConfigError, load
from training.config import Policy as OwnLabels
from training.gazetteer import Gazetteer, build
from training.labels import Tags, tags_of
from training.notes import on_policy
from training.policy import defaults, is_person, policies, reasons
from training.progress import Progress
from training.run import train

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[Any]:
    lines = (CASES / name).read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [pytest.param(label, expected, id=f"{label}: {why}") for label, expected, why in rows]


@cache
def gazetteer() -> Gazetteer:
    return build()


@cache
def tags() -> Tags:
    return tags_of(labelled_articles(), gazetteer(), (), 1, 1000)


def part(**own: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
    return policies(["Спорт", "Дети", "Происшествия и криминал"], tags(), gazetteer(), OwnLabels(**own))


@pytest.mark.parametrize(("label", "policy"), cases("policy.tsv"))
def test_a_label_is_sensitive_by_its_words(label: str, policy: str) -> None:
    assert defaults().of(label) == policy


@pytest.mark.parametrize(("label", "expected"), cases("persons.tsv"))
def test_a_person_is_known_by_first_name_and_surname(label: str, expected: str) -> None:
    assert is_person(label) == (expected == "yes")


@pytest.mark.parametrize("rubric", ["Происшествия", "Криминал", "ЧП", "Силовые структуры", "Происшествия и криминал"])
def test_under_these_rubrics_persons_are_sensitive(rubric: str) -> None:
    assert defaults().incidents.says(rubric)


@pytest.mark.parametrize("rubric", ["Общество", "Спорт", "Политика", "В мире", "Силы природы"])
def test_under_others_they_are_not(rubric: str) -> None:
    assert not defaults().incidents.says(rubric)


@pytest.mark.slow
def test_a_newsrooms_word_wins_over_the_defaults() -> None:
    found, unknown = part()
    assert found["rubrics"] == {"deti": "review_only"}
    assert found["regions"] == {}
    assert found["incidents"] == ["proisshestviya-i-kriminal"]
    assert unknown == ()
    football, *_ = tags().tags
    found, unknown = part(normal=("ДЕТИ",), never_suggest=("Спорт",), review_only=(football.label.upper(), "Тверь"))
    assert found["rubrics"] == {"sport": "never_suggest"}
    assert found["tags"] == {**part()[0]["tags"], football.id: "review_only"}
    assert list(found["regions"].values()) == ["review_only"]
    assert unknown == ()


def test_an_unknown_label_is_told_and_harms_nothing() -> None:
    found, unknown = part(review_only=("Нет такого",), normal=("И такого нет",))
    assert found == part()[0]
    assert unknown == ("Нет такого", "И такого нет")
    [note] = on_policy(unknown)
    assert "2 («Нет такого», «И такого нет»)" in note
    assert not list(on_policy(()))


def test_a_label_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "train.toml"
    file.write_text('[policy]\nreview_only = ["Дети"]\nnormal = ["Дети"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"in \[policy\]: «Дети» stands here twice"):
        load(file, [SAMPLE])


def test_one_label_in_two_spellings_has_one_policy() -> None:
    with pytest.raises(ConfigError, match="«Спорт» is review_only and «СПОРТ» normal, and they are one rubric"):
        part(review_only=("Спорт",), normal=("СПОРТ",))


def test_what_nobody_sees_in_a_label_hides_no_word() -> None:
    assert defaults().of("суи\u00adцид") == defaults().of("суици\u0301д") == "review_only"


def test_every_sensitive_label_has_its_reason() -> None:
    told = dict(reasons(["Дети", "Теракт", "Прогноз погоды"]))
    assert list(told.values()) == [["Дети"], ["Теракт"], ["Прогноз погоды"]]
    assert [reason.partition(":")[0] for reason in told] == ["minors", "extremism", "the newsroom's own choice"]


@pytest.mark.slow
def test_a_trained_model_says_what_it_holds_back(tmp_path: Path) -> None:
    file = tmp_path / "train.toml"
    rows = f'[[corpus]]\npath = "{SAMPLE}"\n'
    own = '[policy]\nreview_only = ["Спорт"]\nnever_suggest = ["Тверь", "Нет такого"]\n'
    file.write_text(rows + own, encoding="utf-8")
    model = train(load(file, []), Rejects(), Progress(quiet=True))
    held = model.manifest["labels"]["policy"]
    assert "Спорт" in held["review_only"]
    assert held["never_suggest"] == ["Тверь"]
    assert held["persons"] >= 0
    assert "- never suggested: 1: Тверь" in model.card
    assert any("«Нет такого»" in note for note in model.notes)
    answers = Annotator("new", model.parts).annotate(labelled_articles())
    assert all(region.label != "Тверь" for answer in answers for region in answer.regions or ())


def test_a_model_knows_which_of_its_rubrics_are_of_incidents() -> None:
    part = trained().parts["policy"]
    labels = dict(zip(trained().parts["rubric"]["ids"], trained().parts["rubric"]["labels"], strict=True))
    assert [labels[id_] for id_ in part["incidents"]] == ["Происшествия"]


def test_a_model_made_without_policies_holds_nothing_back() -> None:
    parts = {name: part for name, part in trained().parts.items() if name != "policy"}
    policies = Annotator("older", parts).decisions.policies
    assert not any(policies.tags) and not any(policies.rubrics) and not policies.regions and not policies.persons


@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": {"no-such-tag": "review_only"}},
        {"rubrics": {"sport": "sometimes"}},
        {"persons": ["nobody"]},
    ],
)
def test_a_part_that_fits_no_label_is_refused(wrong: dict[str, Any]) -> None:
    parts = {**trained().parts, "policy": {**trained().parts["policy"], **wrong}}
    with pytest.raises(ValueError, match=r"no label|fits no"):
        Annotator("wrong", parts)
