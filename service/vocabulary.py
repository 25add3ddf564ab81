"""Rubrics, regions and tags by stable id, as clients see them."""

from typing import Literal

from msgspec import Struct

from service.inference.article import Policy
from service.inference.labels import Labels

Status = Literal["active", "merged", "retired"]


class Term(Struct, frozen=True, kw_only=True):
    """A label by its id, which stays when the label changes."""

    id: str
    label: str
    synonyms: tuple[str, ...] = ()
    status: Status = "active"
    merged_into: str | None = None
    policy: Policy = "normal"


class Region(Struct, frozen=True, kw_only=True):
    id: str
    label: str
    level: str
    parent: str | None
    policy: Policy = "normal"


class Listing(Struct, frozen=True):
    """`version` is also the ETag, and the `model.vocabulary` of answers."""

    version: str
    rubrics: tuple[Term, ...]
    regions: tuple[Region, ...]
    tags: tuple[Term, ...]


def listing(version: str, labels: Labels) -> Listing:
    """All labels that a model answers with."""
    rubrics = tuple(
        Term(id=id_, label=label, policy=labels.policy("rubric", id_)) for id_, label in labels.all("rubric").items()
    )
    regions = tuple(
        Region(
            id=place.id,
            label=place.label,
            level=place.level,
            parent=labels.parent(place),
            policy=labels.policy("regions", place.id),
        )
        for place in labels.places
    )
    tags = tuple(
        Term(id=id_, label=label, policy=labels.policy("tags", id_)) for id_, label in labels.all("tags").items()
    )
    return Listing(version, rubrics, regions, tags)
