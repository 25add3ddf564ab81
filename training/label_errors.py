"""Labels of an archive worth a second look: likely slips, and near-identical articles under different rubrics.

A slip is found by confident learning (Northcutt, Jiang & Chuang 2021): with probabilities from models that have not
seen the article, its label is doubted if another label is at least as likely as it usually is on its own articles.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from training.trust import Judged


class Suspect(NamedTuple):
    """An article whose label may be a slip; `row` is its number among the examples."""

    row: int
    given: int
    likelier: int
    score_given: float
    score_likelier: float


def suspects(judged: Judged) -> list[Suspect]:
    """The likeliest slips first, by how much more the other label is believed."""
    probabilities, truth = judged.probabilities, judged.truth
    classes = probabilities.shape[1]
    # how sure the model usually is of a label on the articles that carry it; a label without articles is never meant
    usual = np.array([probabilities[truth == c, c].mean() if (truth == c).any() else 2.0 for c in range(classes)])
    confident = np.where(probabilities >= usual, probabilities, 0.0)
    likelier = confident.argmax(axis=1)
    doubted = np.flatnonzero((confident.max(axis=1) > 0) & (likelier != truth))
    found = [
        Suspect(
            int(judged.rows[i]),
            int(truth[i]),
            int(likelier[i]),
            float(probabilities[i, truth[i]]),
            float(probabilities[i, likelier[i]]),
        )
        for i in doubted
    ]
    found = [one for one in found if one.score_likelier > one.score_given]
    return sorted(found, key=lambda one: (one.score_given - one.score_likelier, one.row))


class Contradictions(NamedTuple):
    """Near-identical articles: how many sets of them, and the sets with more than one rubric, largest first."""

    sets: int
    of_two_minds: list[list[int]]


def contradictions(rubrics: Sequence[str | None], groups: Sequence[str]) -> Contradictions:
    """`groups` tell near-duplicates; articles without a rubric are left out. Members are in the examples' order."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row, (rubric, group) in enumerate(zip(rubrics, groups, strict=True)):
        if rubric:
            members[group].append(row)
    several = [rows for rows in members.values() if len(rows) > 1]
    differing = [rows for rows in several if len({rubrics[row] for row in rows}) > 1]
    # two of one kind against two of another say more than one odd article in a long series
    weight = {rows[0]: len(rows) - max(Counter(rubrics[row] for row in rows).values()) for rows in differing}
    return Contradictions(len(several), sorted(differing, key=lambda rows: (-weight[rows[0]], rows[0])))
