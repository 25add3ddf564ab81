"""Articles in, annotations out, by a model trained on the sample corpus."""

import math
import threading
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.article import Annotation, Article, Attribution, Evidence, RubricAnswer
from service.inference.decisions import Options
from service.inference.explain import addends_by_words
from service.inference.features import tokenise
from service.inference.tags import EVIDENCE
from service.inference.text import read
from service.records import Rejects
from tests.sample_model import SAMPLE, annotator, articles, labelled_articles, trained
from training.config import load
from training.progress import Progress
from training.run import train

EXPLAINED = Options(explain=True)


def rubric_of(annotation: Annotation) -> str | None:
    if isinstance(annotation.rubric, RubricAnswer):
        return annotation.rubric.label
    return None


def test_one_article_is_answered_as_in_a_batch() -> None:
    batch = annotator().annotate(articles(), EXPLAINED)
    for article, answer in zip(articles()[:40], batch[:40], strict=True):
        assert msgspec.json.encode(annotator().annotate([article], EXPLAINED)[0]) == msgspec.json.encode(answer)


def test_most_of_what_it_learnt_comes_back() -> None:
    answers = annotator().annotate(articles())
    right = [rubric_of(answer) == article.rubric for answer, article in zip(answers, labelled_articles(), strict=True)]
    assert np.mean(right) > 0.9


def test_scores_are_probabilities_and_alternatives_the_rest_of_them() -> None:
    for answer in annotator().annotate(articles()):
        assert answer.alternatives is not UNSET
        scores = [one.score for one in answer.alternatives]
        if isinstance(answer.rubric, RubricAnswer):
            scores.insert(0, answer.rubric.score)
        assert sum(scores) == pytest.approx(1, abs=0.002)
        assert scores == sorted(scores, reverse=True)


def test_every_span_is_the_text_that_was_sent() -> None:
    sent = [replace(article, title="Моско\u0301вский 🙂 " + (article.title or "")) for article in articles()]
    for article, answer in zip(sent, annotator().annotate(sent, EXPLAINED), strict=True):
        assert answer.explain is not UNSET and answer.regions is not UNSET
        spans: list[Attribution | Evidence] = [*answer.explain.rubric]
        spans += [word for words in answer.explain.tags.values() for word in words]
        spans += [evidence for region in answer.regions for evidence in region.evidence]
        for span in spans:
            assert getattr(article, span.field)[span.start : span.end] == span.text


def test_spans_for_javascript_count_what_it_counts() -> None:
    [article] = [Article(title="🙂🙂 Пожар в Перми потушен", text="🙂 В Перми потушили пожар на складе. 18+")]
    [plain] = annotator().annotate([article])
    [moved] = annotator().annotate([article], Options(spans="utf16"))
    assert plain.regions is not UNSET and moved.regions is not UNSET
    for field, shift in (("title", 2), ("text", 1)):
        ours = [e.start for region in plain.regions for e in region.evidence if e.field == field]
        theirs = [e.start for region in moved.regions for e in region.evidence if e.field == field]
        assert [start + shift for start in ours] == theirs != []
    assert moved.notices[0].start == plain.notices[0].start + 1


def test_attributions_of_a_rubric_sum_to_its_margin() -> None:
    model = annotator()
    for article in articles()[:30]:
        text = read(article)
        tokens = tokenise([text], model.lemmas)
        matrix = model.features.matrix(tokens)
        columns, values = matrix.row(0)
        margins = model.rubric.margins(matrix)[0]
        for label in range(len(model.rubric.ids)):
            spans = addends_by_words(model.features, tokens[0], columns, values * model.rubric.rows(columns)[:, label])
            assert sum(spans.values()) + model.rubric.bias[label] == pytest.approx(margins[label], abs=1e-4)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("🙂🙂🙂", "empty"),
        ("—", "empty"),
        ("Пожар потушен", "too_short"),
        ("The government announced a new budget for the next year on Monday.", "not_russian"),
        ("Уряд оголосив новий бюджет на наступний рік, повідомляє пресслужба міністерства.", "not_russian"),
        ("а" * 1_000_000, "too_short"),
    ],
)
def test_what_can_not_be_read_is_abstained_from_with_the_reason(text: str, reason: str) -> None:
    [answer] = annotator().annotate([Article(text=text)])
    assert (answer.status, answer.rubric, answer.tags, answer.regions) == ("abstained", None, (), ())
    assert reason in answer.reasons


def test_a_headline_alone_is_enough() -> None:
    [answer] = annotator().annotate([Article(title="В Перми загорелся склад, пожар тушат спасатели МЧС")])
    assert answer.status == "ok"
    assert answer.regions is not UNSET and "Пермь" in [region.label for region in answer.regions]


