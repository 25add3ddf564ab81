"""Profiles: surer labels, or more of them; never anything published that balanced would not publish."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from service.app import create_app
from service.inference.annotator import Annotator
from service.inference.article import Annotation, Profile, RubricAnswer
from service.inference.decisions import Options
from service.inference.tags import FEW, MANY, NONE
from service.inference.text import read
from service.records import Rejects
from service.settings import Settings
from tests import unsure_model
from tests.fake_service import fake_registry
from tests.sample_model import articles, small_archive
from tests.serving import listening
from tests.sure_model import ENOUGH, SOURCE, TOO_FEW, sure_parts
from training import gazetteer, run
from training.calibrate import NEVER, threshold_for_f
from training.commands import summary
from training.config import Decision, load
from training.evaluate import evaluate
from training.labels import tag_key
from training.progress import Progress
from training.thresholds import BETAS, NO_PROFILES, Pool, for_rubric, merged, shifted, stricter

PROFILES: tuple[Profile, ...] = get_args(Profile)
NARROW, BALANCED, WIDE = PROFILES


def calibrated(seed: int, n: int = 4000) -> tuple[Any, Any]:
    """Scores that are right as often as they say."""
    dice = np.random.default_rng(seed)
    scores = dice.beta(1.5, 1.5, n)
    return scores, dice.random(n) < scores


def measured(scores: Any, right: Any, threshold: float) -> tuple[float, float]:
    shown = scores >= threshold
    return float(right[shown].mean()), float(right[shown].sum() / right.sum())


def test_precision_shows_surer_labels_and_recall_more_of_them() -> None:
    scores, right = calibrated(1)
    balanced = threshold_for_f(scores, right, 0, 0.5, 1.0)
    found = shifted([Pool(scores, right, 0)], [balanced], 1.0, {profile: [0.5] for profile in BETAS})
    later = calibrated(2)
    precisions, recalls = zip(
        *(measured(*later, threshold) for threshold in (found["precision"][0], balanced, found["recall"][0])),
        strict=True,
    )
    assert precisions[0] > precisions[1] + 0.05 > precisions[2] + 0.1
    assert recalls[0] < recalls[1] - 0.05 < recalls[2] - 0.1


def test_the_rubric_of_precision_aims_higher_and_keeps_it() -> None:
    scores, right = calibrated(3)
    decision = Decision(precision=0.8, profile_precision=0.9, least_rubric=0.4)
    found = for_rubric(scores, right, decision)
    later = calibrated(4)
    assert measured(*later, found["precision"]["rubric_auto"])[0] >= 0.9
    assert found["precision"]["rubric_review"] > 0.4 > found["recall"]["rubric_review"]
    assert "rubric_auto" not in found["recall"]


def test_no_profile_is_on_the_other_side_of_balanced() -> None:
    scores, right = calibrated(5)
    for balanced in (0.0, 1.0):
        found = shifted([Pool(scores, right, 0)], [balanced], 1.0, {profile: [0.5] for profile in BETAS})
        assert found["precision"][0] >= balanced >= found["recall"][0]


def test_where_there_is_too_little_to_choose_by_the_defaults_hold() -> None:
    few = Pool(np.array([0.9]), np.array([True]), 0)
    assert shifted([few], [0.5], 1.0, {"precision": [0.7], "recall": [0.2]}) == {"precision": [0.7], "recall": [0.2]}
    found = for_rubric(few.scores, few.right, Decision())
    assert found == {"precision": {"rubric_auto": NEVER, "rubric_review": 0.3}, "recall": {"rubric_review": 0.3}}


@pytest.mark.parametrize(
    ("precision", "profile_precision", "of", "wanted"),
    [(0.9, 0.95, 0.9, 0.95), (0.9, 0.95, 0.96, 0.98), (0.95, 0.9, 0.95, 0.95), (1.0, 1.0, 1.0, 1.0)],
)
def test_precision_asks_for_fewer_errors(precision: float, profile_precision: float, of: float, wanted: float) -> None:
    assert stricter(of, Decision(precision, profile_precision)) == pytest.approx(wanted)


def test_the_profiles_of_all_heads_go_together() -> None:
    one = {"precision": {"a": 1}, "recall": {"b": 2}}
    other = {"precision": {"c": 3}, "recall": {}}
    assert merged(NO_PROFILES, one, other) == {"precision": {"a": 1, "c": 3}, "recall": {"b": 2}}


@cache
def trained() -> run.Trained:
    """Of too few articles to choose thresholds of tags by: it has the defaults, which are apart in all profiles.

    In all of the sample a name is right so often that the least threshold is the best one for two of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        return run.train(load(None, [small_archive(Path(folder) / "news.jsonl")]), Rejects(), Progress(quiet=True))


