"""`rubricator adopt`, top to bottom: archive -> model of the house -> what it may publish unseen -> findings."""

import datetime
from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from service.inference.annotator import Annotator
from service.inference.article import Annotation, Article, RubricAnswer, TagAnswer
from service.inference.decisions import MOST_TAGS, Options
from training import archive, findings, label_errors, learning_curve, notes, policy, run, trust
from training import gazetteer as places
from training.calibrate import NEVER
from training.card import card_of
from training.config import Config
from training.crossfit import FOLDS, folds_of
from training.evaluate import EVERYTHING, evaluate
from training.evaluation import Evaluation
from training.examples import EmptyTrainingSetError, Examples, check_that_labels_differ
from training.findings import REFUTED, SENSITIVE, UNTESTED, Findings, Part, TagsShown
from training.heads import Labelled
from training.house import ALONE_FROM, House, alone, beside
from training.labels import Tags, tags_of
from training.own_tags import own_tags
from training.progress import Progress
from training.readers import Rejects
from training.run import Trained
from training.split import Split
from training.thresholds import stricter
from training.trust import Flags, Judged

LEAST_TESTED = 10  # articles that a rubric would have published, before its promise counts as tested
FEWEST = 20  # articles with a label; fewer say nothing that cross-validation could hear


@dataclass(frozen=True)
class Base:
    """A verified model to start from."""

    version: str
    parts: Mapping[str, Any]


def adopt(
    path: Path, base: Base, rejects: Rejects, progress: Progress, *, source: str | None = None, precision: float = 0.9,
    today: datetime.date | None = None, erased: Set[bytes] = frozenset(),
) -> tuple[Trained, Findings]:  # fmt: skip
    """Reads the archive, learns from it, and measures. Minutes of CPU for 20,000 articles.

    With `today` a note tells of rows dated later; nothing else depends on it. `erased`: see `examples.load`.
    """
    with progress.step("reading"):
        config, examples = archive.read(path, source, precision, rejects, erased)
    check_that_labels_differ(examples.rows)
    if len(examples) < FEWEST:
        raise EmptyTrainingSetError(f"{len(examples)} articles with labels are too few: {FEWEST} are the least")
    with progress.step(f"splitting {len(examples)} articles, near-duplicates together"):
        split, wanted = archive.set_aside(examples)
    config = msgspec.structs.replace(config, split=wanted)
    gazetteer = places.build()
    learnt = np.concatenate((split.train, split.validation))
    rubrics = run.rubrics_of([examples.rows[i] for i in learnt])
    articles = [examples.rows[i].article for i in learnt]
    own = own_tags(config.tags.vocabulary, gazetteer)
    tags = tags_of(articles, gazetteer, config.tags.drop, config.tags.min_examples, config.model.max_tags, own)
    data = run.labelled(examples, rubrics, tags, gazetteer, config, by_time=split.by == "time")

    if 0 < np.count_nonzero(data.rubric[learnt] >= 0) < ALONE_FROM:
        house = beside(base.parts, data, examples.groups, split, rubrics, tags.tags, gazetteer, config, progress)
    else:
        house = alone(data, examples.groups, split, rubrics, tags.tags, gazetteer, config, progress)

    may_publish = run.may_publish(house.parts["decisions"]["sources"]["rubric"])
    held, _ = policy.policies(rubrics, tags, gazetteer, config.policy)
    if house.on_base and not tags.tags:
        held = policy.with_tags_and_places_of(base.parts.get("policy"), held)
    sensitive = {c: SENSITIVE for c, id_ in enumerate(house.parts["rubric"]["ids"]) if id_ in held["rubrics"]}
    allowed = trust.thresholds(house.evidence, precision) if may_publish else [NEVER] * len(rubrics)
    allowed = [NEVER if c in sensitive else score for c, score in enumerate(allowed)]
    surer = trust.thresholds(house.evidence, stricter(precision, config.decision))
    parts = {**with_thresholds(with_profile(house.parts, surer), allowed), "policy": held}
    tested, published, evaluation, of_tags = test(
        parts, examples, split, data, house, tags, gazetteer, precision, progress
    )
    published &= ~np.isin(tested.top()[0], list(sensitive))
    promised = Part(int(published.sum()), int((published & tested.top()[2]).sum()))
    back = {c: why for c, why in taken_back(tested, published, precision).items() if allowed[c] < NEVER}
    allowed = [NEVER if c in back else score for c, score in enumerate(allowed)]
    back |= sensitive
    published &= np.array([*allowed, NEVER])[tested.top()[0]] < NEVER
    parts = with_thresholds(parts, allowed)
    if of_tags and trust.refuted(of_tags.unseen.right, of_tags.unseen.n, precision):
        parts = {**parts, "decisions": {**parts["decisions"], "tags_auto": NEVER}}

    curve = None
    if rubrics:
        with progress.step("learning curve"):
            pools = pools_of(data, examples, split, learnt)
            curve = learning_curve.measure(house.fit, house.rows, data.rubric, pools)
    told = (*notes.on_alphabets(examples), *(notes.on_future(examples, today, split) if today else ()))
    trained = finished(parts, config, examples, split, rubrics, tags, evaluation, base if house.on_base else None, told)
    whole = _joined(house.crossed, tested) if evaluation else house.crossed
    found = Findings(
        name=path.name,
        outlets=list(trained.calibrated.items()) or Counter(row.outlet for row in examples.rows).most_common(),
        rows=examples.rows,
        rejected=sum(examples.rejected.values(), Counter()),
        period=findings.period(examples.rows),
        rubrics=rubrics,
        tags=len(tags.tags),
        precision=precision,
        split_by=split.by,
        learnt=len(learnt),
        tested=tested,
        tested_period=findings.period([examples.rows[i] for i in split.test]),
        all_answers=Part(len(tested.rows), int(tested.top()[2].sum())),
        first_two=first_two(tested),
        promised=promised,
        unseen=Part(int(published.sum()), int((published & tested.top()[2]).sum())),
        by_rubric=findings.by_rubric(tested, published, rubrics, allowed, back),
        may_publish=may_publish,
        from_base=house.on_base,
        base_accuracy=house.choice.base_accuracy if house.choice else None,
        own_accuracy=house.choice.accuracy if house.choice else None,
        evaluation=evaluation,
        of_tags=of_tags,
        worst=evaluation.rubric.worst if evaluation else findings.worst_errors(tested, examples, rubrics),
        suspects=label_errors.suspects(whole) if rubrics else [],
        contradictions=label_errors.contradictions([row.article.rubric for row in examples.rows], examples.groups),
        curve=curve,
    )  # fmt: skip
    return trained, found


