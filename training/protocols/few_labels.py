"""What a few dozen labels of an outlet buy, over a base model that has not learnt from it.

    python -m training.protocols --data CORPORA --only few_labels

The base is the bundled baseline's config without ria_2023, trained here. Rubrics are mapped to common ones
(datasets/taxonomy); an article whose rubric becomes none is left out. For each count k, DRAWS times: k articles at
random are the outlet's own labels, cross-validated as `rubricator adopt` does it, and the others are the test.
STRENGTHS and MARGIN_SCALE of from_base.py were chosen on lenta_1999_2018; the RIA files are the test.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.svm import LinearSVC

from service.inference.annotator import Annotator
from service.inference.features import tokenise
from service.inference.text import read
from service.records import Rejects
from training import from_base
from training.config import Config, Corpus
from training.config import load as load_config
from training.crossfit import folds_of
from training.evaluation import Interval
from training.examples import load
from training.fit import csr
from training.heads import rubric_matrix
from training.progress import Progress
from training.protocols.section import Asked, Cell, Section, Table
from training.protocols.side_by_side import raw_text
from training.run import train

MAPS = Path(__file__).parents[2] / "datasets" / "taxonomy" / "rubric_map.json"
BASELINE = Path(__file__).parents[1] / "configs" / "baseline.toml"
OUTLETS = {
    "lenta_1999_2018": ("lenta_1999_2018",),
    "ria_2020": ("ria_2020",),
    "ria_2023": ("ria_2023",),
    "ria, both": ("ria_2020", "ria_2023"),
}
JUDGED = "ria, both"
COUNTS = (10, 25, 50, 100, 200, 300)
DRAWS = 20
LEAST_GAIN = {50: 0.15, 100: 0.18}  # of accuracy over the base alone, by labels of JUDGED
ALONE = "raw words + LinearSVC on these labels alone"

Doubles = npt.NDArray[np.float64]


class Measured(NamedTuple):
    """Accuracy on the articles of an outlet that were not among its own `labels`, a figure a draw."""

    outlet: str
    articles: int
    labels: int
    base: Doubles  # the base as it is, on the very same articles
    adapted: Doubles
    alone: Doubles  # ALONE
    kept: int  # draws in which the guard let the labels change the base

    @property
    def gain(self) -> Doubles:
        return self.adapted - self.base


def run(data: Path, progress: Progress) -> list[Section]:
    parts = base_without_ria(data, progress)
    annotator = Annotator("base", parts)
    measured: list[Measured] = []
    for outlet, files in OUTLETS.items():
        with progress.step(f"few labels of {outlet}"):
            measured += _measured(data, outlet, files, annotator, parts)
    return [section(measured)]


def _measured(
    data: Path, outlet: str, files: Sequence[str], annotator: Annotator, parts: Mapping[str, Any]
) -> Iterator[Measured]:
    corpora = tuple(
        Corpus(path=data / f"{file}.jsonl.gz", format="records", rubric_map=f"{MAPS}#{file}", use=("rubric",))
        for file in files
    )
    examples = load(Config(corpus=corpora), Rejects())
    named = [(row, group) for row, group in zip(examples.rows, examples.groups, strict=True) if row.article.rubric]
    rubrics = sorted({row.article.rubric or "" for row, _ in named})
    labels = np.array([rubrics.index(row.article.rubric or "") for row, _ in named])
    groups = [group for _, group in named]
    tokens = tokenise([read(row.article) for row, _ in named], annotator.lemmas)
    matrix = rubric_matrix(annotator.features, tokens)
    rows = csr(matrix)
    words = CountVectorizer().fit_transform([raw_text(row.article) for row, _ in named])
    answers = annotator.rubric.probabilities(annotator.rubric.margins(matrix)).argmax(axis=1)
    served = np.array([annotator.rubric.labels[i] for i in answers]) == np.array(rubrics)[labels]
    own = from_base.Base.of(parts["rubric"], rubrics)
    for count in (count for count in COUNTS if count <= len(labels) // 2):
        base, adapted, alone, kept = [], [], [], 0
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(len(labels))
            on, tested = np.sort(order[:count]), order[count:]
            folds = folds_of(labels[on].tolist(), [groups[i] for i in on])
            choice = from_base.choose(own, rows, labels, on, folds)
            margins = from_base.learner(own, rows, labels, choice.strength)(on).margins(rows[tested])
            kept += choice.strength > 0
            base.append(served[tested].mean())
            adapted.append((margins.argmax(axis=1) == labels[tested]).mean())
            alone.append(_alone(words, labels, on, tested))
        yield Measured(outlet, len(labels), count, np.array(base), np.array(adapted), np.array(alone), kept)


def _alone(
    words: sparse.csr_matrix, labels: npt.NDArray[np.int64], on: npt.NDArray[np.int64], tested: npt.NDArray[np.int64]
) -> float:
    """What the labels are worth without a base; words that none of these articles has weigh nothing."""
    if len(np.unique(labels[on])) < 2:
        return float((labels[tested] == labels[on][0]).mean())
    weighting = TfidfTransformer().fit(words[on])
    model = LinearSVC(random_state=0).fit(weighting.transform(words[on]), labels[on])
    return float((model.predict(weighting.transform(words[tested])) == labels[tested]).mean())


def section(measured: Sequence[Measured]) -> Section:
    judged = {one.labels: one for one in measured if one.outlet == JUDGED}
    asked = [
        Asked(
            f"accuracy gained by {count} own labels",
            float(judged[count].gain.mean()) if count in judged else None,
            least=least,
            interval=_over_draws(judged[count].gain) if count in judged else None,
            note=_told(judged[count]) if count in judged else f"there are too few articles for {count} labels",
        )
        for count, least in LEAST_GAIN.items()
    ]
    worst = min(measured, key=lambda one: one.gain.mean(), default=None)
    asked.append(
        Asked(
            "the least gain of any outlet and count",
            float(worst.gain.mean()) if worst else None,
            least=0.0,
            note=f"{worst.outlet}, {worst.labels} labels; its worst draw {worst.gain.min():+.3f}" if worst else "",
        )
    )
    rows: list[tuple[Cell, ...]] = [
        (
            f"{one.outlet}, {one.labels} labels", float(one.base.mean()), float(one.adapted.mean()),
            float(one.gain.mean()), float(one.gain.min()), one.kept, float(one.alone.mean()),
        )
        for one in measured
    ]  # fmt: skip
    table = Table(
        "Accuracy on the outlet’s other articles",
        ("Outlet", "Base alone", "With the labels", "Gained", f"Worst of {DRAWS} draws", "Labels used in", ALONE),
        tuple(rows),
        f"Means of {DRAWS} draws. «Labels used in»: draws in which the labels changed the base; in the others they did "
        "not beat it on themselves, cross-validated, and it stays as it is.",
    )
    return Section(
        "few_labels",
        "A few labels of one’s own",
        "The base has not learnt from RIA. k articles drawn at random are the outlet’s own labels, all others the "
        "test; rubrics are the common ones. What the labels may change was chosen on lenta_1999_2018, so its own "
        "figures say less. The gains asked for are those of RIA, both years; their intervals are of single draws.",
        max((one.articles for one in measured if one.outlet == JUDGED), default=0),
        tuple(asked),
        (table,),
    )


def _over_draws(values: Doubles) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5]).tolist()
    return low, high


def _told(one: Measured) -> str:
    return f"{one.base.mean():.3f} without, {one.adapted.mean():.3f} with; the labels alone {one.alone.mean():.3f}"


def base_without_ria(data: Path, progress: Progress) -> Mapping[str, Any]:
    """Its tags don't matter here, so it learns one."""
    config = load_config(BASELINE, [data])
    config = replace(
        config,
        corpus=tuple(corpus for corpus in config.corpus if corpus.name != "ria_2023"),
        model=replace(config.model, max_tags=1),
    )
    return train(config, Rejects(), progress).parts