@cache
def annotator() -> Annotator:
    return Annotator("few", trained().parts)


def answered(model: Annotator, profile: Profile, **options: Any) -> list[Annotation]:
    sent = [replace(article, source=SOURCE) for article in articles()]
    return model.annotate(sent, Options(profile=profile, **options))


def shown(answers: Sequence[Annotation], decision: str | None = None) -> list[set[str]]:
    """What is shown of each article, or what has this decision."""
    found = []
    for answer in msgspec.to_builtins(answers):
        rubric = [answer["rubric"]] if answer.get("rubric") else []
        labels = [*rubric, *answer.get("tags", ()), *answer.get("regions", ())]
        found.append({one["id"] for one in labels if one["decision"] == (decision or one["decision"]) != "abstain"})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("head", ["rubric", "tags", "regions"])
def test_what_precision_shows_balanced_shows_and_what_that_shows_recall_shows(head: str) -> None:
    model, sent = (annotator(), articles()) if head == "regions" else (unsure_model.annotator(), unsure_model.unseen())
    heads = frozenset({head})
    narrow, balanced, wide = (
        shown(model.annotate(sent, Options(profile=profile, heads=heads))) for profile in PROFILES
    )
    assert all(a <= b <= c for a, b, c in zip(narrow, balanced, wide, strict=True))
    counts = [sum(map(len, found)) for found in (narrow, balanced, wide)]
    assert counts[0] < counts[1]
    assert counts[1] < counts[2] or head == "rubric"  # balanced shows every rubric here


@pytest.mark.slow
def test_what_precision_shows_is_right_more_often_and_recall_finds_more() -> None:
    """By thresholds that training has chosen, on later articles."""
    precisions, recalls, of_rubrics = [], [], []
    for profile in PROFILES:
        answers = unsure_model.annotator().annotate(unsure_model.unseen(), Options(profile=profile))
        pairs = [
            ({tag_key(tag.label) for tag in answer.tags or ()}, set(article.tags))
            for answer, article in zip(answers, unsure_model.unseen(), strict=True)
        ]
        hits = sum(len(given & wanted) for given, wanted in pairs)
        precisions.append(hits / sum(len(given) for given, _ in pairs))
        recalls.append(hits / sum(len(wanted) for _, wanted in pairs))
        right = [
            answer.rubric.label == article.rubric
            for answer, article in zip(answers, unsure_model.unseen(), strict=True)
            if isinstance(answer.rubric, RubricAnswer)
        ]
        of_rubrics.append(sum(right) / len(right))
    assert min(precisions[0] - precisions[1], precisions[1] - precisions[2]) > 0.04
    assert recalls[0] + 0.1 < recalls[1] < recalls[2] - 0.03
    assert of_rubrics[0] > of_rubrics[1] + 0.03


def published(decisions: dict[str, Any], profile: Profile) -> list[set[str]]:
    parts = dict(trained().parts)
    parts["decisions"] = {**parts["decisions"], "sources": {SOURCE: ENOUGH}, **decisions}
    return shown(answered(Annotator("p", parts), profile), "auto")


