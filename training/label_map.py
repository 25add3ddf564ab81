"""The editors' labels of an article -> what the model calls them; what it has no name for is still counted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.inference.article import LabelledArticle
from service.inference.places import Place
from training.labels import tag_key


class Label(NamedTuple):
    """`known` is False for a label the model doesn't have; its id is then its own."""

    id: str
    label: str
    known: bool = True


class Region(NamedTuple):
    id: str
    level: str


class Truth(NamedTuple):
    """What the editors of one article chose. No place is also a choice; no rubric means nobody labelled it."""

    rubric: Label | None
    tags: dict[str, Label]
    regions: frozenset[Region]
    no_regions: tuple[str, ...]  # region labels that name no place of the gazetteer


@dataclass(frozen=True)
class LabelMap:
    """Each looks a label up as people write it: None or no region when the model has nothing of that name."""

    rubric: Callable[[str], Label | None]
    tag: Callable[[str], Label | None]
    region: Callable[[str], tuple[Region, ...]]

    def truth(self, article: LabelledArticle) -> Truth:
        """A tag that names a place is a region, as in training."""
        rubric = (self.rubric(article.rubric) or _unknown(article.rubric)) if article.rubric else None
        regions: set[Region] = set()
        tags: dict[str, Label] = {}
        nowhere = []
        for name in article.regions:
            places = self.region(name)
            regions.update(places)
            if not places:
                nowhere.append(name)
        for name in article.tags:
            if places := self.region(name):
                regions.update(places)
            else:
                tag = self.tag(name) or _unknown(name)
                tags[tag.id] = tag
        return Truth(rubric, tags, frozenset(regions), tuple(nowhere))


def label_map(
    rubrics: Iterable[tuple[str, str]],
    tags: Iterable[tuple[str, str]],
    places: Iterable[Place],
    place_id_of: Callable[[str], str | None],
    aliases: Mapping[str, str] | None = None,
) -> LabelMap:
    """From a model's (id, label) pairs and places; `place_id_of` reads a label as a place's id.

    `aliases` lead from keys that no tag's label has to the id of the tag they were joined to: «путин» to «Владимир
    Путин». A city also stands for its subject, as in the answers.
    """
    by_name = {key: Label(id_, label) for id_, label in rubrics for key in (_name(id_), _name(label))}
    known = {id_: Label(id_, label) for id_, label in tags}
    by_key = {key: known[id_] for key, id_ in (aliases or {}).items()}
    by_key |= {tag_key(tag.label): tag for tag in known.values()}
    listed = list(places)
    by_id = {place.id: place for place in listed}

    def region(name: str) -> tuple[Region, ...]:
        place = by_id.get(place_id_of(name) or "")
        if place is None:
            return ()
        found = [place]
        while found[-1].parent >= 0 and listed[found[-1].parent].level != "country":
            found.append(listed[found[-1].parent])
        return tuple(Region(one.id, one.level) for one in found)

    return LabelMap(
        rubric=lambda label: by_name.get(_name(label)),
        tag=lambda label: by_key.get(tag_key(label)),
        region=region,
    )


def _name(label: str) -> str:
    return " ".join(label.casefold().split())


def _unknown(label: str) -> Label:
    return Label(f"unknown: {label}", label, known=False)
