"""Rubrics across outlets: learnt from five newsrooms, asked of a sixth that none of them is.

    python -m training.protocols --data FOLDER --only across_outlets

The recipe is the bundled baseline's (training/configs/baseline.toml) without the RIA files and lenta_tags, and with the
rubrics alone. Rubrics are mapped to common ones (datasets/taxonomy). Options, the peers' too, are chosen on
lenta_1999_2018, which nothing is learnt from; ria_2020 and ria_2023 are the test. A row whose rubric names a place
(«В мире») or has no common one is left out, and counted. Peers learn from the very rows that ours learns from, so they
have the cap of articles a rubric and outlet too, which is the larger part of what can be won here.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.article import LabelledArticle
from service.records import Rejects
from training import charts
from training import gazetteer as places
from training.config import Config, Corpus, Split
from training.config import load as load_config
from training.evaluation import RubricMeasures
from training.examples import load
from training.heads import fit_heads
from training.labels import Tags
from training.progress import Progress
from training.protocols.few_labels import BASELINE, MAPS
from training.protocols.peers import LOGISTIC_REGRESSION, RUBRIC_PEERS
from training.protocols.peers.peer import Answers, Learnable, Peer, answer, choose
from training.protocols.section import Asked, Plot, Section, Table
from training.protocols.side_by_side import (
    Ours,
    ask,
    beside,
    by_rubric,
    dots,
    learnable,
    over_accuracy,
    pooled_peers,
    raw_text,
    tables,
)
from training.run import labelled, labels_of, rubrics_of
from training.score_heads import measure_rubric
from training.split import split

LEARNT = ("fontanka", "rt", "nplus1", "ng", "lenta_headlines")
CHOSEN_ON = "lenta_1999_2018"
TESTED = ("ria_2020", "ria_2023")
LEAST_ACCURACY = 0.03  # over raw words + LogisticRegression on the same rows


class Outlet(NamedTuple):
    """The test articles of one file as they were answered, and how many of it are left out, by the reason."""

    name: str
    ours: Ours
    peers: dict[str, Answers]
    left_out: Counter[str]


def recipe(folder: Path) -> Config:
    """The baseline's, as far as it is about rubrics; no test part, as the test is another outlet."""
    config = load_config(BASELINE, [folder])
    corpora = tuple(replace(corpus, use=("rubric",)) for corpus in config.corpus if corpus.name in LEARNT)
    return replace(config, corpus=corpora, split=Split("hash", config.split.validation, 0.0))


def foreign(folder: Path, name: str) -> tuple[list[LabelledArticle], Counter[str]]:
    """The articles of an outlet with their common rubrics, and how many are left out, by the reason."""
    corpus = Corpus(folder / f"{name}.jsonl.gz", "records", rubric_map=f"{MAPS}#{name}", use=("rubric",))
    examples = load(Config(corpus=(corpus,)), Rejects())
    return [row.article for row in examples.rows], examples.rejected[name]


def run(folder: Path, progress: Progress, peers: Sequence[Peer] = RUBRIC_PEERS) -> list[Section]:
    config = recipe(folder)
    with progress.step("reading"):
        examples = load(config, Rejects())
    tested = {name: foreign(folder, name) for name in TESTED}
    gazetteer = places.build()
    parts = split(examples, config.split)
    rubrics = rubrics_of(examples.rows)
    data = labelled(examples, rubrics, Tags([], {}), gazetteer, config, by_time=False)
    heads = fit_heads(data, parts.train, parts.validation, rubrics, [], gazetteer, config, progress)
    annotator = Annotator("protocol", heads)
    labels = labels_of(annotator, gazetteer, {})
    learnt = learnable([row.article for row in examples.rows])
    validation = learnable(foreign(folder, CHOSEN_ON)[0])
    texts = [raw_text(article) for articles, _ in tested.values() for article in articles]
    answers = {peer.name: _answers(peer, learnt, validation, texts, progress) for peer in peers}
    outlets, start = [], 0
    for name, (articles, left_out) in tested.items():
        end = start + len(articles)
        own = {peer: Answers(found.labels[start:end], found.scores[start:end]) for peer, found in answers.items()}
        outlets.append(Outlet(name, ask(annotator, articles, labels), own, left_out))
        start = end
    return [section(outlets, len(learnt.texts))]


def _answers(peer: Peer, learnt: Learnable, validation: Learnable, texts: Sequence[str], progress: Progress) -> Answers:
    with progress.step(f"{peer.name}: {len(learnt.texts)} articles to learn from"):
        options = choose(peer, learnt, validation)
        return answer(peer, options, learnt, validation, texts, learn_from_validation=False)


def section(outlets: Sequence[Outlet], learnt: int) -> Section:
    ours = sum((outlet.ours for outlet in outlets), Ours([], []))
    peers = pooled_peers([outlet.peers for outlet in outlets])
    comparison = beside(ours, peers)
    measured = measure_rubric(ours.rows, tuple(ours.worst))
    left_out = "; ".join(f"{outlet.name}: {_reasons(outlet.left_out)}" for outlet in outlets)
    return Section(
        "across_outlets",
        "Across outlets",
        f"Learnt from {learnt} articles of {', '.join(LEARNT)} under common rubrics, tested on {' and '.join(TESTED)}, "
        f"of which nothing was learnt. Options were chosen on {CHOSEN_ON}. All systems learn from the same rows, "
        f"at most 1,000 of a rubric and outlet. Left out of the test: {left_out}.",
        len(ours.rows),
        asked(outlets, ours, peers),
        (
            *tables(comparison),
            *(
                replace(tables(beside(outlet.ours, outlet.peers))[0], title=f"{outlet.name} alone", note="")
                for outlet in outlets
            ),
            _of_outlets(outlets),
            by_rubric(measured.per_label),
        ),
        (
            dots(comparison),
            Plot("How much can go out unseen?", charts.precision_coverage(measured)),
            Plot("Can a score be believed?", charts.reliability_diagram(measured)),
        ),
        measured.worst,
    )


def asked(outlets: Sequence[Outlet], ours: Ours, peers: dict[str, Answers]) -> tuple[Asked, ...]:
    """Of both files together and of each."""
    plain = LOGISTIC_REGRESSION.name
    judged = [("both years", ours, peers), *((outlet.name, outlet.ours, outlet.peers) for outlet in outlets)]
    return tuple(
        replace(over_accuracy(beside(own, {plain: its[plain]}), LEAST_ACCURACY), what=f"accuracy over {plain}, {name}")
        for name, own, its in judged
    )


def _of_outlets(outlets: Sequence[Outlet]) -> Table:
    measured: dict[str, RubricMeasures] = {outlet.name: measure_rubric(outlet.ours.rows, ()) for outlet in outlets}
    return Table(
        "rubricator, file by file",
        ("File", "Articles", "Accuracy", "Among the first two", "Macro-F1", "Rubrics in it", "Calibration error"),
        tuple(
            (name, one.n, one.accuracy, one.top_2_accuracy, one.macro_f1, one.macro_f1_labels, one.calibration_error)
            for name, one in measured.items()
        ),
        "A foreign outlet’s confidence publishes nothing by itself: the baseline never says `auto`.",
    )


def _reasons(left_out: Counter[str]) -> str:
    return ", ".join(f"{count} rows, {reason}" for reason, count in left_out.most_common()) or "none"
