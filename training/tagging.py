"""Trains the tag head: one-vs-rest weights where there are examples, names everywhere, one ranker over both."""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from service.inference.features import Matrix
from service.inference.phrases import Hits
from service.inference.tags import EVIDENCE, FEW, MANY, NONE, TagHead
from training.calibrate import NEVER, fit_ranker, threshold_for_f
from training.config import Config
from training.fit import TagWeights, csr, fit_tags
from training.labels import Tag
from training.names import Names
from training.thresholds import Pool, Profiles, for_tags, shifted

# What a small archive starts from: ranker and thresholds of the bundled baseline, learnt on the tagged
# articles of four outlets; the thresholds aim at F0.5. Order as in EVIDENCE.
DEFAULT_RANKER = np.array(
    [-0.891, 1.379, 2.62, -1.298, -1.074, 1.196, 0.204, 0.573, 0.856, -0.733, 0.543, 0.353, 0.297, 0.623, 0.063]
)
DEFAULT_THRESHOLDS = {NONE: 0.33, FEW: 0.32, MANY: 0.5}
DEFAULT_OF_PROFILES = {"precision": [0.5, 0.56, 0.67], "recall": [0.25, 0.22, 0.25]}  # the same, at half and twice beta
DEFAULT_PRECISION = -0.8  # log-odds that an article which names a tag carries it, where nothing is known of the tag
PRIOR_ARTICLES = 4.0  # how many articles the default counts for
MASKS = 4  # a quarter of the tags plays «no examples», another «few», so that the ranker learns to do without


@dataclass(frozen=True)
class Tagged:
    """Articles with tags, as the head sees them."""

    matrix: Matrix
    named: Sequence[tuple[Hits, Hits]]
    tags: Sequence[frozenset[int]]
    outlets: Sequence[str]


Users = Mapping[int, frozenset[str]]  # tag -> the outlets that use it


class TagTraining:
    """One set of tags and their phrases; fits on some articles, learns ranker and thresholds on others."""

    def __init__(self, tags: Sequence[Tag], names: Names, users: Users, config: Config) -> None:
        self.tags, self.names, self.users = tags, names, users
        self.options, self._decision, self._seed = config.tags, config.decision, config.model.seed

    def fit(self, articles: Tagged, done: Callable[[int, int], None] = lambda _, __: None) -> dict[str, Any]:
        """The head's part without ranker and thresholds. Heavy on CPU: 20 ms to 300 ms a trained tag."""
        tagged = _incidence(articles.tags, len(self.tags))
        usable = _judge(self.users, articles.outlets)
        count = np.asarray(tagged.sum(axis=0)).ravel()
        regime = np.where(count >= self.options.min_positives, MANY, np.where(count > 0, FEW, NONE)).astype(np.int8)
        # a tag on every article is nothing that words could tell: it goes by its name
        everywhere = np.array([n > 0 and n == usable(tag).sum() for tag, n in enumerate(count.tolist())], np.bool_)
        regime[everywhere & (regime == MANY)] = FEW
        trained = np.flatnonzero(regime == MANY).tolist()
        weights = fit_tags(
            csr(articles.matrix), tagged, usable, trained,
            C=self.options.C, weights_per_tag=self.options.weights_per_tag,
            max_negatives=self.options.max_negatives, seed=self._seed,
            done=lambda number: done(number, len(trained)),
        )  # fmt: skip
        return self._part(weights, regime, self._precision(articles, usable))

    def _part(
        self, weights: TagWeights, regime: npt.NDArray[np.int8], precision: npt.NDArray[np.float64]
    ) -> dict[str, Any]:
        return {
            "ids": [tag.id for tag in self.tags],
            "labels": [tag.label for tag in self.tags],
            "start": weights.start.astype(np.int32),
            "tag": weights.tag.astype(np.int16 if len(self.tags) < 2**15 else np.int32),
            "weight": weights.weight,
            "bias": weights.bias,
            "regime": regime,
            "precision": precision.astype(np.float32),
            "words": np.array([len(tag.label.split()) for tag in self.tags], np.int8),
            "first_phrase": self.names.places,
            "phrase_tag": np.array(self.names.tag, np.int32),
            "phrase_part": np.array(self.names.part, np.bool_),
            "ranker": DEFAULT_RANKER,
            "thresholds": np.array([DEFAULT_THRESHOLDS[regime] for regime in (NONE, FEW, MANY)]),
        }

    def _precision(self, articles: Tagged, usable: Callable[[int], npt.NDArray[np.bool_]]) -> npt.NDArray[np.float64]:
        """Log-odds that an article which names the tag carries it, among articles of outlets that use it."""
        named: list[list[int]] = [[] for _ in self.tags]
        for i, hits in enumerate(articles.named):
            for tag in {self.names.tag[phrase - self.names.places] for part in hits for _, _, phrase in part}:
                named[tag].append(i)
        prior = PRIOR_ARTICLES / (1 + np.exp(-DEFAULT_PRECISION))
        log_odds = np.full(len(self.tags), DEFAULT_PRECISION)
        for tag, rows in enumerate(named):
            judged = [i for i in rows if usable(tag)[i]]
            right = sum(tag in articles.tags[i] for i in judged)
            share = (right + prior) / (len(judged) + PRIOR_ARTICLES)
            log_odds[tag] = np.log(share / (1 - share))
        return log_odds

    def rank(self, part: Mapping[str, Any], unseen: Tagged) -> tuple[dict[str, Any], Profiles]:
        """The part with ranker and thresholds learnt on articles that the weights were not fitted on; and what profiles
        change of the thresholds."""
        if not len(unseen.tags):
            return dict(part), {profile: {"tags": least} for profile, least in DEFAULT_OF_PROFILES.items()}
        plain, masked = self._seen_by(part, unseen), self._seen_by(_masked(part), unseen)
        evidence = np.concatenate((plain.evidence, masked.evidence))
        correct = np.concatenate((plain.correct, masked.correct))
        ranker = fit_ranker(evidence, correct, DEFAULT_RANKER)
        thresholds, of_regimes = [], []
        for regime in (NONE, FEW, MANY):
            pools = [pool for pool in (plain, masked) if regime == MANY or pool is masked]
            scores = np.concatenate([_sigmoid(pool.evidence @ ranker)[pool.regime == regime] for pool in pools])
            right = np.concatenate([pool.correct[pool.regime == regime] for pool in pools])
            missed = sum(pool.missed[regime] for pool in pools)
            thresholds.append(threshold_for_f(scores, right, missed, DEFAULT_THRESHOLDS[regime], self.options.beta))
            of_regimes.append(Pool(scores, right, missed))
        shown = shifted(of_regimes, thresholds, self.options.beta, DEFAULT_OF_PROFILES)
        profiles = {profile: {"tags": least} for profile, least in shown.items()}
        return {**part, "ranker": ranker, "thresholds": np.array(thresholds)}, profiles

    def auto_thresholds(self, part: Mapping[str, Any], unseen: Tagged) -> tuple[float, float]:
        """The score from which a tag is right often enough to be published unseen; the same for profile=precision."""
        if not len(unseen.tags):
            return NEVER, NEVER
        pool = self._seen_by(part, unseen)
        return for_tags(_sigmoid(pool.evidence @ part["ranker"]), pool.correct, self._decision)

    def _seen_by(self, part: Mapping[str, Any], articles: Tagged) -> "_Pool":
        head = TagHead(part, articles.matrix.width)
        usable = _judge(self.users, articles.outlets)
        evidence, correct, regime = [np.zeros((0, len(EVIDENCE)))], [np.zeros(0, np.bool_)], [np.zeros(0, np.int8)]
        missed = [0, 0, 0]
        for i, truth in enumerate(articles.tags):
            found = head.candidates(*articles.matrix.row(i), *articles.named[i])
            judged = np.array([usable(tag)[i] for tag in found.tags.tolist()], np.bool_)
            evidence.append(found.evidence[judged])
            correct.append(np.array([tag in truth for tag in found.tags[judged].tolist()], np.bool_))
            regime.append(head.regime[found.tags[judged]])
            for tag in truth.difference(found.tags.tolist()):
                missed[head.regime[tag]] += 1
        return _Pool(np.concatenate(evidence), np.concatenate(correct), np.concatenate(regime), missed)


