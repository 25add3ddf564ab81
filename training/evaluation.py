"""What an evaluation found, as records: the JSON of `rubricator evaluate`, and what the page and the gate read."""

from typing import Any

import msgspec
from msgspec import Struct

from service.inference.article import Profile

Interval = tuple[float, float]  # 95 %: Wilson's of a share, else from 1,000 bootstrap resamples of the articles


class LabelMeasures(Struct, frozen=True):
    precision: float
    recall: float
    f1: float
    support: int  # articles to which the editors gave the label
    predicted: int
    precision_interval: Interval | None = None  # None where nothing was answered, or nothing was true
    recall_interval: Interval | None = None


class CurvePoint(Struct, frozen=True):
    """Answering only from a score of `threshold` on answers this share of the articles, this share of them rightly."""

    coverage: float
    precision: float
    threshold: float


class Bin(Struct, frozen=True):
    """Articles whose top score lies in `[low, high)`; a calibrated model has `accuracy` equal to `confidence`."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


class Confusion(Struct, frozen=True):
    """`counts[i][j]`: articles of `labels[i]` that were given `labels[j]`; the last column is for no answer at all."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Share(Struct, frozen=True):
    """So many answers of one kind, and how many of them are right; None when there are none."""

    n: int
    right: float | None


class Word(Struct, frozen=True):
    text: str
    weight: float


class WorstError(Struct, frozen=True):
    """A wrong rubric given with confidence; `excerpt` is the beginning of the body as the model read it."""

    id: str | None
    source: str | None
    published_at: str | None
    title: str
    excerpt: str
    true: str
    predicted: str
    score: float
    words: tuple[Word, ...]  # that spoke for the predicted rubric, strongest first


class RubricMeasures(Struct, frozen=True, kw_only=True):
    """At full coverage: the top label counts even where the model would abstain. Measures are None without rows."""

    n: int = 0
    left_out: int = 0  # articles without a rubric label
    unknown: dict[str, int] = {}  # rubrics the model doesn't have: errors, all of them
    accuracy: float | None = None
    accuracy_interval: Interval | None = None
    macro_f1: float | None = None
    macro_f1_interval: Interval | None = None
    macro_f1_labels: int = 0
    macro_f1_over: str = ""
    micro_f1: float | None = None
    top_2_accuracy: float | None = None
    abstained: float | None = None
    calibration_error: float | None = None
    calibration_floor: float | None = None  # what a perfectly calibrated model would show on the same scores
    coverage_at_95: float | None = None
    threshold_at_95: float | None = None
    coverage_at_90: float | None = None
    threshold_at_90: float | None = None
    decisions: dict[str, Share] = {}
    by_source: dict[str, Share] = {}
    per_label: dict[str, LabelMeasures] = {}  # the weakest first
    curve: tuple[CurvePoint, ...] = ()
    reliability: tuple[Bin, ...] = ()
    confusion: Confusion = Confusion((), ())
    worst: tuple[WorstError, ...] = ()


class OriginMeasures(Struct, frozen=True):
    """Tags of one origin; `recall` is their share of all the editors' tags, so that origins add up."""

    shown: int
    precision: float
    recall: float


class TagMeasures(Struct, frozen=True, kw_only=True):
    """F1 over the tags shown; P@k and nDCG over the whole ranking, below the thresholds too. None without rows."""

    n: int = 0
    left_out: int = 0  # articles without a tag
    unknown: dict[str, int] = {}  # tags the model doesn't have: missed, all of them
    micro_f1: float | None = None
    micro_f1_interval: Interval | None = None
    macro_f1: float | None = None
    micro_f1_known: float | None = None  # over the tags that the model has
    macro_f1_known: float | None = None
    precision: float | None = None
    recall: float | None = None
    p_at_1: float | None = None
    p_at_3: float | None = None
    p_at_5: float | None = None
    ndcg_at_5: float | None = None
    shown_per_article: float | None = None
    true_per_article: float | None = None
    by_origin: dict[str, OriginMeasures] = {}
    per_label: dict[str, LabelMeasures] = {}


class LevelMeasures(Struct, frozen=True, kw_only=True):
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    f1_interval: Interval | None = None
    support: int = 0
    predicted: int = 0


class RegionMeasures(Struct, frozen=True, kw_only=True):
    """Places an article is about, by level; articles without a place count, what is only mentioned does not."""

    n: int = 0
    left_out: int = 0  # articles of outlets that label no places
    without_place: int = 0
    unknown: dict[
        str, int
    ] = {}  # labels that name no place of the gazetteer: they have no level, so they are only listed
    country: LevelMeasures = LevelMeasures()
    subject: LevelMeasures = LevelMeasures()
    city: LevelMeasures = LevelMeasures()


class Overlap(Struct, frozen=True):
    """Rows that the model may have been trained on, as far as its manifest can tell."""

    newest_row: str | None  # day of its newest training row
    learnt: tuple[str, ...]  # corpora whose very rows it was trained on
    not_newer: int  # rows of other corpora up to that day
    undated: int  # rows of which nobody can tell


class Evaluation(Struct, frozen=True, kw_only=True):
    model: str | None = None  # the version that was measured
    notes: tuple[str, ...] = ()  # what to know before believing the figures
    overlap: Overlap | None = None
    profile: Profile = "balanced"  # of the decisions that were measured
    n: int
    rubric: RubricMeasures
    tags: TagMeasures
    regions: RegionMeasures

    def as_json(self) -> dict[str, Any]:
        """Plain data, floats to five digits: more would be noise that differs between CPUs."""
        plain: dict[str, Any] = _rounded(msgspec.to_builtins(self))
        return plain


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
