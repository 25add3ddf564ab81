"""What every peer is asked: to learn from texts and labels, to choose options on validation, to say how sure it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Doubles = npt.NDArray[np.float64]
Options = Mapping[str, float]


class Learnable(NamedTuple):
    """Texts with a rubric each."""

    texts: Sequence[str]
    labels: Sequence[str]

    def __add__(self, other: object) -> "Learnable":
        assert isinstance(other, Learnable)
        return Learnable([*self.texts, *other.texts], [*self.labels, *other.labels])


class Answers(NamedTuple):
    """A label a text, and how sure the peer is of it."""

    labels: list[str]
    scores: Doubles


Model = Callable[[Sequence[str]], Answers]


@dataclass(frozen=True)
class Peer:
    """`learn` sees the texts once, in their order; `grid` are the options to choose from, the first the usual ones."""

    name: str
    learn: Callable[[Learnable, Options], Model]
    grid: tuple[Options, ...] = ({},)
    gives_probabilities: bool = True  # else its scores are margins, and a curve of validation makes them probabilities
    is_repeatable: bool = True  # False: it draws by a clock that can't be set


def choose(peer: Peer, train: Learnable, validation: Learnable) -> Options:
    """The options most often right on validation, learnt without it; the first of equals."""
    if len(peer.grid) == 1:
        return peer.grid[0]
    right = [_share_right(peer.learn(train, options)(validation.texts), validation.labels) for options in peer.grid]
    return peer.grid[int(np.argmax(right))]


def answer(
    peer: Peer,
    options: Options,
    train: Learnable,
    validation: Learnable,
    test: Sequence[str],
    *,
    learn_from_validation: bool = True,
) -> Answers:
    """Learnt from both, as the latest quarter is worth most, unless validation is another outlet."""
    found = peer.learn(train + validation if learn_from_validation else train, options)(test)
    if peer.gives_probabilities:
        return found
    judged = peer.learn(train, options)(validation.texts)
    right = np.array(judged.labels) == np.array(validation.labels)
    if right.all() or not right.any():
        return Answers(found.labels, np.full(len(test), right.mean()))
    curve = LogisticRegression(C=1e6).fit(judged.scores[:, None], right)
    return Answers(found.labels, curve.predict_proba(found.scores[:, None])[:, 1])


def _share_right(found: Answers, labels: Sequence[str]) -> float:
    return float(np.mean(np.array(found.labels) == np.array(labels)))


def numbered(labels: Sequence[str]) -> tuple[list[str], list[int]]:
    """The different labels in order, and the place among them of each."""
    names = sorted(set(labels))
    place = {name: i for i, name in enumerate(names)}
    return names, [place[label] for label in labels]
