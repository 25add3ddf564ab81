"""A model between two trainings: what corrections move, what they add, and what they may never do."""

from collections.abc import Sequence
from functools import cache

import msgspec
import numpy as np
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from service.annotate import Door, OneModel, prediction_id
from service.inference import kernel, refit
from service.inference.annotator import Annotator
from service.inference.article import Annotation, Article, LabelledArticle
from service.inference.calibration import Calibration
from service.inference.decisions import Options
from tests.sample_model import annotator, labelled_articles, trained
from tests.sure_model import SOURCE, everything, sure_parts

SWAPPED = {"Спорт": "Культура", "Культура": "Спорт"}
NEW = "Стадион"


def made(labels: Sequence[str], rows: Sequence[LabelledArticle]) -> Calibration | None:
    model = annotator()
    return refit.calibration(model.version, model.rubric, model.rows_for_the_rubric(plain(rows)), labels, until=7)


def plain(rows: Sequence[LabelledArticle]) -> list[Article]:
    return [msgspec.convert(msgspec.to_builtins(row), Article, strict=False) for row in rows]


def sports() -> list[LabelledArticle]:
    return [one for one in labelled_articles() if one.rubric == "Спорт"]


@cache
def learnt_anew() -> Calibration:
    """Every article of sports has another rubric now, one that the model does not know."""
    rows = labelled_articles()
    found = made([NEW if one.rubric == "Спорт" else str(one.rubric) for one in rows], rows)
    assert found is not None
    return found


@cache
def untouched() -> Calibration:
    ids = annotator().rubric.ids
    matrix = tuple(map(tuple, np.eye(len(ids)).tolist()))
    return Calibration("sample", tuple(ids), matrix, (0.0,) * len(ids), (), 0, 0)


def first(answers: Sequence[Annotation]) -> list[str | None]:
    return [one.rubric.label if one.rubric else None for one in answers]


def test_a_calibration_that_changes_nothing_changes_no_score() -> None:
    articles = plain(labelled_articles()[:40])
    both = annotator().annotate(articles), annotator().under(untouched()).annotate(articles)
    for own, under in zip(*both, strict=True):
        assert (own.tags, own.regions, own.reasons) == (under.tags, under.regions, under.reasons)
        assert own.rubric
        assert under.rubric
        assert (own.rubric.id, own.rubric.decision) == (under.rubric.id, under.rubric.decision)
        assert under.rubric.score == pytest.approx(own.rubric.score, abs=1e-4)


def test_what_editors_call_otherwise_is_answered_otherwise() -> None:
    rows = labelled_articles()
    found = made([SWAPPED.get(str(one.rubric), str(one.rubric)) for one in rows], rows)
    assert found is not None
    before, after = (
        first(model.annotate(plain(sports()))).count("Культура") for model in (annotator(), annotator().under(found))
    )
    assert before < 0.1 * len(sports())
    assert after > 0.9 * len(sports())


def test_few_corrections_hardly_move_a_score() -> None:
    rows = labelled_articles()[: refit.FEWEST]
    found = made([SWAPPED.get(str(one.rubric), str(one.rubric)) for one in rows], rows)
    more = made([SWAPPED.get(str(one.rubric), str(one.rubric)) for one in labelled_articles()], labelled_articles())
    assert found is not None
    assert more is not None
    few, many = (np.abs(np.array(one.matrix) - np.eye(len(one.offset))).max() for one in (found, more))
    assert few < many


def test_too_few_corrections_make_no_calibration() -> None:
    rows = labelled_articles()[: refit.FEWEST - 1]
    assert made([str(one.rubric) for one in rows], rows) is None


def test_the_fit_is_the_most_likely_one() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(4), 500)
    labels = np.array([random.choice(4, p=share) for share in shares])
    matrix, offset = refit.matrix_of(shares, labels)

    def objective(matrix: refit.Doubles, offset: refit.Doubles) -> float:
        scaled = np.log(shares) @ matrix + offset
        likely = scaled[np.arange(500), labels] - np.log(np.exp(scaled).sum(axis=1))
        return float(refit.STRENGTH / 2 * (((matrix - np.eye(4)) ** 2).sum() + (offset**2).sum()) - likely.sum())

    best = objective(matrix, offset)
    assert best < objective(np.eye(4), np.zeros(4))
    for _ in range(50):
        step = random.normal(scale=0.01, size=(5, 4))
        assert best <= objective(matrix + step[:4], offset + step[4]) + 1e-6


def test_a_rubric_that_the_model_does_not_know_is_suggested_for_review_with_the_words_that_spoke_for_it() -> None:
    under = annotator().under(learnt_anew())
    answers = under.annotate(plain(sports()), Options(explain=True))
    given = [one for one in answers if one.rubric and one.rubric.label == NEW]
    assert len(given) > 0.7 * len(sports())
    for one in given:
        assert one.rubric
        assert (one.rubric.id, one.rubric.decision) == ("stadion", "review")
        assert one.explain
        assert one.explain.rubric
    assert under.labels.id_of("rubric", NEW) == "stadion"


def test_a_new_rubric_is_among_the_alternatives_of_other_articles() -> None:
    others = [one for one in labelled_articles() if one.rubric != "Спорт"][:50]
    answers = annotator().under(learnt_anew()).annotate(plain(others))
    assert first(answers).count(NEW) <= 2
    for one in answers:
        if isinstance(one.alternatives, tuple) and one.rubric:
            assert NEW in [other.label for other in one.alternatives] or one.rubric.label == NEW
            whole = one.rubric.score + sum(other.score for other in one.alternatives)
            assert whole == pytest.approx(1, abs=0.001)


