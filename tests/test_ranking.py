"""The tag ranker: weights for each regime, folded into weights for each tag."""

import numpy as np
import pytest

from service.inference.annotator import Annotator
from service.inference.decisions import Options
from service.inference.features import Matrix
from service.inference.tags import EVIDENCE, FEW, MANY, NONE
from tests.sample_model import articles, trained
from tests.test_kernel import with_trained_tags
from training.config import Config
from training.labels import Tag
from training.names import Names
from training.ranking import (
    DEFAULT,
    ENOUGH_TAGS,
    FROM_EXAMPLES,
    KNOWN,
    OF_THE_TAG,
    TOGETHER,
    Ranking,
    design,
    fit_weights,
    known_of,
)
from training.tagging import Tagged, TagTraining


def test_weights_of_a_tag_are_those_of_its_regime_and_what_is_known_of_it() -> None:
    random = np.random.default_rng(0)
    ranking = Ranking(random.normal(size=DEFAULT.weights.shape), np.zeros(3))
    regime, known = np.array([NONE, FEW, MANY, FEW], np.int8), random.normal(size=(4, len(KNOWN)))
    evidence = random.normal(size=(4, len(EVIDENCE)))
    table = ranking.of(regime, known)["ranker"]
    expected = (design(evidence, known) * ranking.weights[regime]).sum(axis=1)
    assert (evidence * table).sum(axis=1) == pytest.approx(expected, abs=1e-4)


def test_few_rows_move_the_default_less_than_many() -> None:
    default = np.zeros(len(EVIDENCE) + len(TOGETHER))
    random = np.random.default_rng(0)
    rows = random.normal(size=(2_000, len(default)))
    correct = rows[:, 0] > 0
    few, many = (fit_weights(rows[:n], correct[:n], np.ones(n), default, ENOUGH_TAGS) for n in (5, 2_000))
    assert 0 < few[0] < many[0]
    assert fit_weights(rows[:0], correct[:0], np.ones(0), default, 0) == pytest.approx(default)
    assert fit_weights(rows, correct, np.zeros(2_000), default, ENOUGH_TAGS) == pytest.approx(default, abs=1e-3)


def test_a_handful_of_tags_teaches_nothing_of_tags_in_general() -> None:
    default = np.zeros(len(EVIDENCE) + len(TOGETHER))
    random = np.random.default_rng(0)
    rows = random.normal(size=(2_000, len(default)))
    correct = rows[:, OF_THE_TAG].sum(axis=1) + rows[:, 0] > 0
    few, enough = (fit_weights(rows, correct, np.ones(2_000), default, tags) for tags in (ENOUGH_TAGS - 1, ENOUGH_TAGS))
    assert not few[OF_THE_TAG].any() and few[0] > 0
    assert (enough[OF_THE_TAG] > 0).all()


def test_a_name_in_every_article_is_known_to_say_less() -> None:
    known = known_of([0, 0], [100, 1], [10, 1], [0, 0], 100)
    assert known[0, KNOWN.index("log_named")] > known[1, KNOWN.index("log_named")]
    assert known[0, KNOWN.index("log_foremost")] < known[1, KNOWN.index("log_foremost")]


def test_a_ranker_of_older_models_holds_for_every_tag() -> None:
    parts = trained().parts
    one = parts["tags"]["ranker"][0]
    older, same = (
        Annotator("ranked", {**parts, "tags": {**parts["tags"], "ranker": ranker}})
        for ranker in (one, np.repeat(one[None], len(parts["tags"]["ids"]), axis=0))
    )
    options = Options(threshold=0.0)
    assert older.annotate(articles(), options) == same.annotate(articles(), options)


def test_in_older_models_tags_of_many_examples_have_a_model() -> None:
    parts = with_trained_tags()
    older = {name: array for name, array in parts["tags"].items() if name != "trained"}
    by_name = {**older, "trained": np.zeros(len(older["ids"]), np.bool_)}
    options = Options(threshold=0.0)
    answers, same, other = (
        Annotator("ranked", {**parts, "tags": part}).annotate(articles(), options)
        for part in (parts["tags"], older, by_name)
    )
    assert answers == same != other


def tag_training(*labels: str) -> TagTraining:
    """Tags that are named by no phrase, used by the outlet «а»."""
    tags = [Tag(label, label, (), (), 0) for label in labels]
    return TagTraining(tags, Names([], [0], [], 0), {0: frozenset({"а"})}, Config())


def tagged(count: int) -> Tagged:
    """Every other article has the first tag and the first word."""
    columns = np.arange(count, dtype=np.int32) % 2
    none = np.zeros((0, 3), np.int32)
    return Tagged(
        Matrix(np.arange(count + 1), columns, np.ones(count, np.float32), 2),
        [(none, none)] * count,
        [frozenset({0}) if i % 2 == 0 else frozenset() for i in range(count)],
        ["а"] * count,
    )


def test_a_tag_has_a_model_from_two_examples_on_and_is_relied_on_from_twenty() -> None:
    for count, regime, has_model in ((0, NONE, False), (2, FEW, False), (4, FEW, True), (40, MANY, True)):
        part = tag_training("суд", "мосты").fit(tagged(count)).part
        assert (part["regime"].tolist(), part["trained"].tolist()) == ([regime, NONE], [has_model, False])


def test_without_examples_every_tag_goes_by_its_name() -> None:
    fitted = tag_training("суд", "мосты").fit(tagged(40))
    forgotten = fitted.without_examples()
    assert not forgotten.part["trained"].any() and not forgotten.part["regime"].any()
    assert not forgotten.known[:, FROM_EXAMPLES].any()
    assert fitted.known[0, FROM_EXAMPLES[0]] > 0


def test_without_unseen_articles_the_ranking_is_the_default() -> None:
    training = tag_training("суд", "мосты")
    fitted = training.fit(tagged(40))
    ranking, profiles = training.rank(fitted, tagged(0))
    assert ranking is DEFAULT
    assert (profiles["precision"]["tags"] >= DEFAULT.thresholds).all()
    assert (profiles["recall"]["tags"] <= DEFAULT.thresholds).all()
