"""Answers beside the editors' labels -> the measures of each head."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from service.inference.article import Decision, LabelledArticle, Origin, TagAnswer
from training import measures
from training.evaluation import (
    Confusion,
    LabelMeasures,
    LevelMeasures,
    OriginMeasures,
    RegionMeasures,
    RubricMeasures,
    Share,
    TagMeasures,
    WorstError,
)
from training.label_map import Label, Region, Truth
from training.measures import Ints

WORST = 20
NO_ANSWER = -1


class Answer(NamedTuple):
    """What was answered to one article, likeliest first; `tags` reaches below the thresholds, `shown` does not."""

    rubrics: tuple[Label, ...]
    score: float
    decision: Decision
    tags: tuple[TagAnswer, ...]
    shown: dict[str, Origin]
    regions: frozenset[Region]


class Row(NamedTuple):
    article: LabelledArticle
    truth: Truth
    answer: Answer

    @property
    def rubric_is_right(self) -> bool:
        return self.rubric_among(1)

    def rubric_among(self, first: int) -> bool:
        return self.truth.rubric is not None and self.truth.rubric.id in {
            label.id for label in self.answer.rubrics[:first]
        }


def wrong_but_sure(rows: Iterable[Row]) -> list[Row]:
    """The wrong rubrics of highest score, where the model could have known: either it misread, or the editors did."""
    wrong = [
        row
        for row in rows
        if row.truth.rubric and row.truth.rubric.known and row.answer.rubrics and not row.rubric_is_right
    ]
    return sorted(wrong, key=lambda row: -row.answer.score)[:WORST]


def measure_rubric(every_row: Sequence[Row], worst: tuple[WorstError, ...]) -> RubricMeasures:
    rows = [row for row in every_row if row.truth.rubric]
    if not rows:
        return RubricMeasures(left_out=len(every_row))
    labels, truth, predicted = _numbered(rows)
    scores = np.array([row.answer.score for row in rows])
    right = truth == predicted
    support = np.bincount(truth, minlength=len(labels))
    counted, over = measures.enough_rows(support)
    [(_, macros)] = measures.resampled_accuracy_and_f1(truth, [predicted], counted)
    curve = measures.coverage_curve(scores, right)
    at_95, at_90 = measures.widest(curve, 0.95), measures.widest(curve, 0.90)
    return RubricMeasures(
        n=len(rows),
        left_out=len(every_row) - len(rows),
        unknown=_most_common(row.truth.rubric for row in rows if row.truth.rubric),
        accuracy=float(right.mean()),
        accuracy_interval=measures.wilson(int(right.sum()), len(rows)),
        macro_f1=float(f1_score(truth, predicted, labels=counted, average="macro", zero_division=0)),
        macro_f1_interval=measures.interval(macros),
        macro_f1_labels=len(counted),
        macro_f1_over=over,
        micro_f1=float(f1_score(truth, predicted, labels=range(len(labels)), average="micro", zero_division=0)),
        top_2_accuracy=sum(row.rubric_among(2) for row in rows) / len(rows),
        abstained=sum(row.answer.decision == "abstain" for row in rows) / len(rows),
        calibration_error=measures.calibration_error(scores, right),
        calibration_floor=measures.calibration_floor(scores),
        coverage_at_95=at_95.coverage if at_95 else 0.0,
        threshold_at_95=at_95.threshold if at_95 else None,
        coverage_at_90=at_90.coverage if at_90 else 0.0,
        threshold_at_90=at_90.threshold if at_90 else None,
        decisions={kind: _share(rows, lambda row: row.answer.decision, kind) for kind in ("auto", "review", "abstain")},
        by_source={source: _share(rows, _source, source) for source in sorted({_source(row) for row in rows})},
        per_label=_per_label(labels, truth, predicted),
        curve=measures.thinned(curve, [at_95, at_90]),
        reliability=measures.reliability(scores, right),
        confusion=_confusion(labels, truth, predicted, support),
        worst=worst,
    )


def _numbered(rows: Sequence[Row]) -> tuple[list[str], Ints, Ints]:
    """Every label that was true or answered; the true and the answered label of each row as numbers."""
    names: dict[str, str] = {}
    for row in rows:
        assert row.truth.rubric
        for label in (*row.answer.rubrics[:1], row.truth.rubric):
            names.setdefault(label.id, label.label)
    number = {label_id: i for i, label_id in enumerate(names)}
    truth = [number[row.truth.rubric.id] for row in rows if row.truth.rubric]
    predicted = [number[row.answer.rubrics[0].id] if row.answer.rubrics else NO_ANSWER for row in rows]
    return list(names.values()), np.array(truth), np.array(predicted)


def _per_label(labels: Sequence[str], truth: Ints, predicted: Ints) -> dict[str, LabelMeasures]:
    """Weakest first; labels that were only answered come last."""
    measured = [
        (label, _label(int(hits), int(answered), int(support)))
        for label, hits, answered, support in zip(
            labels,
            np.bincount(truth[truth == predicted], minlength=len(labels)),
            np.bincount(predicted[predicted != NO_ANSWER], minlength=len(labels)),
            np.bincount(truth, minlength=len(labels)),
            strict=True,
        )
    ]
    return dict(sorted(measured, key=lambda one: (one[1].support == 0, one[1].f1, -one[1].support, one[0])))


def _label(hits: int, answered: int, support: int) -> LabelMeasures:
    """Of a label that was answered or true; 0 where nothing can be divided by."""
    return LabelMeasures(
        precision=hits / answered if answered else 0.0,
        recall=hits / support if support else 0.0,
        f1=2 * hits / (answered + support),
        support=support,
        predicted=answered,
        precision_interval=measures.wilson(hits, answered),
        recall_interval=measures.wilson(hits, support),
    )


def _confusion(labels: Sequence[str], truth: Ints, predicted: Ints, support: Ints) -> Confusion:
    order = sorted(range(len(labels)), key=lambda i: (-support[i], labels[i]))
    counts = confusion_matrix(truth, predicted, labels=[*order, NO_ANSWER])[:-1]
    return Confusion(tuple(labels[i] for i in order), tuple(tuple(row) for row in counts.tolist()))


def _source(row: Row) -> str:
    return row.article.source or "unnamed"


def _share(rows: Iterable[Row], kind_of: Callable[[Row], str], kind: str) -> Share:
    right = [row.rubric_is_right for row in rows if kind_of(row) == kind]
    return Share(len(right), sum(right) / len(right) if right else None)


def _most_common(labels: Iterable[Label]) -> dict[str, int]:
    return dict(Counter(label.label for label in labels if not label.known).most_common())


def measure_tags(every_row: Sequence[Row]) -> TagMeasures:
    rows = [row for row in every_row if row.truth.tags]
    if not rows:
        return TagMeasures(left_out=len(every_row))
    known = {tag.id: tag.label for row in rows for tag in row.truth.tags.values() if tag.known}
    true = [set(row.truth.tags) for row in rows]
    shown = [set(row.answer.shown) for row in rows]
    hits, predicted, support = _counts(true, shown)
    per_label = _per_tag(true, shown)
    rankings = [[tag.id in ids for tag in row.answer.tags] for row, ids in zip(rows, true, strict=True)]
    return TagMeasures(
        n=len(rows),
        left_out=len(every_row) - len(rows),
        unknown=_most_common(tag for row in rows for tag in row.truth.tags.values()),
        micro_f1=measures.micro_f1(hits, predicted, support),
        micro_f1_interval=measures.interval(measures.resampled_micro_f1(hits, predicted, support)),
        macro_f1=_mean(one.f1 for one in per_label.values() if one.support),
        micro_f1_known=measures.micro_f1(*_counts([ids & known.keys() for ids in true], shown)),
        macro_f1_known=_mean(one.f1 for tag, one in per_label.items() if tag in known),
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        p_at_1=_mean(measures.precision_at(ranking, 1) for ranking in rankings),
        p_at_3=_mean(measures.precision_at(ranking, 3) for ranking in rankings),
        p_at_5=_mean(measures.precision_at(ranking, 5) for ranking in rankings),
        ndcg_at_5=_mean(measures.ndcg_at(ranking, len(ids), 5) for ranking, ids in zip(rankings, true, strict=True)),
        shown_per_article=float(predicted.mean()),
        true_per_article=float(support.mean()),
        by_origin=_by_origin(rows, int(support.sum())),
        per_label={known[tag]: one for tag, one in per_label.items() if tag in known},
    )


def _counts(true: Sequence[set[str]], shown: Sequence[set[str]]) -> tuple[Ints, Ints, Ints]:
    """Right, answered and true labels of each article."""
    hits = np.array([len(a & b) for a, b in zip(true, shown, strict=True)])
    return hits, np.array([len(ids) for ids in shown]), np.array([len(ids) for ids in true])


def _per_tag(true: Sequence[set[str]], shown: Sequence[set[str]]) -> dict[str, LabelMeasures]:
    """By id, of every tag that was true or shown; weakest first."""
    hits: Counter[str] = Counter()
    for a, b in zip(true, shown, strict=True):
        hits.update(a & b)
    support = Counter(tag for ids in true for tag in ids)
    predicted = Counter(tag for ids in shown for tag in ids)
    measured = {tag: _label(hits[tag], predicted[tag], support[tag]) for tag in support | predicted}
    return dict(sorted(measured.items(), key=lambda one: (one[1].f1, -one[1].support, one[0])))


def _by_origin(rows: Sequence[Row], true: int) -> dict[str, OriginMeasures]:
    shown = Counter(origin for row in rows for origin in row.answer.shown.values())
    right = Counter(origin for row in rows for tag, origin in row.answer.shown.items() if tag in row.truth.tags)
    return {o: OriginMeasures(shown[o], right[o] / shown[o], right[o] / true) for o in sorted(shown)}


def measure_regions(every_row: Sequence[Row]) -> RegionMeasures:
    """An outlet whose articles here name no place at all doesn't label places: nothing can be said of its articles."""
    labelling = {row.article.source for row in every_row if row.truth.regions or row.truth.no_regions}
    rows = [row for row in every_row if row.article.source in labelling]
    if not rows:
        return RegionMeasures(left_out=len(every_row))
    return RegionMeasures(
        n=len(rows),
        left_out=len(every_row) - len(rows),
        without_place=sum(not row.truth.regions for row in rows),
        unknown=dict(Counter(name for row in rows for name in row.truth.no_regions).most_common()),
        country=_level(rows, "country"),
        subject=_level(rows, "subject"),
        city=_level(rows, "city"),
    )


def _level(rows: Sequence[Row], level: str) -> LevelMeasures:
    true = [{region.id for region in row.truth.regions if region.level == level} for row in rows]
    hits, predicted, support = _counts(true, [{r.id for r in row.answer.regions if r.level == level} for row in rows])
    if not support.sum() and not predicted.sum():
        return LevelMeasures()
    return LevelMeasures(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        f1=measures.micro_f1(hits, predicted, support),
        f1_interval=measures.interval(measures.resampled_micro_f1(hits, predicted, support)),
        support=int(support.sum()),
        predicted=int(predicted.sum()),
    )


def _ratio(hits: Ints, of: Ints) -> float:
    return float(hits.sum() / of.sum()) if of.sum() else 0.0


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