def with_thresholds(parts: Mapping[str, Any], allowed: Sequence[float]) -> dict[str, Any]:
    return {**parts, "decisions": {**parts["decisions"], "rubric_auto_by_label": list(allowed)}}


def with_profile(parts: Mapping[str, Any], surer: Sequence[float]) -> dict[str, Any]:
    """The thresholds of profile=precision, in place of one for all rubrics; those of balanced hold besides."""
    profiles = parts["decisions"]["profiles"]
    precision = {key: value for key, value in profiles["precision"].items() if key != "rubric_auto"}
    profiles = {**profiles, "precision": {**precision, "rubric_auto_by_label": list(surer)}}
    return {**parts, "decisions": {**parts["decisions"], "profiles": profiles}}


class _Listener:
    """Hands annotations on and keeps what the page needs of them: the evaluation forgets decisions label by label."""

    def __init__(self, annotator: Annotator) -> None:
        self._annotator = annotator
        self.scores: list[dict[str, float]] = []
        self.published: list[bool] = []
        self.tags: list[list[TagAnswer]] = []  # that the service would show, where a caller gives no limit

    def annotate(self, articles: Sequence[Article], options: Options = EVERYTHING) -> list[Annotation]:
        answers = self._annotator.annotate(articles, options)
        if not options.explain:
            for answer in answers:
                rubric = answer.rubric if isinstance(answer.rubric, RubricAnswer) else None
                scores = {one.id: one.score for one in answer.alternatives or ()}
                self.scores.append(scores | ({rubric.id: rubric.score} if rubric else {}))
                self.published.append(rubric is not None and rubric.decision == "auto")
                self.tags.append([tag for tag in answer.tags or () if tag.decision != "abstain"][:MOST_TAGS])
        return answers


