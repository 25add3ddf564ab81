"""How well a model answers: always through `Annotator.annotate`, so that what is measured is what newsrooms get."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import UNSET
from msgspec.structs import replace

from service.inference.article import (
    Alternative,
    Annotation,
    Article,
    LabelledArticle,
    Profile,
    RubricAnswer,
    TagAnswer,
)
from service.inference.decisions import Options
from service.inference.profiles import BALANCED
from service.inference.text import read
from training import notes
from training.evaluation import Evaluation, Word, WorstError
from training.label_map import Label, LabelMap, Region
from training.score_heads import Answer, Row, measure_regions, measure_rubric, measure_tags, wrong_but_sure

BATCH = 500
RANKED = 5  # places of the tag ranking that any measure looks at
EXCERPT = 300  # characters of a wrongly answered article
# All that the model thinks, not only what it would show; a threshold filters and never changes a decision.
EVERYTHING = Options(threshold=0.0, most_tags=None)
RUBRIC_EXPLAINED = Options(heads=frozenset({"rubric"}), explain=True)


class Annotates(Protocol):
    def annotate(self, articles: Sequence[Article], options: Options = ..., /) -> list[Annotation]: ...


def evaluate(
    annotator: Annotates, articles: Sequence[LabelledArticle], *, label_map: LabelMap, profile: Profile = BALANCED
) -> Evaluation:
    """Annotates the articles without their labels, then compares; each head counts the articles with its labels."""
    rows = answered(annotator, articles, label_map, replace(EVERYTHING, profile=profile))
    found = Evaluation(
        profile=profile,
        n=len(rows),
        rubric=measure_rubric(rows, explained(annotator, wrong_but_sure(rows))),
        tags=measure_tags(rows),
        regions=measure_regions(rows),
    )
    return replace(found, notes=tuple(notes.on_size(found)))


def answered(
    annotator: Annotates, articles: Sequence[LabelledArticle], label_map: LabelMap, options: Options = EVERYTHING
) -> list[Row]:
    """The articles, each with what its editors chose and what it was answered without that."""
    rows = []
    for batch in _batches(articles):
        annotations = annotator.annotate([unlabelled(article) for article in batch], options)
        for article, annotation in zip(batch, annotations, strict=True):
            rows.append(Row(article, label_map.truth(article), _answer(annotation)))
    return rows


def _batches(articles: Sequence[LabelledArticle]) -> Iterator[Sequence[LabelledArticle]]:
    for start in range(0, len(articles), BATCH):
        yield articles[start : start + BATCH]


def unlabelled(article: LabelledArticle) -> Article:
    """The article as a CMS sends it the first time: nothing in it may give the answer away."""
    return Article(
        id=article.id,
        title=article.title,
        lead=article.lead,
        text=article.text,
        body_html=article.body_html,
        source=article.source,
        url=article.url,
        published_at=article.published_at,
        stage=article.stage,
    )


def _answer(annotation: Annotation) -> Answer:
    """Keeps of an annotation what is measured: a hundred candidates an article would fill the memory."""
    chosen = annotation.rubric if annotation.rubric is not UNSET else None
    others = annotation.alternatives if annotation.alternatives is not UNSET else ()
    answers: list[RubricAnswer | Alternative] = [*([chosen] if chosen else []), *others]
    ranked = sorted(answers, key=lambda label: -label.score)[:2]
    tags = sorted(annotation.tags if annotation.tags is not UNSET else (), key=lambda tag: -tag.score)
    regions = annotation.regions if annotation.regions is not UNSET else ()
    return Answer(
        rubrics=tuple(Label(label.id, label.label) for label in ranked),
        score=ranked[0].score if ranked else 0.0,
        decision=chosen.decision if chosen else "abstain",
        tags=tuple(tag for place, tag in enumerate(tags) if place < RANKED or _shown(tag)),
        shown={tag.id: tag.origin for tag in tags if _shown(tag)},
        regions=frozenset(
            Region(region.id, region.level)
            for region in regions
            if region.role != "mentioned" and region.decision != "abstain"
        ),
    )


def _shown(tag: TagAnswer) -> bool:
    return tag.decision != "abstain"


def explained(annotator: Annotates, rows: Sequence[Row]) -> tuple[WorstError, ...]:
    """Wrongly answered rows with the beginning of the text and the words that spoke for the answer."""
    annotations = annotator.annotate([unlabelled(row.article) for row in rows], RUBRIC_EXPLAINED) if rows else []
    return tuple(_error(row, annotation) for row, annotation in zip(rows, annotations, strict=True))


def _error(row: Row, annotation: Annotation) -> WorstError:
    text = read(row.article)
    words: dict[str, float] = {}
    if annotation.explain is not UNSET:
        for word in annotation.explain.rubric:
            if word.weight > 0:
                words[word.text] = words.get(word.text, 0.0) + word.weight
    assert row.truth.rubric
    return WorstError(
        id=row.article.id,
        source=row.article.source,
        published_at=row.article.published_at,
        title=" ".join(text.title.split()),
        excerpt=" ".join(text.body.split())[:EXCERPT],
        true=row.truth.rubric.label,
        predicted=row.answer.rubrics[0].label,
        score=row.answer.score,
        words=tuple(Word(word, weight) for word, weight in sorted(words.items(), key=lambda one: (-one[1], one[0]))),
    )
