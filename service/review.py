"""Which answers are worth an editor's look, and what the latest answers say taken together.

margin: the likeliest rubric and the next are close (Scheffer, Decomain & Wrobel 2001). rare: few of the latest answers
have its rubric, so that each look at one teaches the next model more than one more of the many. The other strategies
have files of their own: doubts.py, drawn.py.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import Literal

from msgspec import UNSET, Struct

from service.keeping import Keeping
from service.latest import LOOKED_AT, Likely, when

Strategy = Literal["margin", "rare", "disagreement", "label_error", "audit"]


class Lately(Struct, frozen=True):
    """The latest answer on an article; `rubrics` are the likeliest two. `draft`: it was no finished article."""

    article_id: str | None
    prediction_id: str
    made_at: int  # ms since 1970
    draft: bool
    rubrics: tuple[Likely, ...]
    tags: tuple[Likely, ...]

    @property
    def margin(self) -> float:
        first, *others = self.rubrics
        return round(first.score - (others[0].score if others else 0.0), 4)


class Voice(Struct, frozen=True):
    """Who has which rubric for the article: a version of the model, or an editor."""

    by: str
    label: str


class Candidate(Struct, frozen=True, omit_defaults=True):
    """`margin`: how far the likeliest rubric is ahead of the next. `like_it`: how many of `of` latest answers have the
    same rubric. `voices` are those that differ, the latest first; `between` says who they are. `usual`: how sure the
    model is of that label where editors have it. `why`: in a sentence, why the article is here. Of an audit neither
    rubrics nor tags are told."""

    article_id: str | None
    prediction_id: str | None
    at: str
    draft: bool = False
    rubrics: tuple[Likely, ...] = ()
    tags: tuple[Likely, ...] = ()
    margin: float | None = None
    like_it: int | None = None
    of: int | None = None
    usual: float | None = None
    voices: tuple[Voice, ...] = ()
    between: Literal["editors", "versions"] | None = None
    why: str = ""


def lately(keeping: Keeping, most: int = LOOKED_AT) -> Iterator[Lately]:
    """Of each article, by its id or else by its text, the latest answer that has a rubric; the latest first.

    Reads the store. Raises StoreError.
    """
    seen = set()
    for kept, answer in keeping.latest.answers(most):
        key = kept.article_id or kept.prediction_id
        if key in seen or not kept.heads.startswith("rubric"):
            continue
        seen.add(key)
        rubrics = (answer.rubric, *answer.alternatives) if answer.rubric else answer.alternatives
        yield Lately(
            kept.article_id,
            kept.prediction_id,
            kept.made_at,
            bool(kept.draft),
            rubrics[:2],
            answer.tags,
        )


def queue(keeping: Keeping, strategy: Strategy, most: int) -> list[Candidate]:
    """Articles that no editor has decided anything on, most worth a look first. Reads the store. Raises StoreError."""
    answers = [one for one in lately(keeping) if one.rubrics]
    many = Counter(one.rubrics[0].id for one in answers)

    def worth(one: Lately) -> tuple[int, float]:
        return many[one.rubrics[0].id] if strategy == "rare" else 0, one.margin

    undecided = (one for one in answers if not keeping.recall.knows(one.article_id))
    first = nsmallest(most, undecided, key=worth)
    return [_candidate(one, many[one.rubrics[0].id], len(answers), strategy) for one in first]


def _candidate(one: Lately, like_it: int, of: int, strategy: Strategy) -> Candidate:
    if strategy == "rare":
        why = f"{like_it} of the latest {of} answers have the rubric «{one.rubrics[0].label}»"
    elif len(one.rubrics) == 1:
        why = f"«{one.rubrics[0].label}» has {one.rubrics[0].score:.2f}"
    else:
        why = f"«{one.rubrics[0].label}» is ahead of «{one.rubrics[1].label}» by {one.margin:.2f}"
    return Candidate(
        one.article_id, one.prediction_id, when(one.made_at), one.draft, one.rubrics, one.tags, one.margin, like_it, of,
        why=why,
    )  # fmt: skip


class Mix(Struct, frozen=True):
    """How many of the latest answers have a label."""

    id: str
    label: str
    count: int


def mix(answers: Sequence[Lately], head: Literal["rubric", "tags"]) -> list[Mix]:
    """The most frequent first. Of the rubric, what was answered; likely ones that were too doubtful don't count."""
    many: Counter[tuple[str, str]] = Counter()
    for one in answers:
        labels = one.tags if head == "tags" else [each for each in one.rubrics[:1] if each.decision is not UNSET]
        many.update((each.id, each.label) for each in labels if each.decision != "abstain")
    return [Mix(*label, count) for label, count in sorted(many.items(), key=lambda each: (-each[1], each[0]))]
