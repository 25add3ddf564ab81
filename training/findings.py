"""What an archive was found to be and what its model can be trusted with: everything the chief editor's page shows."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from training.calibrate import NEVER
from training.evaluation import Evaluation, WorstError
from training.examples import Example, Examples
from training.label_errors import Contradictions, Suspect
from training.learning_curve import Curve
from training.measures import wilson
from training.trust import Flags, Judged

WORST = 20
EXCERPT = 300  # characters
REFUTED, UNTESTED, SENSITIVE = "refuted", "untested", "sensitive"


class Part(NamedTuple):
    """Articles of which some are right; of none, the share is nothing."""

    n: int
    right: int

    @property
    def share(self) -> float | None:
        return self.right / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.n) or (0.0, 1.0)


class TagsShown(NamedTuple):
    """Tags as the service shows them, at most MOST_TAGS an article: `shown` of the articles that have tags of their
    editors', `given`; `unseen` of all."""

    articles: int
    shown: Part
    given: int
    unseen: Part


class RubricTrust(NamedTuple):
    """A rubric on the tested articles: `answered` where it is the likeliest, `unseen` where it would go out unseen."""

    label: str
    editors: int
    answered: Part
    unseen: Part
    threshold: float
    taken_back: str  # REFUTED, UNTESTED, SENSITIVE, or empty

    @property
    def allowed(self) -> bool:
        return self.threshold < NEVER


@dataclass(frozen=True)
class Findings:
    """`tested` as it was served where a last quarter was set aside, else cross-fitted."""

    name: str
    outlets: list[tuple[str, int]]  # with their calibration articles
    rows: Sequence[Example]
    rejected: Counter[str]
    period: tuple[datetime.date, datetime.date] | None
    rubrics: list[str]
    tags: int
    precision: float
    split_by: str
    learnt: int
    tested: Judged
    tested_period: tuple[datetime.date, datetime.date] | None
    all_answers: Part
    first_two: int
    promised: Part  # by the thresholds as they were before the test
    unseen: Part
    by_rubric: list[RubricTrust]
    may_publish: bool
    from_base: bool
    base_accuracy: float | None
    own_accuracy: float | None
    evaluation: Evaluation | None
    of_tags: TagsShown | None
    worst: Sequence[WorstError]
    suspects: Sequence[Suspect]
    contradictions: Contradictions
    curve: Curve | None


def by_rubric(
    tested: Judged, published: Flags, rubrics: Sequence[str], allowed: Sequence[float], back: Mapping[int, str]
) -> list[RubricTrust]:
    """What may go out first, then the most frequent."""
    best, _, right = tested.top()
    found = [
        RubricTrust(
            label,
            int((tested.truth == c).sum()),
            Part(int((best == c).sum()), int((right & (best == c)).sum())),
            Part(int((published & (best == c)).sum()), int((right & published & (best == c)).sum())),
            allowed[c],
            back.get(c, ""),
        )
        for c, label in enumerate(rubrics)
    ]
    return sorted(found, key=lambda one: (one.threshold >= NEVER, -one.unseen.n, -one.editors, one.label))


def worst_errors(tested: Judged, examples: Examples, rubrics: Sequence[str]) -> list[WorstError]:
    """The surest wrong answers, where no evaluation has explained them."""
    best, scores, right = tested.top()
    wrong = np.flatnonzero(~right)
    found = []
    for i in wrong[np.argsort(-scores[wrong], kind="stable")][:WORST].tolist():
        article = examples.rows[tested.rows[i]].article
        found.append(
            WorstError(
                id=article.id,
                source=article.source,
                published_at=article.published_at,
                title=article.title or "",
                excerpt=(article.text or article.lead or "")[:EXCERPT],
                true=rubrics[tested.truth[i]],
                predicted=rubrics[best[i]],
                score=float(scores[i]),
                words=(),
            )
        )
    return found


def period(rows: Sequence[Example]) -> tuple[datetime.date, datetime.date] | None:
    dates = [row.date for row in rows if row.date]
    return (min(dates), max(dates)) if dates else None