LAX = {"rubric_auto": 0.0, "tags_auto": 0.0, "regions_auto": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("by_label", [False, True])
def test_no_profile_publishes_what_balanced_does_not(by_label: bool) -> None:
    thresholds = {"rubric_auto": 0.6, "tags_auto": 0.7, "regions_auto": 0.6, "rubric_review": 0.3}
    labels = len(trained().parts["rubric"]["labels"])
    own: dict[str, Any] = {"rubric_auto_by_label": [0.5, *[NEVER] * (labels - 1)]} if by_label else {}
    lax = {"precision": LAX, "recall": {**LAX, "rubric_auto_by_label": [0.0] * labels}}
    strict = {"precision": dict.fromkeys(LAX, 0.8), "recall": {}}
    balanced = published({**thresholds, **own}, BALANCED)
    assert any(balanced)
    for profiles, profile in ((lax, NARROW), (lax, WIDE), (strict, WIDE)):
        assert published({**thresholds, **own, "profiles": profiles}, profile) == balanced
    surer = published({**thresholds, **own, "profiles": strict}, NARROW)
    assert all(a <= b for a, b in zip(surer, balanced, strict=True))
    assert surer != balanced


@pytest.mark.slow
@pytest.mark.parametrize("head", ["rubric", "tags", "regions"])
def test_recall_publishes_nothing_that_balanced_would_not_show(head: str) -> None:
    """Where a threshold of publishing lies below the one of showing, a profile that shows more must not publish it."""
    parts, lower = dict(trained().parts), {"rubric_review": 0.1, "tags": [0.05] * 3}
    coefficients = {level: [weights, 0.6] for level, (weights, _) in parts["regions"]["coefficients"].items()}
    parts["regions"] = {**parts["regions"], "coefficients": coefficients}
    parts["tags"] = {**parts["tags"], "thresholds": np.full(3, 0.6)}
    recall = {**lower, "regions": dict.fromkeys(("country", "subject", "city"), 0.05)}
    parts["decisions"] = {**LAX, "rubric_review": 0.7, "sources": {SOURCE: ENOUGH}, "profiles": {"recall": recall}}
    model, heads = Annotator("lax", parts), frozenset({head})
    balanced, wide = answered(model, BALANCED, heads=heads), answered(model, WIDE, heads=heads)
    assert any(shown(balanced, "auto"))
    assert shown(wide, "auto") == shown(balanced, "auto")
    assert sum(map(len, shown(wide))) > sum(map(len, shown(balanced)))


@pytest.mark.slow
def test_a_place_that_only_rounding_lifts_to_the_threshold_is_published_by_none() -> None:
    parts, found = dict(trained().parts), []
    model = annotator()
    for article in articles():
        found += model._places_of(read(article), Options())
    city = next(one for one in found if model.places[one.place].level == "city" and round(one.score, 4) > one.score)
    coefficients = {
        level: [weights, round(city.score, 4)] for level, (weights, _) in parts["regions"]["coefficients"].items()
    }
    parts["regions"] = {**parts["regions"], "coefficients": coefficients}
    recall = {"regions": dict.fromkeys(("country", "subject", "city"), 0.05)}
    parts["decisions"] = {**LAX, "rubric_review": 0.3, "sources": {SOURCE: ENOUGH}, "profiles": {"recall": recall}}
    model = Annotator("lax", parts)
    assert shown(answered(model, WIDE), "auto") == shown(answered(model, BALANCED), "auto")


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("calibrated_on", "source", "auto"),
    [(ENOUGH, SOURCE, True), (TOO_FEW, SOURCE, False), (ENOUGH, "another", False), (ENOUGH, None, False)],
)
def test_whatever_the_profile_only_a_known_outlet_gets_auto(
    calibrated_on: int, source: str | None, auto: bool, profile: Profile
) -> None:
    model = Annotator("sure", sure_parts(calibrated=calibrated_on))
    answers = model.annotate([replace(article, source=source) for article in articles()], Options(profile=profile))
    assert any(shown(answers, "auto")) == auto
    assert all(("not_calibrated_for_source" in answer.reasons) != auto for answer in answers)


@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_the_profile_an_advertisement_is_never_published_unseen(profile: Profile) -> None:
    model = Annotator("sure", sure_parts())
    sent = [replace(one, source=SOURCE, text=f"{one.text}\nНа правах рекламы") for one in articles() if one.text]
    assert not any(shown(model.annotate(sent, Options(profile=profile)), "auto"))


def test_a_model_without_profiles_answers_balanced_and_says_so() -> None:
    parts = dict(trained().parts)
    parts["decisions"] = {name: value for name, value in parts["decisions"].items() if name != "profiles"}
    older = Annotator("older", parts)
    balanced = answered(older, BALANCED)
    assert not any(answer.warnings for answer in balanced)
    for profile in (NARROW, WIDE):
        answers = answered(older, profile)
        assert [replace(answer, warnings=()) for answer in answers] == balanced
        assert {(w.code, w.pointer, w.did_you_mean) for answer in answers for w in answer.warnings} == {
            ("profile_not_available", "?profile", BALANCED)
        }
    assert not any(answer.warnings for profile in PROFILES for answer in answered(annotator(), profile))


