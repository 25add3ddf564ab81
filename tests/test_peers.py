"""Every peer learns something from the sample corpus, and the same each time."""

from collections import Counter

import numpy as np
import pytest

from tests.sample_model import labelled_articles
from training.protocols import peers
from training.protocols.peers import peer, tag_peer
from training.protocols.peers.peer import Answers, Learnable, Options, Peer
from training.protocols.peers.tag_peer import Tagged, TagPeer
from training.protocols.side_by_side import raw_text

ARTICLES = [article for article in labelled_articles() if article.rubric]
RUBRICS = Learnable([raw_text(one) for one in ARTICLES], [one.rubric or "" for one in ARTICLES])
OFTEN = {tag for tag, n in Counter(tag for one in ARTICLES for tag in one.tags).items() if n >= 4}
TAGS = Tagged(RUBRICS.texts, [frozenset(OFTEN.intersection(one.tags)) for one in ARTICLES])
MANY_TIMES: Options = {
    "lr": 0.5,
    "epoch": 100,
    "wordNgrams": 2,
    "passes": 20,
}  # there are but 120 articles


@pytest.mark.slow
@pytest.mark.parametrize("one", peers.RUBRIC_PEERS, ids=lambda one: one.name)
def test_a_peer_learns_rubrics_and_says_how_sure_it_is(one: Peer) -> None:
    found = one.learn(RUBRICS, MANY_TIMES)(RUBRICS.texts)
    assert np.mean(np.array(found.labels) == np.array(RUBRICS.labels)) > 0.9
    if one.gives_probabilities:
        assert ((found.scores >= 0) & (found.scores <= 1)).all()


@pytest.mark.slow
@pytest.mark.parametrize("one", [one for one in peers.RUBRIC_PEERS if one.is_repeatable], ids=lambda one: one.name)
def test_a_peer_answers_the_same_every_time(one: Peer) -> None:
    first, again = (one.learn(RUBRICS, one.grid[0])(RUBRICS.texts) for _ in range(2))
    assert first.labels == again.labels
    assert first.scores.tolist() == again.scores.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("one", peers.TAG_PEERS, ids=lambda one: one.name)
def test_a_peer_learns_tags_under_one_threshold(one: TagPeer) -> None:
    rankings = one.learn(TAGS, MANY_TIMES)(TAGS.texts)
    assert all(ranking == sorted(ranking, key=lambda tag: -tag[1]) for ranking in rankings)
    assert tag_peer.best_threshold(rankings, TAGS.tags)[1] > 0.3


def test_tags_are_shown_from_the_threshold_of_validation_on() -> None:
    def learn(_: Tagged, __: Options) -> tag_peer.TagModel:
        return lambda texts: [[("а", float(text)), ("б", 0.1)] for text in texts]

    some = TagPeer("some", learn)
    validation = Tagged(["0.9", "0.5", "0.3"], [frozenset("а"), frozenset("а"), frozenset()])
    found = tag_peer.answer(some, Tagged([], []), validation, ["0.6", "0.4"])
    assert found.shown() == [["а"], []]


def test_options_are_those_most_often_right_on_validation() -> None:
    def learn(_: Learnable, options: Options) -> peer.Model:
        right = int(options["right"])
        return lambda texts: Answers(["а"] * right + ["б"] * (len(texts) - right), np.ones(len(texts)))

    some = Peer("some", learn, ({"right": 1}, {"right": 3}, {"right": 2}))
    assert peer.choose(some, Learnable([], []), Learnable(["т"] * 4, ["а"] * 4)) == {"right": 3}


def test_margins_become_probabilities_by_a_curve_of_validation() -> None:
    """A margin of 1 is right three times in four on validation, one of -1 once in four: so it is on the test."""

    def learn(_: Learnable, __: Options) -> peer.Model:
        return lambda texts: Answers(["а"] * len(texts), np.array([float(text) for text in texts]))

    some = Peer("some", learn, gives_probabilities=False)
    validation = Learnable(["1"] * 400 + ["-1"] * 400, (["а"] * 3 + ["б"]) * 100 + (["а"] + ["б"] * 3) * 100)
    found = peer.answer(some, {}, Learnable([], []), validation, ["1", "-1"])
    assert found.scores.tolist() == pytest.approx([0.75, 0.25], abs=0.01)


def test_one_threshold_is_the_best_of_validation_and_parts_no_equal_scores() -> None:
    rankings = [[("а", 0.9), ("б", 0.4)], [("а", 0.4), ("б", 0.1)]]
    threshold, f1 = tag_peer.best_threshold(rankings, [frozenset("а"), frozenset("а")])
    assert threshold == 0.4
    assert f1 == pytest.approx(0.8)
    assert tag_peer.best_threshold([[]], [frozenset("а")]) == (0.0, 0.0)
