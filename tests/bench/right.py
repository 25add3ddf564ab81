"""Whether the fast one is also right: rubric and tags of held-out articles, ours and fastText's."""

from collections.abc import Sequence
from typing import NamedTuple

from service.inference.decisions import Options
from tests.bench.material import Material, Row
from tests.bench.peers import FastText

RUBRIC_AND_TAGS = frozenset({"rubric", "tags"})


class Right(NamedTuple):
    accuracy: float  # of the likeliest rubric
    micro_f1: float  # of the tags shown, over those that both systems learnt


def of_ours(material: Material, rows: Sequence[Row]) -> Right:
    options = Options(heads=RUBRIC_AND_TAGS, most_tags=None)
    answers = material.annotator().annotate([row.article for row in rows], options)
    rubrics = [one.rubric or next(iter(one.alternatives or ()), None) for one in answers]
    tags = [{tag.id for tag in one.tags or () if tag.decision != "abstain"} for one in answers]
    return right(rows, [one.label if one else "" for one in rubrics], tags)


def of_fast_text(material: Material, rows: Sequence[Row]) -> Right:
    answers = FastText(material)([row.article for row in rows])
    return right(rows, [rubric for rubric, _ in answers], [set(tags) for _, tags in answers])


def right(rows: Sequence[Row], rubrics: Sequence[str], tags: Sequence[set[str]]) -> Right:
    """An article counts for what its outlet labels."""
    judged = [row.rubric == rubric for row, rubric in zip(rows, rubrics, strict=True) if row.rubric]
    pairs = [(set(row.tags), shown) for row, shown in zip(rows, tags, strict=True) if row.tags is not None]
    hits = sum(len(true & shown) for true, shown in pairs)
    given = sum(len(true) + len(shown) for true, shown in pairs)
    return Right(sum(judged) / max(1, len(judged)), 2 * hits / max(1, given))
