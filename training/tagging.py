"""Trains the tag head: one-vs-rest weights where there are examples, names everywhere, one ranker over both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from service.inference.features import Matrix
from service.inference.phrases import Hits
from service.inference.tags import EVIDENCE, FEW, FIRST_WORDS, MANY, NONE, TagHead
from training.calibrate import FEWEST, NEVER, threshold_for_f
from training.config import Config
from training.fit import ENOUGH_EXAMPLES, TagWeights, csr, fit_tags
from training.labels import Tag
from training.names import Names
from training.ranking import DEFAULT, FROM_EXAMPLES, Doubles, Flags, Ranking, design, fit_weights, known_of
from training.thresholds import Pool, Profiles, for_tags, shifted

DEFAULT_OF_PROFILES = {"precision": [0.5, 0.56, 0.67], "recall": [0.25, 0.22, 0.25]}  # DEFAULT, at half and twice beta
DEFAULT_PRECISION = -0.8  # log-odds that an article which names a tag carries it, where nothing is known of the tag
# A tag without examples is played by all tags, but is rather like the rare ones: a tag of n articles weighs n to the
# minus RARENESS. On RT's validation 0 gave F1 .406 over all tags and .375 over rare ones, 1/3 .395 and .396, 1 .269 and
# .401.
RARENESS = 1 / 3
PRIOR_ARTICLES = 4.0  # how many articles the default counts for


@dataclass(frozen=True)
class Tagged:
    """Articles with tags, as the head sees them."""

    matrix: Matrix
    named: Sequence[tuple[Hits, Hits]]
    tags: Sequence[frozenset[int]]
    outlets: Sequence[str]


@dataclass(frozen=True)
class Fitted:
    """The head's part but for ranker and thresholds, and what is known of each tag."""

    part: Mapping[str, Any]
    known: Doubles  # (tags, KNOWN)
    examples: npt.NDArray[np.int64]

    def ranked(self, ranking: Ranking) -> dict[str, Any]:
        """The part, complete."""
        return {**self.part, **ranking.of(self.part["regime"], self.known)}

    def without_examples(self) -> "Fitted":
        """As if every tag were known by its name alone."""
        count, known = len(self.part["ids"]), self.known.copy()
        known[:, FROM_EXAMPLES] = 0.0
        forgotten = {
            "regime": np.full(count, NONE, np.int8),
            "trained": np.zeros(count, np.bool_),
            "precision": np.full(count, DEFAULT_PRECISION, np.float32),
        }
        return Fitted({**self.part, **forgotten}, known, self.examples)


Users = Mapping[int, frozenset[str]]  # tag -> the outlets that use it


