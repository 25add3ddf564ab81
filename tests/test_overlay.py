"""A model under the vocabulary: names in texts, and what `vocabulary export` writes."""

import pytest

from service.annotate import Door, OneModel
from service.declension import declined_all
from service.inference.article import Article
from service.inference.words import folded
from service.overlay import Heard, Names
from service.terms import Terms, with_names
from service.vocabulary import Entry, Vocabulary, VocabularyError, added, merged
from tests.sample_model import annotator


def names(*labels: str) -> Names:
    return Names([(label, Entry(label, label, names=declined_all([label]))) for label in labels])


def test_a_name_is_heard_in_title_lead_and_body() -> None:
    found = names("Новый мост").heard(
        (folded("О новых мостах"), folded("Мост. Новому мосту рады. " + "и " * 60 + "новый мост"))
    )
    assert found == {"Новый мост": Heard(True, True, 3, 2)}


def test_words_in_another_order_or_parted_are_no_name() -> None:
    assert not names("Новый мост").heard((folded("Мост новый"), folded("Новый большой мост; новый")))


def test_a_real_model_answers_an_added_tag_as_worth_a_look_and_nothing_else_changes() -> None:
    model = annotator()
    entry = with_names(Vocabulary(), added(Vocabulary(), model.labels, "Фуникулёр", [], None), model.labels)
    terms = Terms()
    terms.now = Vocabulary([entry])
    door, bare = Door(OneModel(model), terms=terms), Door(OneModel(model))
    article = Article(
        id="a", title="В Казани построят фуникулёры", text="О строительстве фуникулёра рассказали в мэрии. " * 3
    )
    [answer], [before] = door.annotate([article]), bare.annotate([article])
    [tag] = [tag for tag in answer.tags or () if tag.id == "funikuler"]
    assert (tag.label, tag.origin, tag.decision) == ("Фуникулёр", "lexical", "review")
    assert 0 < tag.score < 1
    assert [one for one in answer.tags or () if one is not tag] == list(before.tags or ())
    assert (answer.rubric, answer.regions) == (before.rubric, before.regions)
    assert answer.model.vocabulary != before.model.vocabulary
    [nothing] = door.annotate([Article(id="a", title="Фуникулёр")])
    assert not nothing.tags  # a text that is too short is not answered


def test_a_place_is_never_a_tag() -> None:
    with pytest.raises(VocabularyError, match="«Казань» is a region") as refused:
        added(Vocabulary(), annotator().labels, "Казань", [], None)
    assert refused.value.kind == "is-a-place"


def test_the_export_has_merged_names_as_synonyms_of_their_target() -> None:
    labels = annotator().labels
    one = added(Vocabulary(), labels, "Фуникулёр", ["Канатка"], None)
    other = added(Vocabulary([one]), labels, "Канатная дорога", [], None)
    both = Vocabulary([one, other])
    after = Vocabulary([one, merged(both, labels, other.id, one.id)])
    assert after.names() == {one.id: ("Фуникулёр", "Канатка", "Канатная дорога")}
