"""The labels that a model can answer with, by id and by name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from service.inference.article import Policy
from service.inference.places import Place

Head = Literal["rubric", "regions", "tags"]
HEADS: tuple[Head, ...] = ("rubric", "regions", "tags")


class Labels:
    """`rubrics` and `tags` are pairs of id and label."""

    def __init__(
        self,
        rubrics: Iterable[tuple[str, str]],
        tags: Iterable[tuple[str, str]],
        places: Sequence[Place] = (),
        policies: Mapping[Head, Mapping[str, Policy]] | None = None,
    ) -> None:
        """`policies` are those that are not normal, by id."""
        self._places = places
        self._policies = policies or {}
        self._number = {place.id: number for number, place in enumerate(places)}
        self._label: dict[Head, dict[str, str]] = {
            "rubric": dict(rubrics),
            "regions": {place.id: place.label for place in places},
            "tags": dict(tags),
        }
        # the first of two places of one name is the larger one
        self._id = {
            head: {named(label): id_ for id_, label in reversed(labels.items())} for head, labels in self._label.items()
        }

    def policy(self, head: Head, id_: str) -> Policy:
        return self._policies.get(head, {}).get(id_, "normal")

    @property
    def places(self) -> Sequence[Place]:
        return self._places

    def label(self, head: Head, id_: str) -> str | None:
        return self._label[head].get(id_)

    def id_of(self, head: Head, label: str) -> str | None:
        """Whatever the case, ё and spaces."""
        return self._id[head].get(named(label))

    def all(self, head: Head) -> Mapping[str, str]:
        """Label by id."""
        return self._label[head]

    def place(self, id_: str) -> Place | None:
        number = self._number.get(id_)
        return None if number is None else self._places[number]

    def parent(self, place: Place) -> str | None:
        return self._places[place.parent].id if place.parent >= 0 else None


def named(label: str) -> str:
    """How labels are compared."""
    return " ".join(label.casefold().replace("ё", "е").split())
