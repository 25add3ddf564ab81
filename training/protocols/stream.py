"""Does it learn? One outlet day by day, its editors' rubrics coming back as corrections in the evening.

    python -m training.protocols --data FOLDER --only stream

A model is trained on fontanka of 2022, and answers what comes after, article by article: as it is; with the calibration
that the service fits to corrections; trained anew each week, on all corrections and on every fifth. What the
calibration does was chosen on June to December 2022 with a model of the months before (`service.inference.refit`); the
test stretch decides nothing. New rubrics and tags: `newcomers.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.features import tokenise
from service.records import Rejects
from training import charts
from training import gazetteer as places
from training.config import Config, Split
from training.examples import Examples, load
from training.fit import csr
from training.heads import fit_heads, rubric_matrix
from training.labels import Tags
from training.progress import Progress
from training.protocols import newcomers
from training.protocols.newcomers import Found
from training.protocols.outlet_over_time import config_for
from training.protocols.section import Asked, Cell, Plot, Section, Table
from training.protocols.stream_arms import CALIBRATE_AFTER, Flags, Longs, Stream, calibrated, retrained, static
from training.run import labelled, rubrics_of
from training.split import split

STRETCH = Split("time", "2022-10-01/2023-01-01", "2023-01-01/2023-11-01")
FEW = 5  # of the corrections one in so many comes back
STATIC, CALIBRATED, CALIBRATED_FEW = "as trained", "calibrator", "calibrator, 20 %"
RETRAINED, RETRAINED_FEW = "weekly retraining", "weekly retraining, 20 %"
LEAST_GAIN = 0.008  # of the calibrator, of accuracy over the model as it is
ENOUGH = 30  # articles of a rubric to have an F1
NEW, MOST_EXAMPLES = "Спорт", 10  # a distinct rubric: in 2022 it was found after three
LEAST_OF_A_NEW_RUBRIC = 90  # articles in the stream


class Streamed(NamedTuple):
    """`truth` and what each arm answered, by number of the rubric, article by article; `days` are ISO 8601."""

    truth: Longs
    arms: dict[str, Longs]
    days: list[str]

    def right(self, arm: str) -> Flags:
        return np.asarray(self.arms[arm] == self.truth)


def run(folder: Path, progress: Progress, stretch: Split = STRETCH, *, weekly: bool = True) -> Section:
    """A quarter of an hour of CPU, most of it for the weekly fits."""
    config = replace(config_for(folder), split=stretch)
    with progress.step("reading fontanka"):
        examples = load(config, Rejects())
    stream = prepared(examples, config, progress)
    corrected = np.ones(len(stream.order), np.bool_)
    few = np.array([crc32(examples.rows[i].key.encode()) % FEW == 0 for i in stream.order.tolist()], np.bool_)
    arms = {STATIC: static(stream)}
    with progress.step("calibrator"):
        arms |= {CALIBRATED: calibrated(stream, corrected), CALIBRATED_FEW: calibrated(stream, few)}
    if weekly:
        with progress.step(RETRAINED):
            arms[RETRAINED] = retrained(stream, corrected, config)
        with progress.step(RETRAINED_FEW):
            arms[RETRAINED_FEW] = retrained(stream, few, config)
    with progress.step("new rubrics"):
        new_rubrics = newcomers.rubrics(stream, config, LEAST_OF_A_NEW_RUBRIC)
    new_tags = newcomers.tags(folder, progress)
    days = [str(examples.rows[i].date) for i in stream.order.tolist()]
    return section(Streamed(stream.labels[stream.order], arms, days), new_rubrics, new_tags)


def prepared(examples: Examples, config: Config, progress: Progress) -> Stream:
    """The model before the stream, trained as ever, and all articles as it sees them."""
    parts = split(examples, config.split)
    known = np.concatenate((parts.train, parts.validation))
    gazetteer = places.build()
    rubrics = rubrics_of([examples.rows[i] for i in known])
    data = labelled(examples, rubrics, Tags([], {}), gazetteer, config, by_time=True)
    heads = fit_heads(data, parts.train, parts.validation, rubrics, [], gazetteer, config, progress)
    annotator = Annotator("protocol", heads)
    with progress.step("features of all articles"):
        rows = csr(rubric_matrix(annotator.features, tokenise(data.texts, annotator.lemmas)))
    order = parts.test[np.argsort(data.days[parts.test], kind="stable")]
    return Stream(rows, data.rubric, data.days, known, order, heads["rubric"])


def section(found: Streamed, new_rubrics: Sequence[Found], new_tags: Sequence[Found]) -> Section:
    gain, interval = gained(found, CALIBRATED)
    distinct = next((one for one in new_rubrics if one.label == NEW), None)
    until = None if distinct is None else distinct.until
    asked = (
        Asked("accuracy gained by the calibrator alone", gain, least=LEAST_GAIN, interval=interval),
        Asked(f"corrections until a new rubric, «{NEW}», has an F1 of {newcomers.WANTED}", until, most=MOST_EXAMPLES),
    )
    months = sorted({day[:7] for day in found.days})
    of_month = {month: np.array([day.startswith(month) for day in found.days]) for month in months}
    accuracy = {arm: [float(found.right(arm)[of_month[m]].mean()) for m in months] for arm in found.arms}
    f1 = {
        arm: [_macro_f1(found.truth[of_month[m]], its[of_month[m]], 10) for m in months]
        for arm, its in found.arms.items()
    }
    return Section(
        "stream",
        "Does it learn?",
        "fontanka from January to October 2023, day by day: what editors filed an article under comes back as a "
        "correction in the evening, all of them or every fifth. The calibrator is the service’s own, fitted anew "
        f"after every {CALIBRATE_AFTER} corrections; weekly retraining fits the weights on the latest 15 months, "
        "with the words of the first model. A new rubric is hidden from the model and from the first two weeks; a new "
        "tag (RIA) is in the vocabulary and in so many of the articles learnt from.",
        len(found.truth),
        asked,
        (_arms(found), _newcomers("New rubrics, by examples among the corrections", new_rubrics, newcomers.COUNTS),
         _newcomers("New tags, by examples among the corrections", new_tags, newcomers.COUNTS_OF_TAGS)),
        (Plot("Accuracy, month by month", charts.over_time(months, accuracy, CALIBRATED)),
         Plot("Macro-F1, month by month", charts.over_time(months, f1, CALIBRATED))),
    )  # fmt: skip


def gained(found: Streamed, arm: str) -> tuple[float, tuple[float, float]]:
    """Accuracy over the model as it is, with its 95 % interval: paired, and by days, for what is told in a day is much
    alike."""
    differences = found.right(arm).astype(float) - found.right(STATIC)
    mean = float(differences.mean())
    of_days = np.bincount(np.unique(found.days, return_inverse=True)[1], weights=differences - mean)
    half = 1.96 * float(np.sqrt((of_days**2).sum())) / len(differences)
    return mean, (mean - half, mean + half)


def _arms(found: Streamed) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for arm, answers in found.arms.items():
        gain, (low, high) = gained(found, arm)
        macro = _macro_f1(found.truth, answers, ENOUGH)
        told = "" if arm == STATIC else f"{gain:+.4f} ({low:+.4f} to {high:+.4f})"
        rows.append((arm, float(found.right(arm).mean()), told, macro))
    return Table(
        "What is learnt from corrections",
        ("System", "Accuracy", "Over the model as trained", "Macro-F1"),
        tuple(rows),
        f"Macro-F1 over the rubrics with {ENOUGH} articles and more; in a month, with 10.",
    )


def _newcomers(title: str, found: Sequence[Found], counts: Sequence[int]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.label, *(one.f1.get(count) for count in counts), one.until if one.until is not None else "–")
        for one in found
    ]
    columns = ("Label", *(f"F1 at {count}" for count in counts), f"{newcomers.WANTED} from")
    return Table(title, columns, tuple(rows), "F1 on all later articles.")


def _macro_f1(truth: Longs, answers: Longs, enough: int) -> float:
    found = []
    for number in np.unique(truth[truth >= 0]).tolist():
        real, given = truth == number, answers == number
        if real.sum() >= enough:
            found.append(2 * (real & given).sum() / (real.sum() + given.sum()))
    return float(np.mean(found)) if found else 0.0
