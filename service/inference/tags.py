"""The tag head: trained scores and the tags' own names as candidates, one shared ranker over both.

Tags with examples have a linear model; every tag has a name. A logistic ranker, shared by all tags, weighs the margin
and where the name stands in the article, so a tag works from its first minute and its score is a probability. What it
knows of a tag beforehand (how many examples, how often it is named) doesn't change from article to article, so training
folds it into weights for each tag (training/ranking.py).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import exp
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference import kernel
from service.inference.explain import Span
from service.inference.features import Floats, Longs
from service.inference.lemmas import Ints
from service.inference.phrases import Hits

FIRST_WORDS = 45  # words of the body whose names count as standing in the lead
CANDIDATE_MARGIN = -0.8  # below this a trained tag is no candidate unless its name is there
CANDIDATES = 40  # at most so many by margin: an article of every topic is an article of none

# What the ranker sees of a candidate; the order is the order of its weights.
EVIDENCE = (
    "always", "trained", "margin", "margin_squared", "named", "named_and_trained", "in_title", "in_lead", "count",
    "part_only", "part_in_title", "part_in_lead", "part_count", "precision", "words",
)  # fmt: skip

MARGIN, NAMED = EVIDENCE.index("margin"), EVIDENCE.index("named")
LOG1P = np.log1p(np.arange(10_000.0))  # by count; a name stands no oftener than that
MOST_TAGS = 1 << 16
FARTHEST = 700.0  # log-odds below zero beyond which exp overflows; the score is 0 long before
NONE, FEW, MANY = range(3)  # regimes of a tag by its examples: none, too few to rely on a model of its own, enough


class Candidates(NamedTuple):
    """Tags that something speaks for, and what: `evidence` is (candidates, len(EVIDENCE)), `log_odds` the ranker's."""

    tags: Longs
    evidence: npt.NDArray[np.float64]
    log_odds: npt.NDArray[np.float64]


Likely = tuple[int, float, bool]  # a candidate's tag, its log-odds, and whether only its name speaks for it


