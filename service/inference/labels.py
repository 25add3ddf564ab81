"""The labels that a model can answer with, by id and by name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from service.inference.article import Policy
from service.inference.places import Place

Head = Literal["rubric", "regions", "tags"]
HEADS: tuple[Head, ...] = ("rubric", "regions", "tags")
LONGEST = 100  # characters of a name that is remembered: what else is sent must not fill the memory

_WORD = re.compile(r"[^\W_]+")
_LATIN = {
    **dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True)),
    "х": "h",
    "ж": "zh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "sch",
    "ъ": "",
    "ь": "",
    "ю": "yu",
    "я": "ya",
}


class Labels:
    """`rubrics` and `tags` are pairs of id and label."""

    def __init__(
        self,
        rubrics: Iterable[tuple[str, str]],
        tags: Iterable[tuple[str, str]],
        places: Sequence[Place] = (),
        policies: Mapping[Head, Mapping[str, Policy]] | None = None,
        names: Mapping[str, str] | None = None,
        retired: Iterable[str] = (),
    ) -> None:
        """`policies` are those that are not normal, by id; `names` are other names of tags, each with its id; `retired`
        are names of tags that must not be chosen."""
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

        self._id["tags"] = {named(name): id_ for name, id_ in (names or {}).items()} | self._id["tags"]
        self._retired = frozenset(map(named, retired)) - self._id["tags"].keys()

    def is_retired(self, head: Head, label: str) -> bool:
        return head == "tags" and named(label) in self._retired

    def policy(self, head: Head, id_: str) -> Policy:
        return self._policies.get(head, {}).get(id_, "normal")

    def policies(self, head: Head) -> Mapping[str, Policy]:
        return self._policies.get(head, {})

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
    """How labels are compared. An article with ten labels asks a hundred times, for few different ones: 1.2 µs each
    if it is worked out, 0.1 if it is remembered."""
    return _named(label) if len(label) <= LONGEST else _named.__wrapped__(label)


@lru_cache(maxsize=1 << 14)
def _named(label: str) -> str:
    return " ".join(label.casefold().replace("ё", "е").split())


def slug(name: str) -> str:
    """«Нью-Йорк» -> "nyu-york": the id of a city that has no GeoNames number, and of a tag."""
    words = _WORD.findall(name.lower().replace("ё", "е"))
    return "-".join("".join(_LATIN.get(letter, letter) for letter in word) for word in words)