class TagTraining:
    """One set of tags and their phrases; fits on some articles, learns ranker and thresholds on others."""

    def __init__(self, tags: Sequence[Tag], names: Names, users: Users, config: Config) -> None:
        self.tags, self.names, self.users = tags, names, users
        self.options, self._decision, self._seed = config.tags, config.decision, config.model.seed

    def fit(self, articles: Tagged, done: Callable[[int, int], None] = lambda _, __: None) -> Fitted:
        """Heavy on CPU: 10 ms to 120 ms a trained tag."""
        tagged = _incidence(articles.tags, len(self.tags))
        usable = _judge(self.users, articles.outlets)
        count = np.asarray(tagged.sum(axis=0), np.int64).ravel()
        regime = np.where(count >= ENOUGH_EXAMPLES, MANY, np.where(count > 0, FEW, NONE)).astype(np.int8)
        # a tag on every article is nothing that words could tell: it goes by its name
        everywhere = np.array([n > 0 and n == usable(tag).sum() for tag, n in enumerate(count.tolist())], np.bool_)
        regime[everywhere & (regime == MANY)] = FEW
        trained = np.flatnonzero((count >= self.options.min_positives) & ~everywhere).tolist()
        weights = fit_tags(
            csr(articles.matrix), tagged, usable, trained,
            C=self.options.C, weights_per_tag=self.options.weights_per_tag,
            max_negatives=self.options.max_negatives, seed=self._seed,
            done=lambda number: done(number, len(trained)),
        )  # fmt: skip
        namings = self._namings(articles, usable)
        surer = np.where(count > 0, namings.precision - DEFAULT_PRECISION, 0.0)
        known = known_of(count, namings.named, namings.foremost, surer, len(articles.tags))
        return Fitted(self._part(weights, regime, trained, namings.precision), known, count)

    def _part(
        self, weights: TagWeights, regime: npt.NDArray[np.int8], trained: Sequence[int], precision: Doubles
    ) -> dict[str, Any]:
        has_model = np.zeros(len(self.tags), np.bool_)
        has_model[trained] = True
        return {
            "ids": [tag.id for tag in self.tags],
            "labels": [tag.label for tag in self.tags],
            "start": weights.start.astype(np.int32),
            "tag": weights.tag.astype(np.int16 if len(self.tags) < 2**15 else np.int32),
            "weight": weights.weight,
            "bias": weights.bias,
            "regime": regime,
            "trained": has_model,
            "precision": precision.astype(np.float32),
            "words": np.array([len(tag.label.split()) for tag in self.tags], np.int8),
            "first_phrase": self.names.places,
            "phrase_tag": np.array(self.names.tag, np.int32),
            "phrase_part": np.array(self.names.part, np.bool_),
        }

    def _namings(self, articles: Tagged, usable: Callable[[int], Flags]) -> "_Namings":
        """How often each tag's name stands in articles, and how often rightly where an outlet uses the tag."""
        named: list[list[int]] = [[] for _ in self.tags]
        foremost = [0] * len(self.tags)
        for i, (title, body) in enumerate(articles.named):
            in_title, in_body = self._tags_of(title), self._tags_of(body)
            for tag in in_title | in_body:
                named[tag].append(i)
            for tag in in_title | self._tags_of(body[body[:, 0] < FIRST_WORDS]):
                foremost[tag] += 1
        prior = PRIOR_ARTICLES / (1 + np.exp(-DEFAULT_PRECISION))
        log_odds = np.full(len(self.tags), DEFAULT_PRECISION)
        for tag, rows in enumerate(named):
            judged = [i for i in rows if usable(tag)[i]]
            right = sum(tag in articles.tags[i] for i in judged)
            share = (right + prior) / (len(judged) + PRIOR_ARTICLES)
            log_odds[tag] = np.log(share / (1 - share))
        return _Namings(list(map(len, named)), foremost, log_odds)

    def _tags_of(self, hits: Hits) -> set[int]:
        return {self.names.tag[phrase - self.names.places] for _, _, phrase in hits.tolist()}

    def rank(self, fitted: Fitted, unseen: Tagged) -> tuple[Ranking, Profiles]:
        """Weights and thresholds by articles that the tags' own weights were not fitted on, the default without any;
        and what profiles change of the thresholds. Tags without examples are played by all tags, by their names alone.
        """
        if not len(unseen.tags):
            return DEFAULT, {profile: {"tags": least} for profile, least in DEFAULT_OF_PROFILES.items()}
        plain, forgotten = self._seen_by(fitted, unseen), self._seen_by(fitted.without_examples(), unseen)
        weights, thresholds, of_regimes = DEFAULT.weights.copy(), DEFAULT.thresholds.copy(), []
        for regime, pool in ((NONE, forgotten), (FEW, plain), (MANY, plain)):
            own = pool.regime == regime
            right, counts, missed = pool.correct[own], pool.counts[own], pool.missed[regime]
            if min(int(right.sum()), int((~right).sum())) >= FEWEST:
                weights[regime] = fit_weights(pool.rows[own], right, counts, weights[regime], pool.tags_of(regime))
            scores = _sigmoid(pool.rows[own] @ weights[regime])
            thresholds[regime] = threshold_for_f(scores, right, missed, thresholds[regime], self.options.beta, counts)
            of_regimes.append(Pool(scores, right, missed, counts))
        shown = shifted(of_regimes, thresholds.tolist(), self.options.beta, DEFAULT_OF_PROFILES)
        return Ranking(weights, thresholds), {profile: {"tags": least} for profile, least in shown.items()}

    def auto_thresholds(self, fitted: Fitted, ranking: Ranking, unseen: Tagged) -> tuple[float, float]:
        """The score from which a tag is right often enough to be published unseen; the same for profile=precision."""
        if not len(unseen.tags):
            return NEVER, NEVER
        pool = self._seen_by(fitted, unseen)
        scores = _sigmoid((pool.rows * ranking.weights[pool.regime]).sum(axis=1))
        return for_tags(scores, pool.correct, self._decision)

    def _seen_by(self, fitted: Fitted, articles: Tagged) -> "_Pool":
        """The candidates of these articles that an outlet's use of the tag lets us judge.

        Tags that only these articles have are left out: chosen for being right here, their names would look surer
        than the names of tags that nobody has used yet.
        """
        head = TagHead(fitted.ranked(DEFAULT), articles.matrix.width)
        usable = _judge(self.users, articles.outlets)
        evidence, tags, correct = [np.zeros((0, len(EVIDENCE)))], [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
        missed = [0.0, 0.0, 0.0]
        weight = np.where(head.regime == NONE, np.maximum(fitted.examples, 1) ** -RARENESS, 1.0)
        for i, truth in enumerate(articles.tags):
            found = head.candidates(*articles.matrix.row(i), *articles.named[i])
            judged = (fitted.examples[found.tags] > 0) & np.array(
                [usable(tag)[i] for tag in found.tags.tolist()], np.bool_
            )
            evidence.append(found.evidence[judged])
            tags.append(found.tags[judged])
            correct.append(np.array([tag in truth for tag in found.tags[judged].tolist()], np.bool_))
            for tag in truth.difference(found.tags.tolist()):
                missed[head.regime[tag]] += float(weight[tag] * (fitted.examples[tag] > 0))
        of = np.concatenate(tags)
        rows = design(np.concatenate(evidence), fitted.known[of])
        return _Pool(rows, of, np.concatenate(correct), weight[of], head.regime[of], missed)


@dataclass(frozen=True)
class _Namings:
    """By tag: articles that name it, that name it in the title or the lead, log-odds that one which does carries it."""

    named: list[int]
    foremost: list[int]
    precision: Doubles


@dataclass(frozen=True)
class _Pool:
    """Candidates of many articles; `missed` is the weight of right tags that were none, by regime."""

    rows: Doubles
    tags: npt.NDArray[np.int64]
    correct: Flags
    counts: Doubles  # how much each weighs
    regime: npt.NDArray[np.int8]
    missed: list[float]

    def tags_of(self, regime: int) -> int:
        """How many different ones."""
        return len(np.unique(self.tags[self.regime == regime]))


def users_of(articles: Iterable[tuple[str, Iterable[int]]]) -> Users:
    """Which outlets use each tag, from the outlet and the tags of every article."""
    users: dict[int, set[str]] = {}
    for outlet, tags in articles:
        for tag in tags:
            users.setdefault(tag, set()).add(outlet)
    return {tag: frozenset(outlets) for tag, outlets in users.items()}


def _judge(users: Users, outlets: Sequence[str]) -> Callable[[int], Flags]:
    """For a tag, which articles come from outlets that use it: in others its absence says nothing."""
    outlet_of = np.array(outlets)
    masks: dict[frozenset[str], Flags] = {}

    def usable(tag: int) -> Flags:
        using = users.get(tag, frozenset())
        if using not in masks:
            # a tag nobody uses is judged nowhere: in the vocabulary of a newsroom it is to come, not wrong everywhere
            masks[using] = np.isin(outlet_of, sorted(using)) if using else np.zeros(len(outlet_of), np.bool_)
        return masks[using]

    return usable


def _incidence(tags: Sequence[frozenset[int]], width: int) -> sparse.csr_array:
    start = np.cumsum([0, *map(len, tags)], dtype=np.int32)
    columns = np.array([tag for of_one in tags for tag in sorted(of_one)], np.int32)
    return sparse.csr_array((np.ones(len(columns), np.float32), columns, start), shape=(len(tags), width))


def _sigmoid(margin: Doubles) -> Doubles:
    probability: Doubles = 1 / (1 + np.exp(-margin))
    return probability