def test(
    parts: Mapping[str, Any], examples: Examples, split: Split, data: Labelled, house: House, tags: Tags,
    gazetteer: places.Gazetteer, precision: float, progress: Progress,
) -> tuple[Judged, Flags, Evaluation | None, TagsShown | None]:  # fmt: skip
    """The last quarter as it would be served. Without one: cross-fitted, each half by the other half's thresholds."""
    if not len(split.test):
        published = np.zeros(len(house.evidence.rows), np.bool_)
        if run.may_publish(parts["decisions"]["sources"]["rubric"]):
            published = cross_published(house.evidence, data, examples, precision)
        return house.evidence, published, None, None
    annotator = Annotator("new", parts)
    listener = _Listener(annotator)
    articles = [examples.rows[i].article for i in split.test]
    label_map = run.labels_of(annotator, gazetteer, run.aliases_of(tags))
    with progress.step(f"test on {len(articles)} articles"):
        evaluation = evaluate(listener, articles, label_map=label_map)
    on = np.flatnonzero(data.rubric[split.test] >= 0)
    probabilities = np.array([[listener.scores[i].get(id_, 0.0) for id_ in annotator.rubric.ids] for i in on])
    tested = Judged(
        split.test[on], probabilities.reshape(len(on), len(annotator.rubric.ids)), data.rubric[split.test[on]]
    )
    published = np.array([listener.published[i] for i in on], np.bool_)
    return tested, published, evaluation, tags_shown(listener.tags, [label_map.truth(one).tags for one in articles])


def tags_shown(shown: Sequence[Sequence[TagAnswer]], truth: Sequence[Collection[str]]) -> TagsShown:
    """What the service would show of the articles, whose editors' tags `truth` has by id; of those that have some."""
    judged = [(tag.decision, tag.id in of) for tags, of in zip(shown, truth, strict=True) for tag in tags]
    tagged = [(tag.id in of) for tags, of in zip(shown, truth, strict=True) if of for tag in tags]
    unseen = [right for decision, right in judged if decision == "auto"]
    return TagsShown(
        sum(1 for of in truth if of),
        Part(len(tagged), sum(tagged)),
        sum(map(len, truth)),
        Part(len(unseen), sum(unseen)),
    )


def cross_published(judged: Judged, data: Labelled, examples: Examples, precision: float) -> Flags:
    """What would go out unseen if the thresholds had been chosen without these very articles: fold by fold."""
    folds = folds_of(data.rubric[judged.rows].tolist(), [examples.groups[i] for i in judged.rows])
    published = np.zeros(len(folds), np.bool_)
    for fold in np.unique(folds):
        inside = folds == fold
        published[inside] = trust.unseen(judged.part(inside), trust.thresholds(judged.part(~inside), precision))
    return published


def taken_back(tested: Judged, published: Flags, precision: float) -> dict[int, str]:
    """Rubrics whose promise the tested articles refute, or are too few to have seen kept; and why."""
    best, _, right = tested.top()
    found = {}
    for c in range(tested.probabilities.shape[1]):
        out = published & (best == c)
        if out.sum() < LEAST_TESTED:
            found[c] = UNTESTED
        elif trust.refuted(int((right & out).sum()), int(out.sum()), precision):
            found[c] = REFUTED
    return found


def pools_of(
    data: Labelled, examples: Examples, split: Split, learnt: np.ndarray[Any, np.dtype[np.int64]]
) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    on = learnt[data.rubric[learnt] >= 0]
    if len(split.test):
        return [(on, split.test[data.rubric[split.test] >= 0])]
    folds = folds_of(data.rubric[on].tolist(), [examples.groups[i] for i in on])
    return [(on[folds != fold], on[folds == fold]) for fold in range(FOLDS)]


def first_two(tested: Judged) -> int:
    """How often the editors' rubric is among the two likeliest."""
    best = np.argsort(-tested.probabilities, axis=1, kind="stable")[:, :2]
    return int((best == tested.truth[:, None]).any(axis=1).sum())


def _joined(one: Judged, other: Judged) -> Judged:
    return Judged(*(np.concatenate(pair) for pair in zip(one, other, strict=True)))


def finished(
    parts: Mapping[str, Any], config: Config, examples: Examples, split: Split, rubrics: Sequence[str], tags: Tags,
    evaluation: Evaluation | None, base: Base | None, told: tuple[str, ...],
) -> Trained:  # fmt: skip
    """The model as it is registered."""
    if base is not None:
        note = f"Words, features and places are those of the model {base.version}; the rubrics were fitted on top."
        config = msgspec.structs.replace(config, model=msgspec.structs.replace(config.model, notes=(note,)))
    annotator = Annotator("new", parts)
    calibrated = annotator.decisions.calibrated
    manifest = run.manifest_of(config, examples, split, annotator, tags, evaluation, calibrated)
    manifest["thresholds"]["rubric_auto_by_label"] = annotator.decisions.rubric_auto_by_label()
    card = card_of(config, examples, split, rubrics, tags, calibrated, evaluation, manifest["labels"]["policy"])
    return Trained(parts, manifest, card, evaluation, (*notes.on_unused(examples, split), *told), calibrated)