def test_nothing_is_published_unseen_for_a_strange_outlet() -> None:
    for answer in annotator().annotate([replace(article, source="another") for article in articles()]):
        assert "not_calibrated_for_source" in answer.reasons
        assert isinstance(answer.tags, tuple) and isinstance(answer.regions, tuple)
        assert "auto" not in {tag.decision for tag in answer.tags} | {region.decision for region in answer.regions}


@pytest.mark.parametrize("mark", [" (признан в РФ иноагентом)", " 18+", " На правах рекламы", " erid: 2VtzqwAbC1d"])
def test_legal_marks_change_no_label(mark: str) -> None:
    for article in articles()[:40]:
        if article.text:
            marked = replace(article, text=article.text + mark)
            [plain, other] = annotator().annotate([article, marked])
            assert rubric_of(plain) == rubric_of(other)
            assert plain.tags == other.tags
            assert len(other.notices) > len(plain.notices)


def test_limit_and_threshold_filter_and_change_no_decision() -> None:
    [everything] = annotator().annotate(articles()[:1], Options(threshold=0.0))
    [some] = annotator().annotate(articles()[:1], Options(threshold=0.3, limit=1))
    for part in ("alternatives", "regions", "tags"):
        kept = [one for one in getattr(everything, part) if one.score >= 0.3][:1]
        assert list(getattr(some, part)) == kept


def test_five_tags_are_shown_unless_the_caller_says_how_many() -> None:
    article = Article(title="О разном", text=" ".join(annotator().tags.labels))
    all_ = Options(threshold=0.0, most_tags=None)
    [shown], [ten], [everything] = (
        annotator().annotate([article], options)
        for options in (Options(threshold=0.0), Options(threshold=0.0, limit=10), all_)
    )
    assert isinstance(everything.tags, tuple) and len(everything.tags) > 10
    assert shown.tags == everything.tags[:5]
    assert ten.tags == everything.tags[:10]


def test_heads_that_were_not_asked_for_are_not_there() -> None:
    [classified] = annotator().annotate(articles()[:1], Options(heads=frozenset({"rubric"})))
    [tagged] = annotator().annotate(articles()[:1], Options(heads=frozenset({"regions", "tags"})))
    assert classified.regions is classified.tags is UNSET
    assert tagged.rubric is tagged.alternatives is UNSET
    assert tagged.status == "ok"


def test_a_city_yields_its_subject_and_an_id_of_the_gazetteer() -> None:
    [answer] = annotator().annotate([Article(title="В Твери открыли новый мост через Волгу")])
    assert answer.regions is not UNSET
    places = {region.label: region for region in answer.regions}
    assert places["Тверь"].level == "city" and places["Тверь"].id.startswith("c")
    assert places["Тверь"].parent == places["Тверская область"].id == "RU-69"
    assert places["Тверь"].evidence[0].text == "Твери"


@pytest.mark.slow
def test_threads_may_share_a_model() -> None:
    expected = msgspec.json.encode(annotator().annotate(articles()))
    wrong: list[bytes] = []

    def work() -> None:
        for _ in range(3):
            answer = msgspec.json.encode(annotator().annotate(articles()))
            if answer != expected:
                wrong.append(answer)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def calibrated(articles_of_sample: int) -> Annotator:
    """The sample model as if it had been calibrated on so many articles of the outlet."""
    return Annotator("calibrated", calibrated_parts(articles_of_sample))


def calibrated_parts(articles_of_sample: int) -> dict[str, Any]:
    parts = dict(trained().parts)
    parts["decisions"] = {
        **parts["decisions"],
        "sources": {"sample": articles_of_sample},
        "rubric_auto": 0.5,
        "tags_auto": 0.5,
        "regions_auto": 0.5,
    }
    return parts


def decisions_of(answer: Annotation) -> set[str]:
    plain = msgspec.to_builtins(answer)
    labels = [*plain["tags"], *plain["regions"], *([plain["rubric"]] if plain["rubric"] else [])]
    return {label["decision"] for label in labels}


@pytest.mark.parametrize(
    ("known", "source", "auto"),
    [
        (200, "sample", True),
        (200, " Sample ", True),
        (199, "sample", False),
        (200, "another", False),
        (200, None, False),
    ],
)
def test_only_a_known_outlet_gets_auto(known: int, source: str | None, auto: bool) -> None:
    model = calibrated(known)
    answers = model.annotate([replace(article, source=source) for article in articles()])
    assert any("auto" in decisions_of(answer) for answer in answers) == auto
    assert all(("not_calibrated_for_source" in answer.reasons) != auto for answer in answers)