class TagHead:
    def __init__(self, part: Mapping[str, Any], width: int) -> None:
        """`width` is the number of columns. `part`: ids, labels; start, tag, weight (trained weights by column: column
        c has those of `start[c]:start[c + 1]`), bias, regime, trained (which tags have a model; absent: those with many
        examples), precision (log-odds that an article with the name has the tag), words (of the label); first_phrase,
        phrase_tag, phrase_part (which tag a phrase of the matcher names, in whole or in part, from the first that names
        one); ranker (weights over EVIDENCE, a row for each tag or one for all), thresholds (a regime).
        Raises ValueError where the arrays don't fit each other."""
        self.ids: list[str] = part["ids"]
        self.labels: list[str] = part["labels"]
        self._start = np.ascontiguousarray(part["start"], np.int32)
        _check(self._start, np.asarray(part["tag"]), np.asarray(part["weight"]), width, len(self.ids))
        # tag and weight side by side: one stretch of memory is read for both
        self._weights = np.asarray(part["tag"], np.uint32) << 16 | kernel.half(part["weight"]).view(np.uint16)
        self.bias = np.ascontiguousarray(part["bias"], np.float32)
        self.regime = np.asarray(part["regime"], np.int8)
        self._trained = np.array(part.get("trained", self.regime == MANY), np.bool_)
        self._precision = np.asarray(part["precision"], np.float64)
        self._words = np.asarray(part["words"], np.float64)
        self._first = int(part["first_phrase"])
        self._phrase_tag: list[int] = np.asarray(part["phrase_tag"]).tolist()
        self._phrase_part: list[bool] = np.asarray(part["phrase_part"]).tolist()
        self._ranker = np.ascontiguousarray(
            np.broadcast_to(np.asarray(part["ranker"], np.float64), (len(self.ids), len(EVIDENCE)))
        )
        self._thresholds = np.asarray(part["thresholds"], np.float64)
        self.compiled = self._for_the_loops()

    def fits(self, phrases: int) -> bool:
        """Whether there is something of everything for each tag, and so many phrases end with those that name tags."""
        of_tags = (self.labels, self.bias, self.regime, self._trained, self._precision, self._words)
        return (
            all(len(one) == len(self.ids) for one in of_tags)
            and self._first + len(self._phrase_tag) == phrases
            and len(self._phrase_part) == len(self._phrase_tag)
            and all(0 <= tag < len(self.ids) for tag in self._phrase_tag)
        )

    def _for_the_loops(self) -> kernel.Tags:
        self._phrases = np.array(self._phrase_tag, np.int32), np.array(self._phrase_part, np.uint8)
        of_tags = (self.bias, self._trained, self._precision, self._words, self._ranker)
        arrays = (self._start, self._weights, *of_tags, *self._phrases)
        sizes = (len(self.ids), self._first, len(LOG1P) - 1, FIRST_WORDS, CANDIDATES)
        return kernel.Tags(*kernel.addresses(*arrays, LOG1P), *sizes, CANDIDATE_MARGIN)

    def margins(self, columns: Ints, values: Floats) -> Floats:
        """Margin of every tag; only weights of the article's own columns are read. Untrained tags have their bias."""
        begin = self._start[columns]
        lengths = self._start[columns + 1] - begin
        chosen = np.repeat(begin - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        weights = self._weights[chosen]
        addends = np.repeat(values, lengths).astype(np.float64) * _weight(weights)
        total = np.bincount((weights >> 16).astype(np.int64), addends, minlength=len(self.ids))
        return total.astype(np.float32) + self.bias

    def weights(self) -> tuple[Ints, Ints, Floats]:
        """Trained weights by column: column c has those of `start[c]:start[c + 1]`, for these tags."""
        return self._start, (self._weights >> 16).astype(np.int32), _weight(self._weights)

    def weights_of(self, tag: int, columns: Ints) -> Floats:
        """Weight of each column for one tag, for explanations."""
        weights = np.zeros(len(columns), np.float32)
        for i, column in enumerate(columns.tolist()):
            of_column = self._weights[self._start[column] : self._start[column + 1]]
            weights[i] = _weight(of_column[of_column >> 16 == tag]).sum()
        return weights

    def candidates(self, columns: Ints, values: Floats, title: Hits, body: Hits) -> Candidates:
        """`title` and `body` hold the hits of phrases that name tags."""
        margins = self.margins(columns, values)
        named = self._named(title, body)
        likely = np.flatnonzero(self._trained & (margins > CANDIDATE_MARGIN))
        if len(likely) > CANDIDATES:
            likely = likely[np.argsort(-margins[likely], kind="stable")[:CANDIDATES]]
        tags = np.fromiter(sorted(named.keys() | set(likely.tolist())), np.int64)
        evidence = self._evidence(tags, margins, named)
        return Candidates(tags, evidence, self._log_odds(tags, evidence))

    @staticmethod
    def likely(candidates: Candidates, near: npt.NDArray[np.float64] | None) -> list[Likely]:
        """Those whose log-odds are not below `near`, which has one for each tag: two or three of fifty."""
        tags, log_odds, evidence = candidates.tags, candidates.log_odds, candidates.evidence
        # a tag that is not named can only be its model's; one without a model has a margin of 0
        by_name = (evidence[:, NAMED] != 0) & (evidence[:, MARGIN] <= 0)
        kept = slice(None) if near is None else log_odds >= near[tags]
        return list(zip(tags[kept].tolist(), log_odds[kept].tolist(), by_name[kept].tolist(), strict=True))

    def log_odds_of(self, tag: int, columns: Ints, values: Floats, title: Hits, body: Hits) -> float | None:
        """Of one tag as of a candidate, also where it is none; None where it is not named and has no model."""
        named = self._named(title, body)
        if tag not in named and not self._trained[tag]:
            return None
        tags = np.array([tag])
        return float(self._log_odds(tags, self._evidence(tags, self.margins(columns, values), named))[0])

    def is_named(self, tag: int, title: Hits, body: Hits) -> bool:
        return tag in self._named(title, body)

    def is_trained(self, tag: int) -> bool:
        """Whether it has a model of its own, beside its name."""
        return bool(self._trained[tag])

    def _evidence(self, tags: Longs, margins: Floats, named: Mapping[int, Sequence[float]]) -> npt.NDArray[np.float64]:
        evidence = np.zeros((len(tags), len(EVIDENCE)), np.float64)
        if len(tags):
            trained = self._trained[tags]
            margin = np.where(trained, np.clip(margins[tags], -1.5, 3.0), 0.0)
            evidence[:, 0] = 1.0
            evidence[:, 1] = trained
            evidence[:, MARGIN] = margin
            evidence[:, MARGIN + 1] = margin * margin
            rows = [i for i, tag in enumerate(tags.tolist()) if tag in named]
            if rows:
                evidence[rows, NAMED:] = [self._evidence_of_name(tag, named[tag]) for tag in tags[rows].tolist()]
        return evidence

    def _log_odds(self, tags: Longs, evidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Added up in the order of EVIDENCE, as the loops do."""
        total = np.zeros(len(tags), np.float64)
        for of_one, weight in zip(evidence.T, self._ranker[tags].T, strict=True):
            total += of_one * weight
        return total

    def _evidence_of_name(self, tag: int, found: Sequence[float]) -> tuple[float, ...]:
        """EVIDENCE from NAMED on."""
        in_title, in_lead, times, part_in_title, part_in_lead, part_times = found
        whole = times > 0
        return (
            1.0,
            float(self._trained[tag]),
            in_title,
            in_lead,
            _log1p(times),
            float(not whole),
            part_in_title,
            part_in_lead,
            _log1p(part_times),
            float(self._precision[tag]),
            min(float(self._words[tag]), 4.0) - 1.0 if whole else 0.0,
        )

    def score_of_name(self, in_title: bool, in_lead: bool, times: int, words: int) -> tuple[float, float]:
        """Of a tag that is not among these: its score, and the one from which it is worth a look. It is weighed as
        those of the model with the fewest examples are on average: none at best."""
        if not len(self.ids):
            return 0.0, 1.0
        weights, threshold = self._of_the_least_known
        evidence = np.zeros(len(EVIDENCE))
        evidence[EVIDENCE.index("always")] = evidence[NAMED] = 1.0
        evidence[EVIDENCE.index("in_title")], evidence[EVIDENCE.index("in_lead")] = in_title, in_lead
        evidence[EVIDENCE.index("count")] = _log1p(times)
        evidence[EVIDENCE.index("words")] = min(float(words), 4.0) - 1.0
        return probability(float(weights @ evidence)), threshold

    @cached_property
    def _of_the_least_known(self) -> tuple[npt.NDArray[np.float64], float]:
        regime = int(self.regime.min())
        return self._ranker[self.regime == regime].mean(axis=0), float(self._thresholds[regime])

    def _named(self, title: Hits, body: Hits) -> dict[int, list[float]]:
        """Tag -> whole name in title, in lead, times; part of it in title, in lead, times."""
        named: dict[int, list[float]] = {}
        for in_title, hits in ((True, title), (False, body)):
            for first, _, number in hits.tolist():
                phrase = number - self._first
                found = named.setdefault(self._phrase_tag[phrase], [0.0] * 6)
                shift = 3 if self._phrase_part[phrase] else 0
                if in_title:
                    found[shift] = 1.0
                elif first < FIRST_WORDS:
                    found[shift + 1] = 1.0
                found[shift + 2] += 1.0
        return named

    def name_spans(self, tag: int, title: Hits, body: Hits) -> dict[Span, float]:
        """Where the tag's name stands; together the places bear what names add to the tag's log-odds."""
        parts: tuple[tuple[Literal["title", "body"], Hits], ...] = (("title", title), ("body", body))
        spans: list[Span] = [
            (part, first, end - 1)
            for part, hits in parts
            for first, end, phrase in hits.tolist()
            if self._phrase_tag[phrase - self._first] == tag
        ]
        evidence = self._evidence_of_name(tag, self._named(title, body)[tag])
        weight = float(np.dot(self._ranker[tag, NAMED:], evidence))
        return {span: weight / len(spans) for span in spans}

    def thresholds(self) -> dict[str, float]:
        """By regime, for the manifest."""
        return dict(zip(("no_examples", "few_examples", "trained"), self._thresholds.tolist(), strict=True))

    def thresholds_of_each(self, by_regime: Sequence[float] | None = None) -> npt.NDArray[np.float64]:
        """The score from which each tag is shown; by the thresholds of its regime, its own or these."""
        thresholds = self._thresholds if by_regime is None else np.asarray(by_regime, np.float64)
        found: npt.NDArray[np.float64] = thresholds[self.regime]
        return found


def _weight(weights: npt.NDArray[Any]) -> Floats:
    return weights.astype(np.uint16).view(np.float16).astype(np.float32)


def probability(log_odds: float) -> float:
    return 1.0 / (1.0 + exp(min(-log_odds, FARTHEST)))


def _log1p(count: float) -> float:
    return float(LOG1P[min(int(count), len(LOG1P) - 1)])


def _check(start: Ints, tag: npt.NDArray[Any], weight: npt.NDArray[Any], width: int, tags: int) -> None:
    """The loops in C trust these arrays. Raises ValueError where they lead outside."""
    if tags > MOST_TAGS:
        raise ValueError(f"{tags} tags, this service takes {MOST_TAGS}: train with a smaller max_tags")
    rows = len(start) == width + 1 and start[0] == 0 and start[-1] == len(tag) == len(weight)
    if not (rows and (np.diff(start) >= 0).all() and (not len(tag) or (tag.min() >= 0 and tag.max() < tags))):
        raise ValueError(f"the weights of the tags don't fit {width} columns and {tags} tags")
