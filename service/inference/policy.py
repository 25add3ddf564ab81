"""What is sensitive of a model's labels: such a label is never published unseen, or never suggested at all."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from service.inference.article import Policy, ShownPolicy
from service.inference.labels import Head

HELD: Mapping[str, ShownPolicy] = {"review_only": "review_only", "never_suggest": "never_suggest"}
NONE: Mapping[str, Any] = {"rubrics": {}, "tags": {}, "regions": {}, "persons": (), "incidents": ()}


class Policies:
    """By number of the label. A person's tag is `review_only` where the article's likeliest rubric is an incident's."""

    def __init__(
        self, part: Mapping[str, Any] | None, rubrics: Sequence[str], tags: Sequence[str], places: Sequence[str]
    ) -> None:
        """`part`: rubrics, tags, regions (id -> policy, of those that are not normal); persons (ids of tags), incidents
        (ids of rubrics). None is that of a model made before there was any. The others are all ids in their order.
        Raises ValueError for a policy that is none and for an id that is not among them."""
        part = NONE if part is None else part
        self.rubrics: list[ShownPolicy] = _in_order(part["rubrics"], rubrics)
        self.tags: list[ShownPolicy] = _in_order(part["tags"], tags)
        self.regions = {place: one for place, one in enumerate(_in_order(part["regions"], places)) if one}
        self._ids: dict[Head, list[str]] = {"rubric": list(rubrics), "tags": list(tags), "regions": list(places)}
        self._incidents = _numbers(part["incidents"], rubrics)
        self.persons = _numbers(part["persons"], tags)
        self._tags_of_incidents = list(self.tags)
        for tag in self.persons:
            self._tags_of_incidents[tag] = self.tags[tag] or "review_only"
        self.hidden_rubrics, self.hidden_tags = _hidden(self.rubrics), _hidden(self.tags)

    def by_id(self) -> dict[Head, dict[str, Policy]]:
        """Those that are not normal, whatever the article; a person's tag is held by incidents alone."""
        regions = [self.regions.get(place, UNSET) for place in range(len(self._ids["regions"]))]
        of_heads: dict[Head, list[ShownPolicy]] = {"rubric": self.rubrics, "tags": self.tags, "regions": regions}
        return {
            head: {id_: one for id_, one in zip(self._ids[head], policies, strict=True) if one is not UNSET}
            for head, policies in of_heads.items()
        }

    def of_tags(self, likeliest_rubric: int) -> Sequence[ShownPolicy]:
        """By tag, for an article of this rubric (-1: the model has none)."""
        return self._tags_of_incidents if likeliest_rubric in self._incidents else self.tags


def _in_order(held: Mapping[str, str], ids: Sequence[str]) -> list[ShownPolicy]:
    number = {id_: i for i, id_ in enumerate(ids)}
    policies: list[ShownPolicy] = [UNSET] * len(ids)
    for id_, policy in held.items():
        if id_ not in number or policy not in HELD:
            raise ValueError(f"the policy {policy!r} of {id_!r} fits no label")
        policies[number[id_]] = HELD[policy]
    return policies


def _numbers(chosen: Collection[str], ids: Sequence[str]) -> frozenset[int]:
    number = {id_: i for i, id_ in enumerate(ids)}
    if unknown := [id_ for id_ in chosen if id_ not in number]:
        raise ValueError(f"the policies name {unknown[0]!r}, which is no label")
    return frozenset(number[id_] for id_ in chosen)


def _hidden(policies: Sequence[ShownPolicy]) -> frozenset[int]:
    return frozenset(i for i, policy in enumerate(policies) if policy == "never_suggest")