@pytest.mark.parametrize(
    ("known", "heads", "auto", "told"),
    [
        ({"rubric"}, {"rubric"}, {"rubric"}, False),
        ({"rubric"}, {"rubric", "regions", "tags"}, {"rubric"}, True),
        ({"tags"}, {"regions", "tags"}, {"tags"}, True),
        ({"tags", "regions"}, {"regions", "tags"}, {"regions", "tags"}, False),
        ({"tags"}, {"rubric"}, set(), True),
    ],
)
def test_a_head_is_auto_for_outlets_whose_labels_of_its_own_it_was_calibrated_on(
    known: set[str], heads: set[str], auto: set[str], told: bool
) -> None:
    """An outlet that gives tags and no rubrics says nothing of how sure its rubrics are."""
    parts = calibrated_parts(200)
    sources = {head: {"sample": 200 if head in known else 199} for head in ("rubric", "regions", "tags")}
    parts["decisions"] = {**parts["decisions"], "sources": sources}
    sent = [replace(article, source="sample") for article in articles()]
    answers = Annotator("by head", parts).annotate(sent, Options(heads=frozenset(heads)))
    found = set()
    for plain in msgspec.to_builtins(answers):
        rubric = [plain["rubric"]] if plain.get("rubric") else []
        of_heads = {"rubric": rubric, "tags": plain.get("tags", ()), "regions": plain.get("regions", ())}
        found |= {head for head, labels in of_heads.items() if any(one["decision"] == "auto" for one in labels)}
    assert found == auto
    assert all(("not_calibrated_for_source" in answer.reasons) == told for answer in answers)


def test_outlets_of_a_model_are_told_with_the_most_of_any_head() -> None:
    parts = calibrated_parts(0)
    sources = {"rubric": {"a": 5}, "regions": {}, "tags": {"a": 3, "b": 9}}
    parts["decisions"] = {**parts["decisions"], "sources": sources}
    assert Annotator("by head", parts).decisions.calibrated == {"b": 9, "a": 5}


def test_a_rubric_may_be_kept_from_publication_while_others_go_out() -> None:
    parts = dict(calibrated_parts(200))
    allowed = [0.4 if label == "Спорт" else 2.0 for label in parts["rubric"]["labels"]]
    parts["decisions"] = {**parts["decisions"], "rubric_auto_by_label": allowed}
    model = Annotator("by label", parts)
    answers = model.annotate([replace(article, source="sample") for article in articles()])
    rubrics = [answer.rubric for answer in answers if answer.rubric]
    unseen = {(rubric.label, rubric.threshold) for rubric in rubrics if rubric.decision == "auto"}
    assert unseen == {("Спорт", 0.4)}
    assert model.decisions.rubric_auto_by_label()["sport"] == 0.4


@pytest.mark.parametrize("text", ["\nНа правах рекламы", "\nРеклама. ООО «Ромашка», erid: 2VtzqwAbC1d"])
def test_an_advertisement_is_never_published_unseen(text: str) -> None:
    model = calibrated(500)
    sent = [replace(article, text=article.text + text) for article in articles() if article.text]
    for answer in model.annotate(sent):
        assert "advertisement" in answer.reasons
        assert "auto" not in decisions_of(answer)


def test_a_threshold_hides_a_rubric_without_making_it_doubtful() -> None:
    sure = next(
        article
        for article, answer in zip(articles(), annotator().annotate(articles()), strict=True)
        if isinstance(answer.rubric, RubricAnswer) and answer.rubric.score < 0.99
    )
    [answer] = annotator().annotate([sure], Options(threshold=0.995))
    assert answer.rubric is None
    assert answer.status == "ok"
    assert "low_confidence" not in answer.reasons


@pytest.mark.slow
def test_an_archive_with_tags_only_gives_a_model_without_rubrics() -> None:
    rows = [msgspec.json.decode(line, type=dict[str, Any]) for line in SAMPLE.read_bytes().splitlines()]
    config = load(None, [SAMPLE])
    corpus = replace(config.corpus[0], use=("tags", "regions"))
    model = Annotator("tags", train(replace(config, corpus=(corpus,)), Rejects(), Progress(quiet=True)).parts)
    [answer] = model.annotate([Article(title=rows[0]["title"], text=rows[0]["text"])], Options(explain=True))
    assert (answer.status, answer.rubric, answer.alternatives) == ("ok", None, ())
    assert answer.tags


def test_names_bear_all_that_a_score_by_name_has_above_the_prior() -> None:
    part = trained().parts["tags"]
    by_name = {**part, "trained": np.zeros(len(part["ids"]), np.bool_)}  # a margin would be the words' of a model
    priors = dict(zip(part["ids"], part["ranker"][:, EVIDENCE.index("always")].tolist(), strict=True))
    explained = 0
    for answer in Annotator("by name", {**trained().parts, "tags": by_name}).annotate(articles(), EXPLAINED):
        assert isinstance(answer.tags, tuple)
        assert not isinstance(answer.explain, UnsetType)
        for tag in answer.tags:
            words = answer.explain.tags[tag.id]
            assert words
            if tag.origin == "lexical":
                log_odds = math.log(tag.score / (1 - tag.score))
                assert sum(word.weight for word in words) == pytest.approx(log_odds - priors[tag.id], abs=0.002)
                explained += 1
    assert explained > 100