def test_a_profile_may_leave_a_head_as_it_is() -> None:
    parts = dict(trained().parts)
    parts["decisions"] = {**parts["decisions"], "profiles": {"precision": {"rubric_review": 0.995}, "recall": {}}}
    model = Annotator("partial", parts)
    assert shown(answered(model, WIDE)) == shown(answered(model, BALANCED))
    tags = frozenset({"tags"})
    assert answered(model, NARROW, heads=tags) == answered(model, BALANCED, heads=tags)
    doubted = ["low_confidence" in answer.reasons for answer in answered(model, NARROW)]
    assert sum(doubted) > sum("low_confidence" in answer.reasons for answer in answered(model, BALANCED))


def test_a_profile_that_is_none_is_refused() -> None:
    parts = dict(trained().parts)
    parts["decisions"] = {**parts["decisions"], "profiles": {"reckless": LAX}}
    with pytest.raises(ValueError, match="there is no profile 'reckless'"):
        Annotator("wrong", parts)


def test_a_trained_model_has_thresholds_for_every_profile() -> None:
    profiles = annotator().decisions.profiles
    assert set(profiles) == set(PROFILES)
    regime = annotator().tags.regime
    for kind in (NONE, FEW, MANY):
        if (of_kind := regime == kind).any():
            narrow, balanced, wide = (profiles[profile].tags[of_kind] for profile in PROFILES)
            assert (narrow >= balanced).all() and (balanced >= wide).all() and (narrow > wide).all()
    assert trained().manifest["thresholds"]["profiles"].keys() == {"precision", "recall"}


@contextmanager
def served(home: Path, **settings: Any) -> Iterator[httpx.Client]:
    """The service over the sample model."""
    registry, _ = fake_registry(home)
    app = create_app(Settings(home=home, **settings), registry, lambda _: annotator())
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


def tags_of(answers: Sequence[dict[str, Any]]) -> list[set[str]]:
    return [{tag["id"] for tag in answer["tags"]} for answer in answers]


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_a_request_may_name_a_profile_and_the_operator_the_default(profile: Profile, tmp_path: Path) -> None:
    few = articles()[:10]
    wanted = tags_of(msgspec.to_builtins(annotator().annotate(few, Options(profile=profile))))
    sent = msgspec.to_builtins(few)
    lines = b"\n".join(map(msgspec.json.encode, few))
    kind = {"content-type": "application/x-ndjson"}

    def told(client: httpx.Client, query: dict[str, str]) -> Iterator[list[set[str]]]:
        for path in ("/tags", "/annotate"):
            yield tags_of([client.post(path, params=query, json=article).json() for article in sent])
        yield tags_of(client.post("/annotate/batch", params=query, json=sent).json())
        stream = client.post("/annotate/batch", params=query, content=lines, headers=kind)
        yield tags_of([msgspec.json.decode(line) for line in stream.text.splitlines()])

    with served(tmp_path / "a") as client:
        assert all(found == wanted for found in told(client, {"profile": profile}))
    with served(tmp_path / "b", profile=profile) as client:
        assert all(found == wanted for found in told(client, {}))
        balanced = tags_of(msgspec.to_builtins(annotator().annotate(few)))
        assert all(found == balanced for found in told(client, {"profile": BALANCED}))


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_an_evaluation_measures_the_profile_that_it_is_asked_for(profile: Profile) -> None:
    model = unsure_model.annotator()
    labels = run.labels_of(model, gazetteer.build(), {})
    result = evaluate(model, unsure_model.unseen(), label_map=labels, profile=profile)
    assert result.profile == profile
    [line] = [line for line in summary(result) if line.startswith("tags recall")]
    assert float(line.split()[2]) == pytest.approx(result.tags.recall, abs=0.001)
    balanced = evaluate(model, unsure_model.unseen(), label_map=labels)
    assert (result.tags.recall == balanced.tags.recall) == (profile == BALANCED)
