"""An archive -> a model of the house, two ways: on its own articles alone, or from a base model and a few labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from service.inference.annotator import Annotator
from service.inference.features import tokenise
from service.inference.phrases import Phrases
from service.inference.rubric import RubricHead
from service.inference.words import words
from training import from_base, no_news
from training.calibrate import NEVER, sharpness
from training.config import Config
from training.crossfit import Learner, Longs, cross_fitted, folds_of
from training.fit import Linear, as_large, csr, fit_rubric
from training.gazetteer import Gazetteer
from training.heads import Labelled, fit_heads, in_batches, outlets_of, rubric_matrix
from training.labels import Tag, unique_ids
from training.lexicon import table
from training.names import names_of
from training.progress import Progress
from training.ranking import DEFAULT
from training.split import Split
from training.tagging import DEFAULT_OF_PROFILES, Tagged, TagTraining, users_of
from training.thresholds import NO_PROFILES, Profiles, for_rubric, merged
from training.trust import Judged

# From so many labelled articles on the base is not asked. With rubrics that the base mostly lacks, a house's own
# articles win from 300 on (fontanka before July 2022: .635 against .624, .676 against .651 with 1,000); with the base's
# rubrics the base still helps at 600. Between them cross-validation decides.
ALONE_FROM = 2_000


@dataclass(frozen=True)
class House:
    """A fitted model and what it knew of articles that it had not seen.

    `rows` are all examples as the model's features; `fit` fits its rubrics anew on any of them. `evidence` is what
    thresholds are chosen by, `crossed` every article that was learnt from.
    """

    parts: Mapping[str, Any]
    rows: sparse.csr_array
    fit: Learner
    evidence: Judged
    crossed: Judged
    on_base: bool
    choice: from_base.Choice | None = None  # where the base was asked


def alone(
    data: Labelled, groups: Sequence[str], split: Split, rubrics: Sequence[str], tags: Sequence[Tag],
    gazetteer: Gazetteer, config: Config, progress: Progress, choice: from_base.Choice | None = None,
) -> House:  # fmt: skip
    """An ordinary training run, and the same rubrics cross-fitted."""
    parts = fit_heads(data, split.train, split.validation, rubrics, tags, gazetteer, config, progress)
    annotator = Annotator("new", parts)
    with progress.step("features once more, for the tests"):
        rows = csr(rubric_matrix(annotator.features, tokenise(data.texts, annotator.lemmas)))

    fit = _svm(data, rows, len(rubrics), config)
    learnt = _with_rubric(data, np.concatenate((split.train, split.validation)))
    if not rubrics:
        nothing = _judged(annotator.rubric, np.zeros((0, 0), np.float32), learnt[:0], data)
        return House(parts, rows, fit, nothing, nothing, on_base=False)
    with progress.step("rubrics cross-fitted"):
        as_served = _svm(data, rows, len(rubrics), config, standing_for=len(learnt))
        crossed = _crossed(as_served, rows, data, groups, learnt)
        evidence, judged = crossed, learnt
        if len(split.validation):
            judged = _with_rubric(data, split.validation)
            evidence = as_served(_with_rubric(data, split.train)).margins(rows[judged])
    return House(
        parts,
        rows,
        fit,
        _judged(annotator.rubric, evidence, judged, data),
        _judged(annotator.rubric, crossed, learnt, data),
        on_base=False,
        choice=choice,
    )


def _svm(
    data: Labelled, rows: sparse.csr_array, classes: int, config: Config, standing_for: int | None = None
) -> Learner:
    def fit(on: Longs) -> Linear:
        return fit_rubric(
            rows[on],
            data.rubric[on],
            classes,
            data.weights[on],
            C=as_large(config.rubric.C, len(on), standing_for or len(on)),
            power=config.rubric.class_weight_power,
            seed=config.model.seed,
        )

    return fit


def _with_rubric(data: Labelled, rows: Longs) -> Longs:
    return rows[data.rubric[rows] >= 0]


def _crossed(fit: Learner, rows: sparse.csr_array, data: Labelled, groups: Sequence[str], on: Longs) -> Any:
    return cross_fitted(fit, rows, on, folds_of(data.rubric[on].tolist(), [groups[i] for i in on]))


def _judged(head: RubricHead, margins: Any, on: Longs, data: Labelled) -> Judged:
    return Judged(on, head.probabilities(margins), data.rubric[on])


def beside(
    base: Mapping[str, Any], data: Labelled, groups: Sequence[str], split: Split, rubrics: Sequence[str],
    tags: Sequence[Tag], gazetteer: Gazetteer, config: Config, progress: Progress,
) -> House:  # fmt: skip
    """From the base, or alone where cross-validation says that the base doesn't help."""
    annotator = Annotator("base", base)
    learnt = np.concatenate((split.train, split.validation))
    on = _with_rubric(data, learnt)
    with progress.step(f"what the base knows of {len(on)} articles"):
        tokens = tokenise(data.texts, annotator.lemmas)
        whole = in_batches(annotator.features, tokens)
        rows = csr(rubric_matrix(annotator.features, tokens, whole))
        own = from_base.Base.of(base["rubric"], rubrics)
        folds = folds_of(data.rubric[on].tolist(), [groups[i] for i in on])
        choice = from_base.choose(own, rows, data.rubric, on, folds)
        without = cross_fitted(_svm(data, rows, len(rubrics), config), rows, on, folds)
    if float((without.argmax(axis=1) == data.rubric[on]).mean()) > choice.accuracy:
        return alone(data, groups, split, rubrics, tags, gazetteer, config, progress, choice)
    fit = from_base.learner(own, rows, data.rubric, choice.strength)
    ids = unique_ids(rubrics)
    part = from_base.part_of(fit(on), [ids[label] for label in rubrics], rubrics)
    part["sharpness"] = sharpness(RubricHead(part).probabilities(choice.margins), data.rubric[on])
    parts: dict[str, Any] = {
        **base,
        "rubric": part,
        "decisions": {
            "rubric_auto": NEVER,
            "tags_auto": NEVER,
            "regions_auto": NEVER,
            "rubric_review": config.decision.least_rubric,
            "sources": {"rubric": outlets_of(data, on), "regions": {}, "tags": {}},  # theirs are the base's
            "fewest_features": no_news.fewest_features(np.diff(whole.start)[on]),
            "no_news": [],
        },
    }
    judged = _judged(RubricHead(part), choice.margins, on, data)
    _, top, right = judged.top()
    of_tags: Profiles = NO_PROFILES
    if tags:
        with progress.step(f"tags: {len(tags)} labels"):
            parts |= _named_tags(base, annotator, data, learnt, tags, gazetteer, config)
            of_tags = {profile: {"tags": least} for profile, least in DEFAULT_OF_PROFILES.items()}
    of_base = _profiles_of_places_and_tags(base["decisions"])
    parts["decisions"]["profiles"] = merged(of_base, for_rubric(top, right, config.decision), of_tags)
    return House(parts, rows, fit, judged, judged, on_base=True, choice=choice)


