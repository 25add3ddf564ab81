"""The stream: nothing is known before its evening, and what is learnt from corrections is told as it is."""

import numpy as np
import pytest
from scipy import sparse

from training.config import defaults
from training.protocols import newcomers, stream
from training.protocols.newcomers import Found
from training.protocols.stream import CALIBRATED, STATIC, Streamed
from training.protocols.stream_arms import Flags, Longs, Stream, calibrated, retrained, static
from training.quality_page import render

CLASSES, WIDTH, KNOWN, DAYS, A_DAY = 3, 60, 600, 30, 40


def made_up(swapped_from: int = DAYS) -> Stream:
    """Each class has words of its own, of which an article has some; from a day on editors swap two of the classes."""
    dice = np.random.default_rng(0)
    count = KNOWN + DAYS * A_DAY
    labels = dice.integers(0, CLASSES, count)
    own = labels[:, None] * (WIDTH // CLASSES) + dice.integers(0, WIDTH // CLASSES, (count, 4))
    others = dice.integers(0, WIDTH, (count, 4))
    columns = np.concatenate((own, others), axis=1)
    rows = np.zeros((count, WIDTH), np.float32)
    np.put_along_axis(rows, columns, 0.35, axis=1)
    days = np.concatenate((np.arange(KNOWN) // 20, 100 + np.arange(count - KNOWN) // A_DAY))
    late = days >= 100 + swapped_from
    labels[late] = np.array([1, 0, 2])[labels[late]]
    weights = np.zeros((WIDTH, CLASSES), np.float16)
    for number in range(CLASSES):
        weights[number * (WIDTH // CLASSES) : (number + 1) * (WIDTH // CLASSES), number] = 1.0
    names = ["Город", "Спорт", "Авто"]
    part = {
        "ids": ["gorod", "sport", "avto"],
        "labels": names,
        "weights": weights,
        "bias": np.full(CLASSES, -0.8, np.float32),
        "slope": np.full(CLASSES, 4.0, np.float32),
        "offset": np.zeros(CLASSES, np.float32),
        "sharpness": 1.0,
        "top": [1.0, 1.0, 0.0],
    }
    order = np.arange(KNOWN, count)
    return Stream(sparse.csr_array(rows), labels, days.astype(np.int64), np.arange(KNOWN), order, part)


def everything(of: Stream) -> Flags:
    return np.ones(len(of.order), np.bool_)


def accuracy(of: Stream, answers: Longs) -> float:
    return float((answers == of.labels[of.order]).mean())


def test_the_calibrator_follows_editors_who_change_their_mind() -> None:
    same, changed = made_up(), made_up(swapped_from=5)
    assert accuracy(same, calibrated(same, everything(same))) >= accuracy(same, static(same)) - 0.005
    assert accuracy(changed, calibrated(changed, everything(changed))) > accuracy(changed, static(changed)) + 0.2


@pytest.mark.parametrize("arm", ["calibrated", "retrained"])
def test_no_answer_knows_what_editors_say_in_the_evening(arm: str) -> None:
    def answers(of: Stream) -> Longs:
        return calibrated(of, everything(of)) if arm == "calibrated" else retrained(of, everything(of), defaults())

    before = made_up()
    lied_to = made_up(swapped_from=DAYS - 1)
    assert (before.labels != lied_to.labels).any()
    assert answers(before).tolist() == answers(lied_to).tolist()


def test_without_corrections_nothing_is_learnt() -> None:
    of = made_up(swapped_from=5)
    nobody = np.zeros(len(of.order), np.bool_)
    assert calibrated(of, nobody).tolist() == static(of).tolist()
    assert retrained(of, nobody, defaults()).tolist() == static(of).tolist()


def test_weekly_retraining_follows_too() -> None:
    of = made_up(swapped_from=5)
    assert accuracy(of, retrained(of, everything(of), defaults())) > accuracy(of, static(of))


def test_a_rubric_that_is_hidden_from_the_model_is_found_after_some_corrections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(newcomers, "LATEST", 200)
    found = newcomers.rubrics(made_up(), defaults(), least=100)
    assert sorted(one.label for one in found) == ["Авто", "Город", "Спорт"]
    for one in found:
        assert one.f1[20] is not None
        assert one.f1[20] > 0.6


def test_enough_is_where_it_stays_enough() -> None:
    assert Found("x", {3: 0.7, 5: 0.5, 10: 0.6, 20: 0.9, 50: None}).until == 10
    assert Found("x", {3: 0.7, 5: 0.5}).until is None
    assert Found("x", {3: None, 5: None}).until is None


def test_a_day_of_the_same_story_told_over_and_over_is_one_piece_of_evidence() -> None:
    truth = np.zeros(400, np.int64)
    lucky = np.repeat([0, 1], 200)  # right on the first day, wrong on the second
    arms = {STATIC: np.ones(400, np.int64), CALIBRATED: lucky}
    by_two = stream.gained(Streamed(truth, arms, ["2023-01-01"] * 200 + ["2023-01-02"] * 200), CALIBRATED)
    by_many = stream.gained(Streamed(truth, arms, [f"2023-01-{i % 20 + 1:02}" for i in range(400)]), CALIBRATED)
    assert by_two[0] == by_many[0] == pytest.approx(0.5)
    assert by_two[1][0] < 0 < by_many[1][0]


def test_the_page_tells_what_was_gained_with_its_interval() -> None:
    truth = np.array([0, 1] * 200)
    arms = {STATIC: np.zeros(400, np.int64), CALIBRATED: np.where(np.arange(400) < 300, truth, 0)}
    found = Streamed(truth, arms, ["2023-01-31"] * 200 + ["2023-02-01"] * 200)
    section = stream.section(found, [Found("Спорт", {3: 0.7, 5: 0.8})], [Found("Тег", {0: 0.5, 2: None})])
    gain, until = section.asked
    assert gain.got == pytest.approx(0.375)
    assert gain.kept
    assert gain.interval is not None
    assert gain.interval[0] < 0.375 < gain.interval[1]
    assert (until.got, until.kept) == (3, True)
    html = render([section], about={})
    assert "weekly" in html
    assert "Спорт" in html
