"""The same for tags: a ranking of tags a text, and one threshold over all of them, chosen on validation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from training.protocols.peers.peer import Options

RANKED = 50  # tags of a text that are looked at


class Tagged(NamedTuple):
    """Texts with the tags of each; a text without any is learnt from as far as the peer can."""

    texts: Sequence[str]
    tags: Sequence[frozenset[str]]

    def __add__(self, other: object) -> "Tagged":
        assert isinstance(other, Tagged)
        return Tagged([*self.texts, *other.texts], [*self.tags, *other.tags])

    def numbered(self) -> tuple[list[str], list[list[int]]]:
        """The different tags in order, and the places among them of each text's."""
        names = sorted(frozenset[str]().union(*self.tags))
        place = {name: i for i, name in enumerate(names)}
        return names, [sorted(place[tag] for tag in own) for own in self.tags]


Ranking = list[tuple[str, float]]  # likeliest first, at most RANKED
TagModel = Callable[[Sequence[str]], list[Ranking]]


@dataclass(frozen=True)
class TagPeer:
    name: str
    learn: Callable[[Tagged, Options], TagModel]
    grid: tuple[Options, ...] = ({},)


class TagAnswers(NamedTuple):
    rankings: list[Ranking]
    threshold: float  # from this score on a tag is shown

    def shown(self) -> list[list[str]]:
        return [[tag for tag, score in ranking if score >= self.threshold] for ranking in self.rankings]


def answer(peer: TagPeer, train: Tagged, validation: Tagged, test: Sequence[str]) -> TagAnswers:
    """Options and threshold are those of the best micro-F1 on validation; then it learns from both."""
    tried = [best_threshold(peer.learn(train, options)(validation.texts), validation.tags) for options in peer.grid]
    chosen = max(range(len(tried)), key=lambda i: tried[i][1])
    rankings = peer.learn(train + validation, peer.grid[chosen])(test)
    return TagAnswers(rankings, tried[chosen][0])


def best_threshold(rankings: Sequence[Ranking], truth: Sequence[frozenset[str]]) -> tuple[float, float]:
    """The score from which tags are shown for the best micro-F1, and that F1."""
    pairs = [(score, tag in own) for ranking, own in zip(rankings, truth, strict=True) for tag, score in ranking]
    if not pairs:
        return 0.0, 0.0
    scores = np.array([score for score, _ in pairs])
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(np.array([right for _, right in pairs])[order])
    f1 = 2 * hits / (np.arange(1, len(pairs) + 1) + sum(map(len, truth)))
    ranked = scores[order]
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # a threshold can't part equal scores
    best = int(f1.argmax())
    return float(ranked[best]), float(f1[best])