def test_a_newsroom_with_rubrics_of_its_own_gets_them_all_and_the_model_keeps_its_shares() -> None:
    rows = labelled_articles()
    found = made([f"Наша {one.rubric}" for one in rows], rows)
    assert found is not None
    assert len(found.new) == len({one.rubric for one in rows})
    assert np.array_equal(np.array(found.matrix), np.eye(len(found.offset)))
    answers = first(annotator().under(found).annotate(plain(rows)))
    right = sum(answer == f"Наша {one.rubric}" for answer, one in zip(answers, rows, strict=True))
    assert right > 0.4 * len(rows)


def test_where_all_articles_are_of_one_new_rubric_there_is_nothing_to_tell_it_from() -> None:
    rows = labelled_articles()[: refit.FEWEST]
    assert made([NEW] * len(rows), rows) is None


def test_two_examples_are_no_rubric_yet() -> None:
    rows = labelled_articles()
    found = made([NEW if i < 2 else str(one.rubric) for i, one in enumerate(rows)], rows)
    assert found is not None
    assert found.new == ()


def test_of_a_flood_of_new_rubrics_the_most_frequent_are_taken() -> None:
    rows = labelled_articles()
    labels = [f"={number % 65}<b>" for number in range(len(rows))]
    found = made(labels, rows)
    assert found is not None
    assert len(found.new) == refit.MOST_NEW
    assert min(one.examples for one in found.new) == 3
    assert {"=0<b>", "=4<b>"} <= {one.label for one in found.new}  # of four articles


def test_loops_and_numpy_agree_under_a_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    articles = plain(labelled_articles()[:60])
    for calibration in (learnt_anew(), untouched()):
        under = annotator().under(calibration)
        by_loops = under.annotate(articles, Options(explain=True))
        with monkeypatch.context() as patch:
            patch.setattr(kernel, "library", None)
            assert under.annotate(articles, Options(explain=True)) == by_loops
        assert [under.annotate([one], Options(explain=True))[0] for one in articles] == by_loops


def test_a_calibration_takes_auto_away_and_never_adds_it() -> None:
    articles = [replace(one, source=SOURCE) for one in plain(labelled_articles()[:60])]
    sure, unsure = Annotator("sample", sure_parts()), annotator()
    assert all(one.rubric and one.rubric.decision == "auto" for one in sure.annotate(articles))
    for calibration in (learnt_anew(), untouched()):
        for model in (sure, unsure, Annotator("sample", sure_parts(everything("review_only")))):
            for own, moved in zip(model.annotate(articles), model.under(calibration).annotate(articles), strict=True):
                assert autos(moved) <= autos(own)
    other = replace(untouched(), offset=tuple(100.0 * (id_ == "kultura") for id_ in untouched().rubrics))
    assert all(one.rubric and one.rubric.decision == "review" for one in sure.under(other).annotate(articles))


def autos(one: Annotation) -> set[tuple[str, str]]:
    found = {("rubric", one.rubric.id)} if one.rubric and one.rubric.decision == "auto" else set()
    found |= {("tags", label.id) for label in one.tags or () if label.decision == "auto"}
    return found | {("regions", label.id) for label in one.regions or () if label.decision == "auto"}


def test_an_answer_names_its_calibration_and_is_another_prediction() -> None:
    [article] = plain(labelled_articles()[:1])
    models = [annotator(), annotator().under(untouched()), annotator().under(learnt_anew())]
    references = [model.annotate([article])[0].model for model in models]
    assert [one.calibration for one in references] == [UNSET, untouched().version, learnt_anew().version]
    assert len({prediction_id(article, one) for one in references}) == 3
    again = annotator().under(replace(learnt_anew(), until=99)).annotate([article])[0].model
    assert prediction_id(article, again) == prediction_id(article, references[2])


class Calibrations:
    """Of the sample's model, and a wrong one of another."""

    def of(self, version: str, /) -> Calibration | None:
        return {"sample": learnt_anew(), "wrong": replace(untouched(), rubrics=("sport",))}.get(version)


@pytest.mark.parametrize(("version", "calibrated"), [("sample", True), ("another", False), ("wrong", False)])
def test_another_model_answers_by_its_own_scores(version: str, calibrated: bool) -> None:
    door = Door(OneModel(Annotator(version, trained().parts)), calibrations=Calibrations())
    model = door.take()
    assert (model.reference.calibration is not UNSET) == calibrated
    assert (model.labels.id_of("rubric", NEW) is not None) == calibrated
    assert door.take() is model  # made once
    assert door.bare().reference.calibration is UNSET


def test_a_calibration_of_other_rubrics_is_refused() -> None:
    with pytest.raises(ValueError, match="other rubrics"):
        annotator().under(replace(untouched(), rubrics=("sport",)))


def test_a_calibration_whose_numbers_are_too_few_is_refused() -> None:
    for damaged in ({"offset": (0.0,)}, {"matrix": ((0.0,),)}, {"matrix": untouched().matrix[:-1]}):
        with pytest.raises(ValueError, match="as many rubrics"):
            annotator().under(replace(untouched(), **damaged))


def test_the_model_below_stays_as_it_was() -> None:
    articles = plain(labelled_articles()[:10])
    model = Annotator("sample", trained().parts)
    before = model.annotate(articles)
    model.under(learnt_anew()).annotate(articles)
    assert model.annotate(articles) == before
    assert model.labels.id_of("rubric", NEW) is None
