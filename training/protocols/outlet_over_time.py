"""One outlet over time: four rolling origins, each tested on the quarter after it; every peer beside.

    python -m training.protocols --data FOLDER --only outlet_over_time

The last quarter before each test is validation: probabilities are calibrated on its latest 2,000 articles by weights
that have not seen them; then the weights are fitted on all. Test articles are read through `Annotator.annotate`.
Peers choose their options on the first origin's validation quarter and keep them: another choice each quarter would
take twenty minutes more. They learn from the same articles, validation included.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from service.inference.annotator import Annotator
from service.inference.article import Profile
from service.inference.profiles import BALANCED
from service.records import Rejects
from training import charts, measures
from training import gazetteer as places
from training.comparison import Comparison
from training.config import Config, Corpus, Decision, Split
from training.evaluation import RubricMeasures
from training.examples import Examples, load
from training.heads import fit_heads
from training.labels import Tags
from training.progress import Progress
from training.protocols.peers import RUBRIC_PEERS
from training.protocols.peers.peer import Answers, Options, Peer, answer, choose
from training.protocols.section import Asked, Cell, Plot, Section, Table
from training.protocols.side_by_side import (
    OURS,
    Ours,
    ask,
    beside,
    by_rubric,
    dots,
    learnable,
    over_accuracy,
    over_macro_f1,
    pooled_peers,
    raw_text,
    tables,
)
from training.run import labelled, labels_of, rubrics_of
from training.score_heads import Row, measure_rubric
from training.split import split

CORPUS = "fontanka.jsonl.gz"
DROPPED_RUBRICS = ("Доктор Питер", "Особое мнение")
DROPPED_TITLES = ("Итоги недели",)
ORIGINS = (  # validation, test; train is all before
    ("2022-10-01/2023-01-01", "2023-01-01/2023-04-01"),
    ("2023-01-01/2023-04-01", "2023-04-01/2023-07-01"),
    ("2023-04-01/2023-07-01", "2023-07-01/2023-10-01"),
    ("2023-07-01/2023-10-01", "2023-10-01/2023-11-01"),
)
LEAST_ACCURACY, LEAST_MACRO_F1 = 0.008, 0.03  # over the best peer
MOST_ABOVE_FLOOR = 0.008  # of the calibration error


class Aim(NamedTuple):
    """A precision that a model aims at when it publishes unseen, and what of it is asked on the test."""

    precision: float
    profile: Profile
    least_precision: float
    least_coverage: float


AIMS = (Aim(0.95, "precision", 0.94, 0.18), Aim(0.90, BALANCED, 0.89, 0.38))


class Origin(NamedTuple):
    """The test articles of one origin as they were answered: by ours, a profile for each aim, and by the peers."""

    test: str
    ours: dict[Aim, Ours]
    peers: dict[str, Answers]


def config_for(folder: Path) -> Config:
    """The outlet without its sister's articles, its columns and its weekly digests."""
    corpus = Corpus(
        path=folder / CORPUS,
        format="records",
        use=("rubric",),
        drop_rubrics=DROPPED_RUBRICS,
        drop_titles=DROPPED_TITLES,
        min_chars=200,
    )
    return Config(corpus=(corpus,), decision=Decision(precision=0.90, profile_precision=0.95))


def run(
    folder: Path,
    progress: Progress,
    origins: Sequence[tuple[str, str]] = ORIGINS,
    peers: Sequence[Peer] = RUBRIC_PEERS,
) -> list[Section]:
    config = config_for(folder)
    with progress.step("reading"):
        examples = load(config, Rejects())
    chosen: dict[str, Options] = {}
    answered = []
    for validation, test in origins:
        of_origin = msgspec.structs.replace(config, split=Split("time", validation, test))
        answered.append(_origin(examples, of_origin, peers, chosen, progress))
    return [section(answered, chosen)]


def _origin(
    examples: Examples, config: Config, peers: Sequence[Peer], chosen: dict[str, Options], progress: Progress
) -> Origin:
    """One origin; what the peers choose is written into `chosen`, and kept where it is there."""
    parts = split(examples, config.split)
    tested = [examples.rows[i].article for i in parts.test]
    gazetteer = places.build()
    rubrics = rubrics_of([examples.rows[i] for i in (*parts.train, *parts.validation)])
    data = labelled(examples, rubrics, Tags([], {}), gazetteer, config, by_time=True)
    heads = fit_heads(data, parts.train, parts.validation, rubrics, [], gazetteer, config, progress)
    annotator = Annotator("protocol", heads)
    with progress.step(f"{OURS}: {len(tested)} articles of {config.split.test}"):
        ours = {aim: ask(annotator, tested, labels_of(annotator, gazetteer, {}), aim.profile) for aim in AIMS}
    train, validation = (
        learnable([examples.rows[i].article for i in part]) for part in (parts.train, parts.validation)
    )
    answers = {}
    for peer in peers:
        with progress.step(f"{peer.name}: {config.split.test}"):
            if peer.name not in chosen:
                chosen[peer.name] = choose(peer, train, validation)
            answers[peer.name] = answer(peer, chosen[peer.name], train, validation, [raw_text(one) for one in tested])
    return Origin(str(config.split.test), ours, answers)


