"""Measures against what can be worked out by hand, and against scikit-learn where it has them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from service.inference.article import (
    Alternative,
    Annotation,
    Article,
    LabelledArticle,
    ModelReference,
    RegionAnswer,
    Role,
    RubricAnswer,
    TagAnswer,
)
from service.inference.decisions import Options
from service.records import Rejects
from tests import newsroom
from training import measures
from training.commands import summary
from training.comparison import compare
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.examples import load
from training.label_map import label_map
from training.protocols import outlet_over_time

RUBRIC_SHAPE = {"accuracy", "macro_f1", "calibration_error", "coverage_at_95", "per_label"}
TAG_SHAPE = {"micro_f1", "macro_f1", "p_at_1", "p_at_5", "ndcg_at_5"}
Answers = dict[str, Any]  # fields of an Annotation


class Scripted:
    """Answers what the test says."""

    def __init__(self, answers: dict[str, Answers]) -> None:
        self._answers = answers

    def annotate(self, articles: Sequence[Article], options: Options = Options()) -> list[Annotation]:  # noqa: B008
        empty: Answers = {"rubric": None, "alternatives": (), "tags": (), "regions": ()}
        return [
            Annotation(
                id=a.id, status="ok", reasons=(), model=ModelReference("v", "v"), **empty | self._answers[str(a.id)]
            )
            for a in articles
        ]


def rubric(label: str, score: float) -> Answers:
    return {"rubric": RubricAnswer(f"r{list(newsroom.RUBRICS).index(label)}", label, score, "review", 0.3)}


def tag(label: str, score: float) -> TagAnswer:
    number = newsroom.TAGS.index(label)
    return TagAnswer(f"t{number}", label, score, "review" if score >= 0.5 else "abstain", "model")


def region(name: str, role: Role = "about") -> RegionAnswer:
    place = next(place for place in newsroom.PLACES if place.label == name)
    return RegionAnswer(place.id, name, place.level, None, role, 0.9, "review", ())


def measured(*rows: tuple[LabelledArticle, Answers]) -> Evaluation:
    answers = {str(article.id): answer for article, answer in rows}
    return evaluate(Scripted(answers), [article for article, _ in rows], label_map=newsroom.MAP)


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    rows = newsroom.articles()
    return evaluate(newsroom.Annotator(rows), rows, label_map=newsroom.MAP)


def test_the_json_has_the_shape_of_the_contract(whole: Evaluation) -> None:
    written = json.loads(msgspec.json.encode(whole.as_json()))
    assert written["n"] == 1200
    assert written["rubric"].keys() >= RUBRIC_SHAPE
    assert written["tags"].keys() >= TAG_SHAPE
    assert all("f1" in written["regions"][level] for level in ("country", "subject", "city"))
    assert written["rubric"]["accuracy"] == round(whole.rubric.accuracy or 0, 5)


def test_articles_without_labels_give_the_same_shape_with_nothing_in_it() -> None:
    found = measured((LabelledArticle(id="1", title="Т"), rubric("Спорт", 0.9))).as_json()
    assert found["rubric"].keys() >= RUBRIC_SHAPE
    assert found["rubric"]["accuracy"] is None
    assert (found["rubric"]["left_out"], found["tags"]["left_out"], found["regions"]["left_out"]) == (1, 1, 1)


def test_the_annotator_never_sees_the_labels() -> None:
    rows = newsroom.articles(30)
    annotator = newsroom.Annotator(rows)
    evaluate(annotator, rows, label_map=newsroom.MAP)
    assert annotator.seen
    assert all(type(article) is Article and article.current is None for article in annotator.seen)


def test_an_abstaining_model_is_measured_by_its_first_alternative() -> None:
    doubtful = {"rubric": None, "alternatives": (Alternative("r4", "Спорт", 0.3), Alternative("r1", "Город", 0.2))}
    found = measured(
        (LabelledArticle(id="1", rubric="Спорт"), doubtful), (LabelledArticle(id="2", rubric="Спорт"), {})
    ).rubric
    assert (found.accuracy, found.abstained) == (0.5, 1.0)
    assert found.confusion.counts == ((1, 1),)
    assert found.decisions["abstain"].n == 2


def test_a_rubric_the_model_does_not_have_is_an_error_and_listed() -> None:
    found = measured(
        (LabelledArticle(id="1", rubric="Прочее"), rubric("Спорт", 0.9)),
        (LabelledArticle(id="2", rubric="спорт "), rubric("Спорт", 0.9)),
    ).rubric
    assert found.accuracy == 0.5
    assert found.unknown == {"Прочее": 1}
    assert found.per_label["Прочее"].recall == 0
    assert not found.worst


def test_the_weakest_label_comes_first(whole: Evaluation) -> None:
    scores = [one.f1 for one in whole.rubric.per_label.values()]
    assert scores == sorted(scores)


def test_macro_f1_leaves_out_rare_labels_and_says_so(whole: Evaluation) -> None:
    often = [one.f1 for one in whole.rubric.per_label.values() if one.support >= 30]
    assert whole.rubric.macro_f1 == pytest.approx(np.mean(often))
    assert whole.rubric.macro_f1_labels == len(often)
    assert "30" in whole.rubric.macro_f1_over


def test_worst_errors_are_the_surest_and_say_which_words_spoke_for_them(whole: Evaluation) -> None:
    scores = [error.score for error in whole.rubric.worst]
    assert scores == sorted(scores, reverse=True)
    assert all(
        error.true != error.predicted and len(error.excerpt) <= 300 and error.words for error in whole.rubric.worst
    )


def test_tags_below_the_threshold_are_ranked_but_not_shown() -> None:
    article = LabelledArticle(id="1", tags=("Суд", "музеи", "Неведомое"))
    found = measured((article, {"tags": (tag("Суд", 0.9), tag("Цены", 0.6), tag("Музеи", 0.4))})).tags
    assert (found.precision, found.recall) == pytest.approx((0.5, 1 / 3))
    assert (found.p_at_1, found.p_at_3, found.p_at_5) == pytest.approx((1.0, 2 / 3, 0.4))
    assert found.unknown == {"Неведомое": 1}
    assert found.micro_f1_known == pytest.approx(2 * 1 / (2 + 2))
    assert set(found.per_label) == {"Суд", "Музеи"}


def test_a_tag_that_names_a_place_is_a_region() -> None:
    found = measured((LabelledArticle(id="1", tags=("Казань",)), {"regions": (region("Казань"), region("Татарстан"))}))
    assert found.tags.left_out == 1
    assert (found.regions.city.f1, found.regions.subject.f1, found.regions.country.f1) == (1.0, 1.0, None)


def test_a_place_that_is_only_mentioned_is_not_an_answer() -> None:
    found = measured(
        (LabelledArticle(id="1", regions=("Казань",)), {"regions": (region("Казань"), region("Кириши", "mentioned"))}),
        (LabelledArticle(id="2"), {"regions": (region("Кириши", "happened"),)}),
    ).regions
    assert found.without_place == 1
    assert (found.city.precision, found.city.recall) == (0.5, 1.0)


def test_outlets_that_label_no_places_are_left_out_of_regions() -> None:
    found = measured(
        (LabelledArticle(id="1", source="а", regions=("Казань", "Лукоморье")), {"regions": (region("Казань"),)}),
        (LabelledArticle(id="2", source="б"), {"regions": (region("Кириши"),)}),
    ).regions
    assert (found.n, found.left_out, found.city.precision) == (1, 1, 1.0)
    assert found.unknown == {"Лукоморье": 1}


def test_coverage_is_the_largest_that_keeps_the_precision() -> None:
    right = np.array([True, False, True, True, True, False])
    curve = measures.coverage_curve(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), right)
    point = measures.widest(curve, 0.8)
    assert point is not None
    assert (point.coverage, point.threshold) == pytest.approx((5 / 6, 0.5))
    assert measures.widest(curve[1:2], 0.95) is None


def test_articles_of_one_score_are_answered_together() -> None:
    curve = measures.coverage_curve(np.array([0.9, 0.9]), np.array([True, False]))
    assert [(point.coverage, point.precision) for point in curve] == [(1.0, 0.5)]


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    scores = np.array([0.95, 0.95, 0.95, 0.95, 0.21, 0.21])
    right = np.array([True, True, True, False, False, False])
    assert measures.calibration_error(scores, right) == pytest.approx((4 * 0.2 + 2 * 0.21) / 6)


def test_a_calibrated_model_is_near_the_floor_and_a_proud_one_is_not() -> None:
    dice = np.random.default_rng(3)
    scores = dice.uniform(0.2, 1, 2000)
    floor = measures.calibration_floor(scores)
    calibrated = measures.calibration_error(scores, dice.random(2000) < scores)
    proud = measures.calibration_error(scores, dice.random(2000) < scores - 0.1)
    assert abs(calibrated - floor) < 0.012
    assert proud > 2 * floor


def test_ndcg_agrees_with_scikit_learn_where_everything_is_ranked() -> None:
    hits = [False, True, True, False, True, False]
    expected = ndcg_score([[float(hit) for hit in hits]], [[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]], k=5)
    assert measures.ndcg_at(hits, 3, 5) == pytest.approx(expected)


def test_the_bootstrap_gives_the_interval_that_theory_expects() -> None:
    truth = np.zeros(2000, dtype=np.int64)
    [(accuracy, _)] = measures.resampled_accuracy_and_f1(truth, [np.where(np.arange(2000) < 1400, 0, 1)], np.array([0]))
    low, high = measures.interval(accuracy)
    half = 1.96 * (0.7 * 0.3 / 2000) ** 0.5
    assert (low, high) == pytest.approx((0.7 - half, 0.7 + half), abs=0.003)


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    truth = ["а", "б"] * 1000
    weak = [label if i % 10 < 6 else "в" for i, label in enumerate(truth)]
    better = [label if i % 10 < 6 or i % 50 == 9 else "в" for i, label in enumerate(truth)]
    found = compare(
        truth, {"weak": weak, "better": better, "same": list(weak)}, peers=["weak"], scores={"weak": [0.6] * 2000}
    )
    reference, improved, same = found.systems
    assert improved.accuracy.difference == pytest.approx(0.02)
    assert improved.accuracy.verdict == improved.macro_f1.verdict == "better"
    assert improved.accuracy.interval[0] < reference.accuracy.interval[1]
    assert (same.accuracy.difference_interval, same.accuracy.verdict) == ((0.0, 0.0), "even")
    assert reference.calibration_error == pytest.approx(0.0)
    assert improved.calibration_error is None
    assert improved.calibration_floor is None
    assert reference.calibration_floor == measures.calibration_floor(np.full(2000, 0.6))


def test_labels_joined_to_a_tag_are_that_tag() -> None:
    aliases = {"ипотечный кредит": "t6", "футбол": "t0"}
    tags = [("t0", "Транспорт"), ("t4", "Футбол"), ("t6", "Ипотека")]
    map_ = label_map([], tags, places=[], place_id_of=lambda _: None, aliases=aliases)
    found = map_.truth(LabelledArticle(tags=("Ипотечный Кредит", "ипотека", "Футбол", "Иное")))
    assert [label.label for label in found.tags.values()] == ["Ипотека", "Футбол", "Иное"]
    assert [label.known for label in found.tags.values()] == [True, True, False]


def test_the_headline_figures_leave_out_what_nothing_can_be_said_of(whole: Evaluation) -> None:
    told = list(summary(whole))
    assert told[0] == "1200 articles"
    low, high = whole.regions.city.f1_interval or (0, 0)
    assert f"regions, city F1    {whole.regions.city.f1:.3f}  ({low:.3f} to {high:.3f})" in told
    alone = measured((LabelledArticle(id="1", regions=("Казань",)), {"regions": (region("Казань"),)}))
    assert [line.split(" F1")[0] for line in list(summary(alone))[1:]] == ["regions, subject", "regions, city"]


def test_each_measure_has_the_best_peer_of_its_own_to_beat() -> None:
    truth = ["а"] * 900 + ["б"] * 100
    often_right = ["а"] * 1000  # .9, and F1 of «б» is 0
    balanced = ["а"] * 700 + ["б"] * 300
    found = compare(truth, {"ours": truth, "often": often_right, "even": balanced}, peers=["often", "even"])
    assert (found.to_beat, found.to_beat_in_f1) == ("often", "even")
    assert found.system("ours").accuracy.difference == pytest.approx(0.1)
    assert found.system("even").macro_f1.difference == 0
    assert found.system("often").macro_f1.verdict == "worse"


def test_the_protocol_leaves_out_what_is_no_news(tmp_path: Path) -> None:
    rows = [
        {"id": str(i), "title": title, "text": f"{word} " * 60, "rubric": rubric, "published_at": "2023-01-01"}
        for i, (title, word, rubric) in enumerate(
            [
                ("Матч", "гол", "Спорт"),
                ("Итоги недели: матч", "мяч", "Спорт"),
                ("Врачи", "врач", "Доктор Питер"),
                ("Мысль", "мысль", "Особое мнение"),
            ]
        )
    ]
    with gzip.open(tmp_path / outlet_over_time.CORPUS, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    config = outlet_over_time.config_for(tmp_path)
    assert [row.article.title for row in load(config, Rejects()).rows] == ["Матч"]


def test_a_system_that_answers_fewer_articles_is_refused() -> None:
    with pytest.raises(ValueError, match="answers 1 articles, there are 2"):
        compare(["а", "б"], {"short": ["а"]}, peers=["short"])
