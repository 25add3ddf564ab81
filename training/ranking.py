"""The tag ranker: what is known of a tag before any article is read, and weights learnt for each regime.

A regime has weights of its own, because a margin that ten examples taught says less than one of a thousand, and a name
says more where nothing else does. They are shrunk towards those of a large archive: a small one can't teach them all.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from service.inference.tags import EVIDENCE

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

KNOWN = ("log_examples", "log_named", "log_foremost")
LOG_EXAMPLES = KNOWN.index("log_examples")
# evidence of an article times what is known of the tag
TOGETHER = tuple(
    (EVIDENCE.index(evidence), KNOWN.index(known))
    for evidence, known in (
        ("always", "log_examples"), ("margin", "log_examples"), ("named", "log_examples"),
        ("named", "log_named"), ("count", "log_named"), ("part_count", "log_named"), ("named", "log_foremost"),
    )
)  # fmt: skip
SHRINKAGE = 1.0


@dataclass(frozen=True)
class Ranking:
    """`weights` (regime, EVIDENCE then TOGETHER) and `thresholds` by regime."""

    weights: Doubles
    thresholds: Doubles

    def of(self, regime: npt.NDArray[np.int8], known: Doubles) -> dict[str, Any]:
        """The artifact's arrays: weights over EVIDENCE for each tag."""
        own = self.weights[regime]
        table = own[:, : len(EVIDENCE)].copy()
        for number, (evidence, of_tag) in enumerate(TOGETHER):
            table[:, evidence] += own[:, len(EVIDENCE) + number] * known[:, of_tag]
        return {"ranker": table.astype(np.float32), "thresholds": self.thresholds}


def known_of(examples: npt.ArrayLike, named: npt.ArrayLike, foremost: npt.ArrayLike, articles: int) -> Doubles:
    """(tags, KNOWN) from counts of articles: with the tag, naming it, naming it in the title or the lead.

    A name that stands in every third article is seldom what one is about, one that mostly stands in front often is:
    of tags without examples that gave 2 points of F1.
    """
    tagged, spoken, front = (np.asarray(count, np.float64) for count in (examples, named, foremost))
    return np.stack(
        (np.log1p(tagged), np.log((spoken + 0.5) / (articles + 1)), np.log((front + 0.3) / (spoken + 1))), axis=1
    )


def design(evidence: Doubles, known: Doubles) -> Doubles:
    """Rows as the weights of a Ranking see them; `known` has a row for each candidate."""
    pairs = [evidence[:, i] * known[:, j] for i, j in TOGETHER]
    return np.concatenate((evidence, np.stack(pairs, axis=1)), axis=1)


def fit_weights(rows: Doubles, correct: Flags, counts: Doubles, default: Doubles) -> Doubles:
    """Logistic regression of rows that count so much each, shrunk towards `default`."""
    sign = np.where(correct, 1.0, -1.0)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        margin = sign * (rows @ weights)
        away = weights - default
        slope = -sign * counts / (1 + np.exp(margin))
        total = counts @ np.logaddexp(0, -margin) + SHRINKAGE / 2 * float(away @ away)
        return float(total), rows.T @ slope + SHRINKAGE * away

    return np.asarray(minimize(loss, default, jac=True, method="L-BFGS-B", options={"maxiter": 2000}).x, np.float64)


# What a small archive starts from, by NONE, FEW and MANY: learnt on RT's validation articles
# (training/protocols/tags.py). All candidates without examples are named, so nothing tells «always» from «named» there:
# shrinkage keeps the first one low, and a name explains a tag that it found. The thresholds aim at F0.5: few and sure.
DEFAULT = Ranking(
    np.array(
        [
            [-5.618, -3.986, -2.59],  # always
            [0.0, 2.616, 3.289],  # trained
            [0.0, 1.558, 1.884],  # margin
            [0.0, -1.544, -2.481],  # margin_squared
            [1.882, 1.738, 1.371],  # named
            [0.0, 0.657, -0.433],  # named_and_trained
            [0.477, 0.272, -0.186],  # in_title
            [0.226, -0.006, 0.208],  # in_lead
            [1.283, 1.287, 0.43],  # count
            [-0.873, -0.228, 0.385],  # part_only
            [0.69, 0.545, 0.144],  # part_in_title
            [-0.269, -0.093, -0.415],  # part_in_lead
            [0.573, 0.036, 0.231],  # part_count
            [0.894, 0.846, 0.284],  # precision
            [0.706, 0.277, -0.001],  # words
            [0.0, 0.885, 0.032],  # log_examples
            [0.0, 0.406, 0.229],  # margin, log_examples
            [0.0, -0.819, -0.192],  # named, log_examples
            [-0.241, 0.122, 0.096],  # named, log_named
            [-0.098, -0.02, -0.109],  # count, log_named
            [-0.002, -0.075, -0.023],  # part_count, log_named
            [0.312, -0.324, -0.327],  # named, log_foremost
        ]
    ).T,
    np.array([0.33, 0.32, 0.5]),
)