def section(origins: Sequence[Origin], chosen: dict[str, Options]) -> Section:
    """What is said of the origins pooled."""
    pooled = {aim: sum((origin.ours[aim] for origin in origins), Ours([], [])) for aim in AIMS}
    ours = pooled[AIMS[0]]
    peers = pooled_peers([origin.peers for origin in origins])
    comparison = beside(ours, peers)
    measured = measure_rubric(ours.rows, tuple(ours.worst))
    return Section(
        "outlet_over_time",
        "One outlet over time",
        "fontanka, quarter after quarter: learnt from all before, options and calibration by the latest quarter known, "
        "tested on the next; four origins pooled. Texts and labels are the same for all systems. The peers’ options "
        f"were chosen on the first origin’s validation quarter: {_told(chosen)}.",
        len(ours.rows),
        asked(comparison, measured, {aim: found.rows for aim, found in pooled.items()}),
        (*tables(comparison), _by_origin(origins), _decisions(pooled), by_rubric(measured.per_label)),
        (
            dots(comparison),
            Plot(
                "Accuracy, origin by origin",
                charts.over_time(
                    [_month(origin.test) for origin in origins],
                    {name: [_accuracy(origin, name) for origin in origins] for name in (OURS, *peers)},
                    OURS,
                ),
            ),
            Plot("How much can go out unseen?", charts.precision_coverage(measured)),
            Plot("Can a score be believed?", charts.reliability_diagram(measured)),
        ),
        measured.worst,
    )


def asked(comparison: Comparison, measured: RubricMeasures, rows: dict[Aim, list[Row]]) -> tuple[Asked, ...]:
    assert measured.calibration_error is not None
    assert measured.calibration_floor is not None
    found = [
        over_accuracy(comparison, LEAST_ACCURACY),
        over_macro_f1(comparison, LEAST_MACRO_F1),
        Asked(
            "calibration error above its floor",
            measured.calibration_error - measured.calibration_floor,
            most=MOST_ABOVE_FLOOR,
            note=f"{measured.calibration_error:.4f}, floor {measured.calibration_floor:.4f}",
        ),
    ]
    for aim in AIMS:
        auto = [row.rubric_is_right for row in rows[aim] if row.answer.decision == "auto"]
        told = f"published unseen, aimed at {aim.precision:.0%}"
        found += [
            Asked(
                f"{told}: right",
                sum(auto) / len(auto) if auto else None,
                least=aim.least_precision,
                interval=measures.wilson(sum(auto), len(auto)),
                note=f"{sum(auto)} of {len(auto)}" if auto else "nothing was published",
            ),
            Asked(
                f"{told}: covered",
                len(auto) / len(rows[aim]),
                least=aim.least_coverage,
                interval=measures.wilson(len(auto), len(rows[aim])),
            ),
        ]
    return tuple(found)


def _decisions(pooled: dict[Aim, Ours]) -> Table:
    """As it would be served: by decision of the models, the outlet's name given."""
    meaning = {"auto": "published unseen", "review": "shown to the editor", "abstain": "too doubtful to say"}
    rows: list[tuple[Cell, ...]] = []
    for aim, ours in pooled.items():
        for decision, meant in meaning.items():
            its = [row.rubric_is_right for row in ours.rows if row.answer.decision == decision]
            share = sum(its) / len(its) if its else None
            rows.append((f"{aim.precision:.0%}: {decision}, {meant}", len(its), len(its) / len(ours.rows), share))
    return Table(
        "As it would be served, by the precision aimed at",
        ("Decision", "Articles", "Share", "Right"),
        tuple(rows),
        "The threshold of each quarter is the model’s own, chosen on what was known before it.",
    )


def _by_origin(origins: Sequence[Origin]) -> Table:
    first_two = [[row.rubric_among(2) for row in origin.ours[AIMS[0]].rows] for origin in origins]
    rows: list[tuple[Cell, ...]] = [
        (name, *(_accuracy(origin, name) for origin in origins)) for name in (OURS, *origins[0].peers)
    ]
    rows.insert(1, (f"{OURS}: among its first two", *(float(np.mean(right)) for right in first_two)))
    return Table(
        "Accuracy, origin by origin",
        ("System", *(_month(origin.test) for origin in origins)),
        tuple(rows),
        f"Tested from the month on, for a quarter; October 2023 is a month alone. In all, the editors’ rubric is "
        f"among {OURS}’s first two in {np.concatenate(first_two).mean():.1%} of the articles.",
    )


def _accuracy(origin: Origin, name: str) -> float:
    rows = origin.ours[AIMS[0]].rows
    if name == OURS:
        return float(np.mean([row.rubric_is_right for row in rows]))
    truth = [row.truth.rubric.label for row in rows if row.truth.rubric]
    return float(np.mean([a == b for a, b in zip(origin.peers[name].labels, truth, strict=True)]))


def _month(period: str) -> str:
    return period[:7]


def _told(chosen: dict[str, Options]) -> str:
    """The options of those peers that have some."""
    return "; ".join(
        f"{name} {', '.join(f'{option} {value:g}' for option, value in options.items())}"
        for name, options in chosen.items()
        if options
    )
