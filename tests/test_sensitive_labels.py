"""What is sensitive stays with the editor, through every door, however sure the model is."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from service.__main__ import main
from service.app import create_app
from service.inference import artifact
from service.inference.annotator import Annotator, load
from service.inference.article import Profile
from service.inference.decisions import HEADS, Options
from service.registry import Registry
from service.settings import Settings
from tests.sample_model import trained
from tests.serving import listening
from tests.sure_model import HELD, LIKELIEST, everything, sent, sure_parts

PROFILES: tuple[Profile, ...] = get_args(Profile)
QUERIES: list[dict[str, str]] = [
    {},
    *({"profile": str(profile)} for profile in PROFILES),
    {"threshold": "0"},
    {"threshold": "1"},
    {"limit": "1"},
    {"explain": "words"},
]
Answers = list[dict[str, Any]]


def annotated(model: Annotator, **options: Any) -> Answers:
    found: Answers = msgspec.to_builtins(model.annotate(sent(), Options(**options)))
    return found


def labels(answers: Answers) -> Iterator[dict[str, Any]]:
    """Everything that is decided about: `rubric`, regions and tags."""
    for answer in answers:
        yield from (one for one in (answer.get("rubric"), *answer.get("regions", ()), *answer.get("tags", ())) if one)


def decisions(answers: Answers) -> set[str]:
    return {label["decision"] for label in labels(answers)}


def written(directory: Path, policy: dict[str, Any]) -> Path:
    manifest = {"newest_row": "2024-01-01", "labels": {"outlets": {}}}
    artifact.write(directory, sure_parts(policy), manifest, "# sure\n", compress=False)
    return directory


@pytest.fixture(scope="module", params=["normal", "review_only"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A model on the disk that would publish everything, with all of its labels normal, or all of them sensitive."""
    policy = everything(request.param) if request.param != "normal" else HELD
    return request.param, written(tmp_path_factory.mktemp("model") / "sure", policy)


def http(directory: Path, home: Path) -> Iterator[Answers]:
    """Every call of the service, with every query that could matter, by the active model and by its name."""
    import httpx

    registry = Registry(home, directory, load)
    version = registry.add(directory)
    articles = msgspec.to_builtins(sent())
    lines = b"\n".join(map(msgspec.json.encode, articles))
    app = create_app(Settings(home=home), registry, load)
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for query in [*QUERIES, {"model": version}]:
            for path in ("/classify", "/tags", "/annotate"):
                yield [client.post(path, json=article, params=query).json() for article in articles[:4]]
            yield client.post("/annotate/batch", json=articles, params=query).json()
            kind = {"content-type": "application/x-ndjson"}
            stream = client.post("/annotate/batch", content=lines, params=query, headers=kind)
            yield [json.loads(line) for line in stream.text.splitlines()]