@dataclass(frozen=True)
class _Pool:
    evidence: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]
    regime: npt.NDArray[np.int8]
    missed: list[int]


def _masked(part: Mapping[str, Any]) -> dict[str, Any]:
    """The part as if a quarter of the tags had no examples and another quarter few."""
    side = np.array([zlib.crc32(tag.encode()) % MASKS for tag in part["ids"]])
    regime = np.where(side == 0, NONE, np.where((side == 1) & (part["regime"] == MANY), FEW, part["regime"]))
    precision = np.where(side == 0, DEFAULT_PRECISION, part["precision"])
    return {**part, "regime": regime.astype(np.int8), "precision": precision}


def users_of(articles: Iterable[tuple[str, Iterable[int]]]) -> Users:
    """Which outlets use each tag, from the outlet and the tags of every article."""
    users: dict[int, set[str]] = {}
    for outlet, tags in articles:
        for tag in tags:
            users.setdefault(tag, set()).add(outlet)
    return {tag: frozenset(outlets) for tag, outlets in users.items()}


def _judge(users: Users, outlets: Sequence[str]) -> Callable[[int], npt.NDArray[np.bool_]]:
    """For a tag, which articles come from outlets that use it: in others its absence says nothing."""
    outlet_of = np.array(outlets)
    masks: dict[frozenset[str], npt.NDArray[np.bool_]] = {}

    def usable(tag: int) -> npt.NDArray[np.bool_]:
        using = users.get(tag, frozenset())
        if using not in masks:
            # a tag nobody uses is judged everywhere: suggesting it is wrong everywhere
            masks[using] = np.isin(outlet_of, sorted(using)) if using else np.ones(len(outlet_of), np.bool_)
        return masks[using]

    return usable


def _incidence(tags: Sequence[frozenset[int]], width: int) -> sparse.csr_array:
    start = np.cumsum([0, *map(len, tags)], dtype=np.int32)
    columns = np.array([tag for of_one in tags for tag in sorted(of_one)], np.int32)
    return sparse.csr_array((np.ones(len(columns), np.float32), columns, start), shape=(len(tags), width))


def _sigmoid(margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    probability: npt.NDArray[np.float64] = 1 / (1 + np.exp(-margin))
    return probability
