"""Rubrics that are learnt and never answered, and articles too short for a probability to be believed."""

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from service.inference.annotator import NOT_UNSEEN, Annotator
from service.inference.article import Article
from service.records import Rejects
from tests.sample_model import SAMPLE, articles, labelled_articles
from tests.test_annotator import calibrated_parts, decisions_of, rubric_of
from training import no_news
from training.config import ConfigError, load
from training.progress import Progress
from training.run import Trained, train

NONE = "спорт"


@cache
def model() -> Trained:
    config = load(None, [SAMPLE])
    return train(replace(config, rubric=replace(config.rubric, no_news=(NONE,))), Rejects(), Progress(quiet=True))


def open_handed() -> Annotator:
    """A model that publishes whatever it may."""
    parts = dict(model().parts)
    parts["decisions"] = {**parts["decisions"], "sources": {"sample": 500}, "rubric_auto": 0.0}
    return Annotator("no news", parts)


def test_what_is_no_news_is_answered_with_another_rubric_for_an_editor_to_look_at() -> None:
    sent = [replace(article, source="sample") for article in articles()]
    told = 0
    for article, answer in zip(labelled_articles(), open_handed().annotate(sent), strict=True):
        labels = [other.label for other in answer.alternatives or ()]
        assert "Спорт" not in (rubric_of(answer), *labels)
        if "not_news" in answer.reasons:
            told += article.rubric == "Спорт"
            assert "auto" not in decisions_of(answer)
    assert told >= 7  # of 9


def test_other_articles_are_published_as_before() -> None:
    sent = [replace(article, source="sample") for article in articles()]
    answers = open_handed().annotate(sent)
    rubrics = [answer.rubric for answer in answers if answer.rubric and not NOT_UNSEEN & set(answer.reasons)]
    assert len(rubrics) > 90
    assert all(rubric.decision == "auto" for rubric in rubrics)


def test_a_rubric_that_no_article_has_is_an_error() -> None:
    config = load(None, [SAMPLE])
    with pytest.raises(ConfigError, match="Реклама"):
        no_news.numbers(["Спорт"], replace(config, rubric=replace(config.rubric, no_news=("Реклама",))))


def test_a_headline_alone_is_answered_and_not_published_by_a_model_of_whole_articles() -> None:
    parts = calibrated_parts(200)
    whole = Article(**{name: getattr(articles()[0], name) for name in ("title", "text")}, source="sample")
    headline = replace(whole, text=None)
    parts["decisions"] |= {"rubric_auto": 0.0, "fewest_features": 20}
    for article, decision in ((whole, "auto"), (headline, "review")):
        [answer] = Annotator("long", parts).annotate([article])
        assert answer.rubric
        assert answer.rubric.decision == decision
        assert ("too_short" in answer.reasons) == (decision == "review")
        assert answer.status == "ok"


def test_a_model_from_before_asks_for_no_length() -> None:
    parts = calibrated_parts(200)
    plain = msgspec.to_builtins(parts["decisions"])
    parts["decisions"] = {key: value for key, value in plain.items() if key not in ("fewest_features", "no_news")}
    [answer] = Annotator("old", parts).annotate([Article(title="«Спартак» обыграл ЦСКА в Москве", source="sample")])
    assert "too_short" not in answer.reasons


def test_few_of_what_is_no_news_lie_above_the_threshold() -> None:
    generator = np.random.default_rng(0)
    scores: Any = generator.dirichlet((8, 1, 1), 2000)
    labels = np.where(np.arange(2000) % 4 == 0, 2, 0)  # a quarter is no news and looks like the first
    least = no_news.least_score(scores, labels, [2])
    strays = (scores.max(axis=1) >= least) & (labels == 2)
    assert 0 < strays.sum() <= 0.05 * 500
    assert no_news.least_score(scores, labels, []) == 0