@pytest.mark.slow
def test_a_sensitive_label_is_not_published_over_http(world: tuple[str, Path], tmp_path: Path) -> None:
    policy, directory = world
    for answers in http(directory, tmp_path):
        assert len(answers) >= 4
        assert decisions(answers) == {"auto" if policy == "normal" else "review"}
        assert {label["score"] for label in labels(answers)} == {1.0}
        assert {label.get("policy") for label in labels(answers)} == {None if policy == "normal" else policy}


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_a_sensitive_label_is_not_published_on_the_command_line(
    world: tuple[str, Path], profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    policy, directory = world
    file = tmp_path / "articles.jsonl"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, sent())))
    arguments = ["rubricator", "annotate", str(file), "--model", str(directory), "--profile", profile]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setenv("RUBRICATOR_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert len(answers) == len(sent())
    assert decisions(answers) == {"auto" if policy == "normal" else "review"}


@pytest.mark.parametrize("heads", [HEADS, *(frozenset({head}) for head in sorted(HEADS))])
@pytest.mark.parametrize("profile", PROFILES)
def test_nor_for_whoever_asks_the_model_itself(heads: frozenset[str], profile: Profile) -> None:
    normal, held = Annotator("n", sure_parts()), Annotator("h", sure_parts(everything("review_only")))
    for threshold in (None, 0.0, 1.0):
        asked = {"heads": heads, "profile": profile, "threshold": threshold}
        assert decisions(annotated(normal, **asked)) == {"auto"}
        assert decisions(annotated(held, **asked)) == {"review"}


def test_only_labels_that_are_not_normal_say_so() -> None:
    [answer, *_] = annotated(Annotator("n", sure_parts()))
    assert all("policy" not in label for label in (*labels([answer]), *answer["alternatives"]))
    tag = answer["tags"][0]["id"]
    [answer, *_] = annotated(Annotator("t", sure_parts({"tags": {tag: "review_only"}})))
    assert {one["id"]: one.get("policy") for one in answer["tags"] if "policy" in one} == {tag: "review_only"}
    assert {one["decision"] for one in answer["tags"] if one["id"] != tag} == {"auto"}


def test_a_person_is_sensitive_while_the_likeliest_rubric_is_of_incidents() -> None:
    persons = trained().parts["tags"]["ids"]
    incident = next(id_ for id_, label in zip(*ids_and_labels(), strict=True) if label == LIKELIEST)
    other = next(id_ for id_, label in zip(*ids_and_labels(), strict=True) if label != LIKELIEST)
    held = Annotator("h", sure_parts({"persons": persons, "incidents": [incident]}))
    free = Annotator("f", sure_parts({"persons": persons, "incidents": [other]}))
    for heads in (HEADS, frozenset({"tags"}), frozenset({"regions", "tags"})):
        assert {(tag["decision"], tag["policy"]) for tag in tags(annotated(held, heads=heads))} == {
            ("review", "review_only")
        }
        assert {(tag["decision"], tag.get("policy")) for tag in tags(annotated(free, heads=heads))} == {("auto", None)}
    assert {answer["rubric"]["decision"] for answer in annotated(held)} == {"auto"}


def test_a_person_whose_own_policy_is_stricter_keeps_it() -> None:
    persons = trained().parts["tags"]["ids"]
    incident = next(id_ for id_, label in zip(*ids_and_labels(), strict=True) if label == LIKELIEST)
    never = dict.fromkeys(persons, "never_suggest")
    model = Annotator("n", sure_parts({"persons": persons, "incidents": [incident], "tags": never}))
    assert not list(tags(annotated(model)))


def ids_and_labels() -> tuple[list[str], list[str]]:
    part = trained().parts["rubric"]
    return part["ids"], part["labels"]


def tags(answers: Answers) -> Iterator[dict[str, Any]]:
    for answer in answers:
        yield from answer["tags"]


@pytest.mark.parametrize("threshold", [None, 0.0])
def test_what_is_never_suggested_is_nowhere_in_an_answer(threshold: float | None) -> None:
    asked = {"explain": True, "threshold": threshold}
    answers = annotated(Annotator("n", sure_parts()), **asked)
    rubric, [tag, *_] = answers[0]["rubric"]["id"], answers[0]["tags"]
    regions = [region for answer in answers for region in answer["regions"]]
    inner = next(region for region in regions if region["level"] == "city")
    hidden = {
        "rubrics": {rubric: "never_suggest"},
        "tags": {tag["id"]: "never_suggest"},
        "regions": {inner["parent"]: "never_suggest"},
    }
    without = annotated(Annotator("h", sure_parts(hidden)), **asked)
    told = json.dumps(without, ensure_ascii=False)
    for id_ in (rubric, tag["id"], inner["parent"]):
        assert json.dumps(id_) in json.dumps(answers)
        assert json.dumps(id_) not in told
    assert tag["id"] not in without[0]["explain"]["tags"]
    found = next(one for answer in without for one in answer["regions"] if one["id"] == inner["id"])
    assert found["parent"] == "RU"
    left = [one["id"] for one in answers[0]["tags"] if one["id"] != tag["id"]]
    assert [one["id"] for one in without[0]["tags"]] == left


def doubtful(policy: dict[str, Any], least: float) -> Annotator:
    """The ordinary sample model; whatever reaches `least` would be published unseen."""
    parts = dict(trained().parts)
    auto = {"rubric_auto": 0.0, "tags_auto": 0.0, "regions_auto": 0.0, "rubric_review": least}
    parts["decisions"] = {**auto, "sources": {"sample": 200}}
    return Annotator("doubtful", {**parts, "policy": {**HELD, **policy}})


def test_in_place_of_a_hidden_rubric_the_next_one_is_shown_to_the_editor() -> None:
    answers, ids = annotated(doubtful({}, 0.0)), trained().parts["rubric"]["ids"]
    for hidden in ids[:4]:
        closed = doubtful({"rubrics": {hidden: "never_suggest"}}, 0.0)
        for before, after in zip(answers, annotated(closed), strict=True):
            assert before["rubric"]["decision"] == "auto"
            if before["rubric"]["id"] == hidden:
                assert after["rubric"]["id"] == before["alternatives"][0]["id"]
                assert after["rubric"]["score"] == before["alternatives"][0]["score"]
                assert after["rubric"]["decision"] == "review"
            else:
                assert after["rubric"] == before["rubric"]
            assert hidden not in {one["id"] for one in after["alternatives"]}


def test_where_only_a_hidden_rubric_is_likely_the_answer_abstains() -> None:
    open_, ids = doubtful({}, 0.5), trained().parts["rubric"]["ids"]
    closed = doubtful({"rubrics": dict.fromkeys(ids[1:], "never_suggest")}, 0.5)
    pairs = list(zip(annotated(open_, explain=True), annotated(closed, explain=True), strict=True))
    lost = [after for before, after in pairs if before["rubric"] and before["rubric"]["id"] != ids[0]]
    assert lost
    for answer in lost:
        assert (answer["rubric"], answer["status"]) == (None, "abstained")
        assert "low_confidence" in answer["reasons"]
    kept = [(before, after) for before, after in pairs if before["rubric"] and before["rubric"]["id"] == ids[0]]
    assert kept
    for before, after in kept:
        assert after["rubric"] == before["rubric"]
        assert after["explain"]["rubric"] == before["explain"]["rubric"]


def test_a_model_whose_rubrics_are_all_hidden_says_none_and_explains_none() -> None:
    hidden = dict.fromkeys(trained().parts["rubric"]["ids"], "never_suggest")
    for answer in annotated(doubtful({"rubrics": hidden}, 0.0), explain=True):
        assert (answer["rubric"], answer["alternatives"], answer["status"]) == (None, (), "abstained")
        assert answer["explain"]["rubric"] == ()


def test_the_words_told_are_those_of_the_rubric_that_is_shown() -> None:
    ids = trained().parts["rubric"]["ids"]
    plain, changed = annotated(doubtful({}, 0.0), explain=True), 0
    for hidden in ids[:4]:
        closed = annotated(doubtful({"rubrics": {hidden: "never_suggest"}}, 0.0), explain=True)
        for before, after in zip(plain, closed, strict=True):
            same = before["explain"]["rubric"] == after["explain"]["rubric"]
            if before["rubric"]["id"] == hidden:
                changed += not same
            else:
                assert same
    assert changed > 3
