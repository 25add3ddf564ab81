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

KNOWN = ("log_examples", "log_named", "log_foremost", "precision")
FROM_EXAMPLES = [KNOWN.index("log_examples"), KNOWN.index("precision")]  # 0 of a tag without any
# evidence of an article times what is known of the tag
TOGETHER = tuple(
    (EVIDENCE.index(evidence), KNOWN.index(known))
    for evidence, known in (
        ("always", "log_examples"), ("margin", "log_examples"), ("named", "log_examples"),
        ("named", "log_named"), ("count", "log_named"), ("part_count", "log_named"), ("named", "log_foremost"),
        ("always", "log_named"), ("always", "log_foremost"), ("always", "precision"), ("precision", "log_examples"),
    )
)  # fmt: skip
SHRINKAGE = 1.0
# The last four pairs gave on RT's validation, five-fold, micro-F1 .5733 -> .5774, macro-F1 .4562 -> .4701 and .5025 ->
# .5201 for tags with few examples; on RIA's .6300 -> .6362 and .6750 -> .6905. Three of them are of the tag alone,
# whatever the article; a tag has one value of each, so they are learnt from tags, not from candidates: learnt from 13
# of RT's tags with many examples they took the F1 of the others from .608 to .588, from 40 .6082 -> .6095, from 100
# .6163 -> .6181. With fewer they stay at the default. (log_examples doesn't: RIA's validation fell to .6133.)
OF_THE_TAG = np.array(
    [False] * len(EVIDENCE)
    + [EVIDENCE[evidence] == "always" and KNOWN[of_tag] != "log_examples" for evidence, of_tag in TOGETHER]
)
ENOUGH_TAGS = 40


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


def known_of(
    examples: npt.ArrayLike, named: npt.ArrayLike, foremost: npt.ArrayLike, precision: npt.ArrayLike, articles: int
) -> Doubles:
    """(tags, KNOWN) from counts of articles: with the tag, naming it, naming it in the title or the lead. `precision`
    is by how much a naming article's log-odds of carrying the tag differ from those of a tag that nothing is known of.

    A name that stands in every third article is seldom what one is about, one that mostly stands in front often is:
    of tags without examples that gave 2 points of F1.
    """
    tagged, spoken, front = (np.asarray(count, np.float64) for count in (examples, named, foremost))
    often, mostly_front = np.log((spoken + 0.5) / (articles + 1)), np.log((front + 0.3) / (spoken + 1))
    return np.stack((np.log1p(tagged), often, mostly_front, np.asarray(precision, np.float64)), axis=1)


def design(evidence: Doubles, known: Doubles) -> Doubles:
    """Rows as the weights of a Ranking see them; `known` has a row for each candidate."""
    pairs = [evidence[:, i] * known[:, j] for i, j in TOGETHER]
    return np.concatenate((evidence, np.stack(pairs, axis=1)), axis=1)


def fit_weights(rows: Doubles, correct: Flags, counts: Doubles, default: Doubles, tags: int) -> Doubles:
    """Logistic regression of rows that count so much each, candidates of so many different tags, shrunk towards
    `default`; with fewer than ENOUGH_TAGS, what is OF_THE_TAG stays there."""
    sign = np.where(correct, 1.0, -1.0)
    learnt = np.ones(len(default)) if tags >= ENOUGH_TAGS else np.where(OF_THE_TAG, 0.0, 1.0)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        margin = sign * (rows @ weights)
        away = weights - default
        slope = -sign * counts / (1 + np.exp(margin))
        total = counts @ np.logaddexp(0, -margin) + SHRINKAGE / 2 * float(away @ away)
        return float(total), learnt * (rows.T @ slope + SHRINKAGE * away)

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
            *[[0.0, 0.0, 0.0]] * 4,  # the last pairs, which an archive learns for itself
        ]
    ).T,
    np.array([0.33, 0.32, 0.5]),
)
