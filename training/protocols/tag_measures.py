"""What the tag protocols measure of a system's answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from training import measures
from training.evaluation import Interval
from training.measures import Floats, Ints

Regimes = Mapping[str, frozenset[str]]  # what it is called -> ids of its tags
Scored = tuple[str, float, bool]  # a tag's id, its score, whether it is given


class Answer(NamedTuple):
    """One system's answer to one article: every tag it ranks, surest first, and scores of those it gives."""

    ranked: tuple[str, ...]
    given: Mapping[str, float]

    @classmethod
    def of(cls, scored: Iterable[Scored]) -> "Answer":
        """From tags, scores and whether they are given, surest first."""
        listed = list(scored)
        return cls(tuple(tag for tag, *_ in listed), {tag: score for tag, score, given in listed if given})

    def first(self, most: int) -> "Answer":
        """At most so many tags given."""
        kept = [tag for tag in self.ranked if tag in self.given][:most]
        return Answer(self.ranked, {tag: self.given[tag] for tag in kept})


class Figure(NamedTuple):
    value: float
    interval: Interval


class Measured(NamedTuple):
    micro_f1: Figure
    macro_f1: float  # over the tags that an article of the test has
    p_at_1: float
    p_at_3: float
    p_at_5: float
    ndcg_at_5: Figure
    regimes: Mapping[str, Figure]  # micro-F1
    per_article: float
    calibration_error: float | None  # of the tags given; None of margins
    calibration_floor: float | None


def measure(truth: Sequence[frozenset[str]], answers: Sequence[Answer], regimes: Regimes) -> Measured:
    """Articles without a true tag count for F1 and calibration, and have no ranking."""
    scores = np.array([score for one in answers for score in one.given.values()])
    right = np.array([tag in true for true, one in zip(truth, answers, strict=True) for tag in one.given], np.bool_)
    ranked = [
        ([tag in true for tag in one.ranked], len(true)) for true, one in zip(truth, answers, strict=True) if true
    ]
    gains = np.array([measures.ndcg_at(hits, relevant, 5) for hits, relevant in ranked])
    probable = len(scores) > 0 and scores.min() >= 0 and scores.max() <= 1
    return Measured(
        _micro(truth, answers, None),
        float(_by_tag(truth, answers).macro(np.ones((1, len(truth)), np.int64))[0]),
        _precision_at(ranked, 1),
        _precision_at(ranked, 3),
        _precision_at(ranked, 5),
        Figure(float(gains.mean()), measures.interval(_resampled_mean(gains))),
        {name: _micro(truth, answers, tags) for name, tags in regimes.items()},
        len(scores) / len(truth),
        measures.calibration_error(scores, right) if probable else None,
        measures.calibration_floor(scores) if probable else None,
    )


def differences(
    truth: Sequence[frozenset[str]], ours: Sequence[Answer], others: Sequence[Answer]
) -> tuple[Figure, Figure]:
    """By how much we are ahead in micro-F1 and in macro-F1; both systems share the resamples."""
    systems = [_by_tag(truth, answers) for answers in (ours, others)]
    once, many = np.ones((1, len(truth)), np.int64), _draws(len(truth))
    found = []
    for kind in (_Counts.micro, _Counts.macro):
        value, draws = (kind(systems[0], weights) - kind(systems[1], weights) for weights in (once, many))
        found.append(Figure(float(value[0]), measures.interval(draws)))
    return found[0], found[1]


def over_articles(truth: Sequence[frozenset[str]]) -> int:
    """How many different tags the articles have."""
    return len(frozenset().union(*truth))


class _Counts(NamedTuple):
    """(articles, tags): whether a tag is right, answered, true."""

    hits: Floats
    answered: Floats
    true: Floats

    def micro(self, weights: Ints) -> Floats:
        """For each row of weights over the articles."""
        totals = [weights @ of.sum(axis=1) for of in self]
        return measures.f1(*totals)

    def macro(self, weights: Ints) -> Floats:
        """The mean over the tags that the weighted articles have."""
        hits, answered, true = (weights.astype(np.float64) @ of for of in self)
        scores = np.where(true > 0, measures.f1(hits, answered, true), 0.0)
        found: Floats = scores.sum(axis=1) / np.maximum((true > 0).sum(axis=1), 1)
        return found


def _by_tag(truth: Sequence[frozenset[str]], answers: Sequence[Answer]) -> _Counts:
    tags = sorted(frozenset().union(*truth, *(one.given for one in answers)))
    number = {tag: i for i, tag in enumerate(tags)}
    answered, true = np.zeros((2, len(truth), len(tags)))
    for row, (of_one, answer) in enumerate(zip(truth, answers, strict=True)):
        true[row, [number[tag] for tag in of_one]] = 1
        answered[row, [number[tag] for tag in answer.given]] = 1
    return _Counts(answered * true, answered, true)


def _micro(truth: Sequence[frozenset[str]], answers: Sequence[Answer], tags: frozenset[str] | None) -> Figure:
    """Over these tags, None for all; every article counts."""
    true = [of_one if tags is None else of_one & tags for of_one in truth]
    given = [one.given.keys() if tags is None else one.given.keys() & tags for one in answers]
    hits = np.array([len(a & b) for a, b in zip(given, true, strict=True)])
    counts = hits, np.array(list(map(len, given))), np.array(list(map(len, true)))
    return Figure(measures.micro_f1(*counts), measures.interval(measures.resampled_micro_f1(*counts)))


def _precision_at(ranked: Sequence[tuple[list[bool], int]], k: int) -> float:
    return float(np.mean([measures.precision_at(hits, k) for hits, _ in ranked]))


def _draws(articles: int) -> Ints:
    return np.random.default_rng(0).multinomial(articles, np.full(articles, 1 / articles), size=measures.RESAMPLES)


def _resampled_mean(values: Floats) -> Floats:
    found: Floats = _draws(len(values)) @ values / len(values)
    return found
