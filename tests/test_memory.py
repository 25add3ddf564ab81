"""What editors decided, and an answer that heeds it."""

from typing import Any

from msgspec import UNSET

from service.inference.article import (
    Alternative,
    Annotation,
    Article,
    Current,
    CurrentLabel,
    Explanation,
    ModelReference,
    RegionAnswer,
    RubricAnswer,
    TagAnswer,
)
from service.inference.decisions import Options
from service.inference.labels import Labels
from service.inference.places import Place
from service.memory import NOTHING, Chosen, Memory, after, degraded, remembered

LABELS = Labels(
    [("sport", "Спорт"), ("economy", "Экономика")],
    [(f"t{i}", f"Тег {i}") for i in range(8)],
    [Place("RU", "Россия", "country"), Place("RU-35", "Вологодская область", "subject", 0)],
)
ARTICLE = Article("1", title="Мост")


def chosen(*ids: str) -> tuple[Chosen, ...]:
    return tuple(Chosen(id_, f"Тег {id_[1:]}") for id_ in ids)


def decided(memory: Memory, number: int, tags: tuple[str, ...], rejected: tuple[str, ...] = ()) -> Memory:
    return after(memory, number, {"tags": chosen(*tags)}, {"tags": chosen(*rejected)})


def answered(tags: int = 7, decision: Any = "auto", heads: str = "all") -> Annotation:
    parts: dict[str, Any] = {
        "rubric": RubricAnswer("sport", "Спорт", 0.8, decision, 0.5),
        "alternatives": (Alternative("economy", "Экономика", 0.2),),
        "regions": (RegionAnswer("RU", "Россия", "country", None, "about", 0.7, decision, ()),),
        "tags": tuple(TagAnswer(f"t{i}", f"Тег {i}", 0.9 - i / 10, decision, "model") for i in range(tags)),
        "explain": Explanation((), {f"t{i}": () for i in range(tags)}),
    }
    return Annotation("1", "ok", (), ModelReference("v", "v"), **parts)


def heeded(memory: Memory, options: Options = Options(), article: Article = ARTICLE) -> Annotation:  # noqa: B008
    return remembered(answered(), memory, article, options, LABELS)


def ids(items: Any) -> list[str]:
    return [one.id for one in items]


def test_a_rejected_tag_is_suppressed_and_the_next_takes_its_place() -> None:
    answer = heeded(decided(NOTHING, 7, (), ("t1",)))
    assert ids(answer.tags) == ["t0", "t2", "t3", "t4", "t5"]
    assert [(one.id, one.kind, one.why) for one in answer.suppressed] == [("t1", "tag", "rejected in correction 7")]
    assert answer.explain is not UNSET and list(answer.explain.tags) == ids(answer.tags)


def test_a_rejected_tag_stays_rejected_over_later_decisions() -> None:
    memory = decided(decided(decided(NOTHING, 1, (), ("t1",)), 2, ("t0",)), 3, ("t0", "t2"), ("t3",))
    assert ids(heeded(memory).suppressed) == ["t1", "t3"]


def test_adding_a_tag_again_lifts_its_rejection() -> None:
    memory = decided(decided(NOTHING, 1, (), ("t1",)), 2, ("t1",))
    answer = heeded(memory)
    assert not answer.suppressed
    assert answer.tags and (answer.tags[0].id, answer.tags[0].origin) == ("t1", "history")


def test_what_an_editor_set_and_later_took_away_is_rejected() -> None:
    memory = decided(decided(NOTHING, 1, ("t6",)), 2, ())
    assert ids(heeded(memory).suppressed) == ["t6"]


def test_what_an_editor_set_stays_set_whatever_the_model_says() -> None:
    memory = after(
        NOTHING,
        1,
        {"rubric": (Chosen("economy", "Экономика"),), "regions": (Chosen("RU-35", "Вологодская область"),)},
        {"rubric": (Chosen("sport", "Спорт"),)},
    )
    answer = heeded(decided(memory, 2, ("t7", "new")))
    assert answer.rubric and (answer.rubric.id, answer.rubric.origin) == ("economy", "history")
    assert answer.rubric.decision == "review"
    assert answer.alternatives == ()
    region = answer.regions[0]  # type: ignore[index]
    assert (region.id, region.level, region.parent, region.origin) == ("RU-35", "subject", "RU", "history")
    assert ids(answer.tags)[:2] == ["t7", "new"]
    assert all(tag.decision == "review" and tag.origin == "history" for tag in answer.tags[:2])  # type: ignore[index]


def test_a_head_that_was_not_looked_at_is_left_as_the_model_has_it() -> None:
    answer = heeded(decided(NOTHING, 1, ("t0",)))
    assert answer.rubric == answered().rubric
    assert answer.regions == answered().regions


def test_a_rubric_taken_away_leaves_none() -> None:
    memory = after(NOTHING, 1, {"rubric": ()}, {"rubric": (Chosen("sport", "Спорт"),)})
    answer = heeded(memory)
    assert answer.rubric is None
    assert ids(answer.alternatives) == ["economy"]
    assert [(one.id, one.kind) for one in answer.suppressed] == [("sport", "rubric")]


def test_a_label_that_was_renamed_or_has_been_learnt_since_is_the_same() -> None:
    memory = after(NOTHING, 1, {"tags": (Chosen("ТЕГ 6", "ТЕГ 6"),)}, {"tags": (Chosen("t1", "Прежнее имя"),)})
    answer = heeded(memory)
    assert answer.tags and (answer.tags[0].id, answer.tags[0].label) == ("t6", "Тег 6")
    assert "t1" not in ids(answer.tags)


def test_what_the_article_carries_by_an_editors_hand_counts() -> None:
    tags = (CurrentLabel("t5"), CurrentLabel(label="тег 6", by="ivanova"), CurrentLabel("t4", by="auto"))
    current = Current(CurrentLabel(label="Экономика"), tags=(*tags, CurrentLabel("t3", by="import")))
    answer = heeded(NOTHING, article=Article("1", title="Мост", current=current))
    assert answer.rubric and answer.rubric.id == "economy"
    assert [(tag.id, tag.origin) for tag in answer.tags or ()][:3] == [
        ("t5", "history"),
        ("t6", "history"),
        ("t0", "model"),
    ]


def test_a_limit_holds_and_only_heads_that_were_asked_for_are_answered() -> None:
    memory = decided(after(NOTHING, 1, {"rubric": ()}, {"rubric": (Chosen("sport", "Спорт"),)}), 2, ("t5",), ("t0",))
    answer = heeded(memory, Options(limit=2, heads=frozenset({"tags"})))
    assert ids(answer.tags) == ["t5", "t1"]
    assert [one.kind for one in answer.suppressed] == ["tag"]


def test_an_answer_without_the_store_says_so_and_nothing_of_it_is_auto() -> None:
    answer = degraded(answered())
    assert answer.reasons == ("degraded",)
    assert answer.rubric and answer.rubric.decision == "review"
    assert {one.decision for one in (*answer.tags, *answer.regions)} == {"review"}  # type: ignore[misc]
    assert degraded(Annotation("1", "ok", (), ModelReference("v", "v"), tags=())).tags == ()
