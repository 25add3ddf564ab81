"""Rubrics that are learnt and never answered, and articles too short for a probability to be believed."""

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from service.inference.annotator import NOT_UNSEEN, Annotator
from service.inference.article import Article
from service.inference.decisions import Options, rounded
from service.records import Rejects
from tests.sample_model import SAMPLE, articles, labelled_articles
from tests.sure_model import HELD
from tests.test_annotator import calibrated_parts, decisions_of, rubric_of
from training import no_news, run
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("with_rubrics", [True, False])
def test_a_rubric_that_no_article_has_is_told_before_anything_is_fitted(
    with_rubrics: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(None, [SAMPLE])
    use = config.corpus[0].use if with_rubrics else ("regions", "tags")
    corpus = replace(config.corpus[0], use=use)
    config = replace(config, corpus=(corpus,), rubric=replace(config.rubric, no_news=("Реклама",)))
    monkeypatch.setattr(run, "fit_heads", lambda *_: pytest.fail("it was fitted first"))
    with pytest.raises(ConfigError, match="Реклама"):
        train(config, Rejects(), Progress(quiet=True))


@pytest.mark.slow
@pytest.mark.parametrize("by", ["no_news alone", "no_news and policy"])
def test_a_model_that_may_answer_no_rubric_says_none_and_explains_none(by: str) -> None:
    """Whatever doubt is allowed: no rubric of score 0, and no words of a rubric that is not shown."""
    parts = dict(model().parts)
    labels, ids = parts["rubric"]["labels"], parts["rubric"]["ids"]
    unsaid = [i for i, label in enumerate(labels) if by == "no_news alone" or label == "Спорт"]
    parts["policy"] = {**HELD, "rubrics": {id_: "never_suggest" for i, id_ in enumerate(ids) if i not in unsaid}}
    parts["decisions"] = {**parts["decisions"], "rubric_review": 0.0, "no_news": unsaid}
    for answer in Annotator("none", parts).annotate(articles()[:20], Options(explain=True)):
        assert (answer.rubric, answer.alternatives, answer.status) == (None, (), "abstained")
        assert answer.explain and answer.explain.rubric == ()


@pytest.mark.slow
def test_the_probabilities_of_the_others_stay_as_they_are() -> None:
    parts = dict(model().parts)
    parts["decisions"] = {**parts["decisions"], "no_news": [], "rubric_review": 0.0}
    everything, open_ = Annotator("all", parts).annotate(articles()), open_handed().annotate(articles())
    for with_it, without in zip(everything, open_, strict=True):
        scores = {one.id: one.score for one in with_it.alternatives or ()}
        assert {one.id: one.score for one in without.alternatives or ()}.items() <= scores.items()


def test_the_card_and_the_manifest_name_what_is_learnt_and_never_answered() -> None:
    labels = model().manifest["labels"]
    assert labels["no_news"] == ["Спорт"]
    assert sorted([*labels["rubrics"], "Спорт"]) == sorted(model().parts["rubric"]["labels"])
    [line] = [line for line in model().card.splitlines() if " rubrics: " in line]
    assert line.startswith(f"{len(labels['rubrics'])} rubrics: ")
    assert "Спорт" not in line
    assert "Learnt, never answered: Спорт." in model().card.splitlines()


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
    for seed in range(50):  # as many digits as a score, whatever the sum's last bit says
        scores = np.random.default_rng(seed).dirichlet((8, 1, 1), 2000)
        least = no_news.least_score(scores, labels, [2])
        assert least == rounded(least)
    assert no_news.least_score(scores, labels, []) == 0
