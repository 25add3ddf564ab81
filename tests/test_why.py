"""«Why not X?»: the score of a label that was asked about, shown or not, is the one that decides."""

from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from msgspec import UNSET

from service.inference.article import Article, Explanation, RegionAnswer, RubricAnswer, TagAnswer, Why
from service.inference.decisions import Options
from service.inference.labels import Head
from tests.sample_model import annotator, articles
from tests.serving import serving

WIDE = Options(most_tags=None, threshold=0.0)


def why(article: Article, head: Head, id_: str, **options: Any) -> Why:
    [answer] = annotator().annotate([article], Options(explain=True, why=(head, id_), **options))
    assert isinstance(answer.explain, Explanation)
    assert isinstance(answer.explain.why, Why)
    return answer.explain.why


def test_a_rubric_has_the_score_it_has_among_the_alternatives() -> None:
    for article in articles()[:6]:
        article = msgspec.structs.replace(article, source=None)  # whose threshold is never that of `auto`
        [answer] = annotator().annotate([article])
        scores = {one.id: one.score for one in answer.alternatives or ()}
        assert isinstance(answer.rubric, RubricAnswer)
        scores[answer.rubric.id] = answer.rubric.score
        for id_, score in scores.items():
            found = why(article, "rubric", id_)
            assert found.score == score
            assert found.threshold == answer.rubric.threshold


def test_a_tag_has_the_score_it_is_answered_with() -> None:
    asked = 0
    for article in articles()[:40]:
        [answer] = annotator().annotate([article], WIDE)
        assert answer.tags is not UNSET
        for tag in answer.tags[:3]:
            assert isinstance(tag, TagAnswer)
            found = why(article, "tags", tag.id)
            assert found.score == tag.score
            assert (tag.decision != "abstain") == (found.score >= found.threshold)
            asked += 1
    assert asked > 40


def test_a_tag_that_nothing_speaks_for_has_none() -> None:
    article = articles()[0]
    [answer] = annotator().annotate([article], WIDE)
    candidates = {tag.id for tag in answer.tags or ()}
    for number, id_ in enumerate(annotator().tags.ids):
        found = why(article, "tags", id_)
        if id_ not in candidates and not annotator().tags.is_trained(number):
            assert (found.score, found.named, found.words) == (0.0, False, ())
        assert found.named or not found.words or found.learnt


def test_a_place_that_is_named_has_its_score_and_where_it_stands() -> None:
    asked = 0
    for article in articles()[:20]:
        [answer] = annotator().annotate([article])
        for region in answer.regions or ():
            assert isinstance(region, RegionAnswer)
            found = why(article, "regions", region.id)
            assert (found.score, found.evidence, found.named) == (region.score, region.evidence, True)
            asked += 1
    assert asked
    unnamed = next(place for place in annotator().places if place.id not in {one.id for one in answer.regions or ()})
    found = why(articles()[19], "regions", unnamed.id)
    assert (found.score, found.evidence, found.named) == (0.0, (), False)


def test_words_of_a_rubric_are_what_they_add_to_its_margin() -> None:
    article = articles()[0]
    model = annotator()
    [answer] = model.annotate([article], Options(explain=True))
    assert isinstance(answer.rubric, RubricAnswer) and isinstance(answer.explain, Explanation)
    assert why(article, "rubric", answer.rubric.id).words == answer.explain.rubric
    other = why(article, "rubric", next(id_ for id_ in model.rubric.ids if id_ != answer.rubric.id)).words
    assert other and other != answer.explain.rubric
    assert np.all(np.diff([abs(word.weight) for word in other]) <= 0)


def test_spans_for_javascript_count_utf16_units() -> None:
    article = msgspec.structs.replace(articles()[0], title="🙂🙂 " + (articles()[0].title or ""))
    id_ = annotator().rubric.ids[0]
    here, there = why(article, "rubric", id_), why(article, "rubric", id_, spans="utf16")
    moved = [(a.start, b.start) for a, b in zip(here.words, there.words, strict=True) if a.field == "title"]
    assert moved and all(b == a + 2 for a, b in moved)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("home")) as served:
        yield served.client


@pytest.mark.parametrize(
    ("sent", "status"), [("tags", 400), ("words:спорт", 400), ("tags:", 400), ("tags:nothing", 422)]
)
def test_a_label_that_is_not_there_is_named(client: httpx.Client, sent: str, status: int) -> None:
    answer = client.post("/annotate", params={"why": sent}, json={"title": "Матч"})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["pointer"] == "?why"


def test_a_label_may_be_asked_for_by_its_name(client: httpx.Client) -> None:
    assert client.post("/annotate", params={"why": "tags:другой ТЕГ"}, json={"title": "Матч"}).status_code == 200
