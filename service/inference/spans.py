"""Spans for JavaScript: offsets in UTF-16 units, where a character outside the basic plane counts twice."""

import re
from bisect import bisect_left
from typing import TypeVar

from msgspec import UnsetType
from msgspec.structs import replace

from service.inference.article import Annotation, Article, Attribution, Evidence, Explanation, Notice

S = TypeVar("S", Evidence, Attribution, Notice)

_OUTSIDE = re.compile("[\U00010000-\U0010ffff]")


class Units:
    """Of one article: spans of its fields as they were sent, counted in UTF-16 units."""

    def __init__(self, article: Article) -> None:
        self._article = article
        self._outside: dict[str, list[int]] = {}  # field -> where its characters outside the basic plane stand

    def moved(self, span: S) -> S:
        return replace(span, start=self._of(span.field, span.start), end=self._of(span.field, span.end))

    def _of(self, field: str, position: int) -> int:
        outside = self._outside.get(field)
        if outside is None:
            outside = [found.start() for found in _OUTSIDE.finditer(getattr(self._article, field))]
            self._outside[field] = outside
        return position + bisect_left(outside, position)


def utf16(annotation: Annotation, article: Article) -> Annotation:
    """The same annotation, every offset counted in UTF-16 units of the field as it was sent."""
    moved = Units(article).moved

    regions, explain = annotation.regions, annotation.explain
    if not isinstance(regions, UnsetType):
        regions = tuple(replace(region, evidence=tuple(map(moved, region.evidence))) for region in regions)
    if not isinstance(explain, UnsetType):
        why = explain.why
        if not isinstance(why, UnsetType):
            why = replace(why, words=tuple(map(moved, why.words)), evidence=tuple(map(moved, why.evidence)))
        tags = {tag: tuple(map(moved, words)) for tag, words in explain.tags.items()}
        explain = Explanation(tuple(map(moved, explain.rubric)), tags, why)
    return replace(annotation, regions=regions, explain=explain, notices=tuple(map(moved, annotation.notices)))
