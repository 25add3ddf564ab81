"""«Why not X?»: a label that was asked about, its score, and the one from which it would be suggested."""

from collections.abc import Sequence

from msgspec import UNSET

from service.inference.article import Attribution, RegionAnswer, Why
from service.inference.decisions import Decisions, Options, rounded
from service.inference.regions import Regions
from service.inference.rubric import RubricHead
from service.inference.tags import TagHead, probability

Words = tuple[Attribution, ...]


class WhyNot:
    """By number of the label, whether it was answered or not."""

    def __init__(self, rubric: RubricHead, tags: TagHead, regions: Regions, decisions: Decisions) -> None:
        self._rubric, self._tags, self._regions, self._decisions = rubric, tags, regions, decisions

    def rubric(self, number: int, probabilities: Sequence[float], words: Words, options: Options) -> Why:
        decisions = self._decisions
        hidden = decisions.hides_rubric(number)
        return Why(
            "rubric",
            self._rubric.ids[number],
            self._rubric.labels[number],
            rounded(probabilities[number]),
            decisions.of(options.profile).rubric,
            named=False,
            learnt=True,
            words=words,
            policy="never_suggest" if hidden else decisions.policies.rubrics[number],
        )

    def tag(
        self, number: int, log_odds: float | None, named: bool, likeliest: int, words: Words, options: Options
    ) -> Why:
        """`log_odds` None: nothing speaks for it. `likeliest` is the number of the rubric, for persons' sake."""
        return Why(
            "tags",
            self._tags.ids[number],
            self._tags.labels[number],
            0.0 if log_odds is None else rounded(probability(log_odds)),
            float(self._decisions.of(options.profile).tags[number]),
            named=named,
            learnt=self._tags.is_trained(number),
            words=words,
            policy=self._decisions.policies.of_tags(likeliest)[number],
        )

    def region(self, number: int, found: RegionAnswer | None, options: Options) -> Why:
        """`found` None: the text does not name it."""
        place, by_level = self._regions.places[number], self._decisions.of(options.profile).regions
        least = self._regions.about if by_level is None else self._regions.least_of_each(by_level)
        return Why(
            "regions",
            place.id,
            place.label,
            found.score if found else 0.0,
            rounded(least[number]),
            named=found is not None,
            learnt=False,
            words=(),
            evidence=found.evidence if found else (),
            policy=self._decisions.policies.regions.get(number, UNSET),
        )