def _profiles_of_places_and_tags(decisions: Mapping[str, Any]) -> Profiles:
    """Those that hold as long as the base's places and tags are used."""
    found = decisions.get("profiles", NO_PROFILES)
    return {name: {key: own[key] for key in ("regions", "tags") if key in own} for name, own in found.items()}


def _named_tags(
    base: Mapping[str, Any], annotator: Annotator, data: Labelled, learnt: Longs, tags: Sequence[Tag],
    gazetteer: Gazetteer, config: Config,
) -> dict[str, Any]:  # fmt: skip
    """The base's words and features with the house's tags in place of its own."""
    names = names_of(gazetteer, tags)
    seen = {word: 0 for i in learnt for text in (data.texts[i].title, data.texts[i].body) for word in words(text)}
    lexicon = table(annotator.lemmas.names(), seen, names.patterns)
    phrases = names.arrays()
    fresh = Annotator("new", {**base, "lexicon": lexicon})
    matcher = Phrases(phrases, fresh.lemmas, names.places)
    tagged = [int(i) for i in learnt if data.tags[i] is not None]
    tokens = tokenise([data.texts[i] for i in tagged], fresh.lemmas)
    articles = Tagged(
        in_batches(fresh.features, tokens),
        [matcher.named(one.title, one.body).tags for one in tokens],
        [data.tags[i] or frozenset() for i in tagged],
        [data.outlets[i] for i in tagged],
    )
    users = users_of((data.outlets[i], data.tags[i] or ()) for i in tagged)
    part = TagTraining(tags, names, users, config).fit(articles).ranked(DEFAULT)
    regions = {
        "places": [list(place) for place in gazetteer.places],
        "phrases": [[int(kind), place, doubt] for kind, place, doubt in gazetteer.phrases],
        "coefficients": base["regions"]["coefficients"],
    }
    return {"lexicon": lexicon, "phrases": phrases, "tags": part, "regions": regions}
