"""Rubrics of one test, ours and the peers': the figures, tables and drawings that every such protocol shows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.article import LabelledArticle, Profile
from service.inference.decisions import Options
from service.inference.profiles import BALANCED
from training import charts
from training.comparison import Comparison, Figure, compare
from training.evaluate import answered, explained
from training.evaluation import LabelMeasures, WorstError
from training.label_map import LabelMap
from training.protocols.peers.peer import Answers, Learnable
from training.protocols.section import Asked, Cell, Plot, Table
from training.score_heads import WORST, Row, wrong_but_sure

OURS = "rubricator"
RUBRIC = Options(heads=frozenset({"rubric"}), threshold=0.0)  # all that it thinks, not only what it would show


class Ours(NamedTuple):
    """What our model answered, through the code that serves, and its worst errors as they read."""

    rows: list[Row]
    worst: list[WorstError]

    def __add__(self, other: object) -> "Ours":
        assert isinstance(other, Ours)
        worst = sorted(self.worst + other.worst, key=lambda error: -error.score)
        return Ours(self.rows + other.rows, worst[:WORST])


def ask(
    annotator: Annotator, articles: Sequence[LabelledArticle], label_map: LabelMap, profile: Profile = BALANCED
) -> Ours:
    rows = answered(annotator, articles, label_map, replace(RUBRIC, profile=profile))
    return Ours(rows, list(explained(annotator, wrong_but_sure(rows))))


def pooled_peers(parts: Sequence[Mapping[str, Answers]]) -> dict[str, Answers]:
    """Each peer's answers to the articles of all parts, in their order."""
    return {
        name: Answers(
            [label for part in parts for label in part[name].labels],
            np.concatenate([part[name].scores for part in parts]),
        )
        for name in parts[0]
    }


def beside(ours: Ours, peers: Mapping[str, Answers]) -> Comparison:
    """Ours and every peer, each measured against the best peer."""
    truth = [row.truth.rubric.label for row in ours.rows if row.truth.rubric]
    labels: dict[str, Sequence[str | None]] = {
        OURS: [row.answer.rubrics[0].label if row.answer.rubrics else None for row in ours.rows]
    }
    scores: dict[str, Sequence[float]] = {OURS: [row.answer.score for row in ours.rows]}
    for name, found in peers.items():
        labels[name], scores[name] = found.labels, found.scores.tolist()
    return compare(truth, labels, peers=list(peers), scores=scores)


def over_accuracy(comparison: Comparison, least: float) -> Asked:
    return _over("accuracy", comparison.system(OURS).accuracy, comparison.to_beat, least)


def over_macro_f1(comparison: Comparison, least: float) -> Asked:
    """Over the peer of the best macro-F1, which need not be the one most often right."""
    found = _over("macro-F1", comparison.system(OURS).macro_f1, comparison.to_beat_in_f1, least)
    if comparison.to_beat == comparison.to_beat_in_f1:
        return found
    other = comparison.system(comparison.to_beat)
    return replace(found, note=f"{found.note}; {other.name}, most often right: {other.macro_f1.value:.4f}")


def _over(what: str, figure: Figure, peer: str, least: float) -> Asked:
    return Asked(
        f"{what} over the best peer", figure.difference, least=least, interval=figure.difference_interval,
        note=f"{figure.value:.4f}; {peer}: {figure.value - figure.difference:.4f}",
    )  # fmt: skip


def tables(comparison: Comparison) -> tuple[Table, Table]:
    """How often the systems are right, and how far their scores can be believed."""
    rows: list[tuple[Cell, ...]] = [
        (
            one.name,
            one.accuracy.value,
            _interval(one.accuracy),
            _difference(one.accuracy, one.name == comparison.to_beat),
            one.macro_f1.value,
            _interval(one.macro_f1),
            _difference(one.macro_f1, one.name == comparison.to_beat_in_f1),
        )
        for one in comparison.systems
    ]
    scores = [
        (one.name, one.calibration_error, one.calibration_floor, one.coverage_at_95) for one in comparison.systems
    ]
    right = Table(
        "Systems on the same articles",
        ("System", "Accuracy", "95%", "Over the best peer", "Macro-F1", "95%", "Over the best peer"),
        tuple(rows),
        f"Macro-F1 is the mean over {comparison.macro_f1_labels} {comparison.macro_f1_over}. Intervals are of 1,000 "
        "bootstrap resamples of the articles; a difference is taken within each resample.",
    )
    sure = Table(
        "Their scores",
        ("System", "Calibration error", "Its floor", "Covered, 95% of it right"),
        tuple(scores),
        "The floor is what a perfectly calibrated system would show with the same scores. Covered: the largest share "
        "of articles, surest first, of which 95% are right on these very articles; no system was told where that is.",
    )
    return right, sure


def _interval(figure: Figure) -> str:
    return f"{figure.interval[0]:.3f}–{figure.interval[1]:.3f}"


def _difference(figure: Figure, is_best: bool) -> str:
    if is_best:
        return "the best peer"
    low, high = figure.difference_interval
    return f"{figure.difference:+.3f} ({low:+.3f} to {high:+.3f})".replace("-", "−")


def by_rubric(labels: Mapping[str, LabelMeasures]) -> Table:
    rows = [
        (name, one.support, one.f1, one.precision, one.recall, one.predicted)
        for name, one in labels.items()
        if one.support
    ]
    return Table(
        "Each rubric, the weakest first", ("Rubric", "Articles", "F1", "Precision", "Recall", "Answered"), tuple(rows)
    )


def dots(comparison: Comparison) -> Plot:
    return Plot("Ours and the peers: dashed is the best peer", charts.dot_plot(comparison))


def learnable(articles: Sequence[LabelledArticle]) -> Learnable:
    return Learnable([raw_text(one) for one in articles], [one.rubric or "" for one in articles])


def raw_text(article: LabelledArticle) -> str:
    """What a peer reads."""
    return f"{article.title or ''}\n{article.lead or ''}\n{article.text or ''}"
