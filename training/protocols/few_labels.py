"""What a few dozen labels of an outlet buy, over a base model that has not learnt from it.

    python -m training.protocols.few_labels --data CORPORA

The base is the bundled baseline's config without ria_2023, trained here. Rubrics are mapped to common ones
(datasets/taxonomy); an article whose rubric becomes none is left out. For each count k, DRAWS times: k articles at
random are the outlet's own labels, cross-validated as `rubricator adopt` does it, and the others are the test.
STRENGTHS and MARGIN_SCALE of from_base.py were chosen on lenta_1999_2018; the RIA files are the test.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.features import tokenise
from service.inference.text import read
from service.records import Rejects
from training import from_base
from training.config import Config, Corpus
from training.config import load as load_config
from training.crossfit import folds_of
from training.examples import load
from training.fit import csr
from training.heads import rubric_matrix
from training.progress import Progress
from training.run import train

MAPS = Path(__file__).parents[2] / "datasets" / "taxonomy" / "rubric_map.json"
BASELINE = Path(__file__).parents[1] / "configs" / "baseline.toml"
OUTLETS = {
    "lenta_1999_2018": ("lenta_1999_2018",),
    "ria_2020": ("ria_2020",),
    "ria_2023": ("ria_2023",),
    "ria, both": ("ria_2020", "ria_2023"),
}
COUNTS = (10, 25, 50, 100, 200, 300)
DRAWS = 20


def main(data: Annotated[Path, typer.Option(help="The folder of the corpora.")]) -> None:
    parts = base_without_ria(data)
    annotator = Annotator("base", parts)
    for outlet, files in OUTLETS.items():
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
        answers = annotator.rubric.probabilities(annotator.rubric.margins(matrix)).argmax(axis=1)
        served = np.array([annotator.rubric.labels[i] for i in answers]) == np.array(rubrics)[labels]
        typer.echo(f"{outlet}: {len(labels)} articles, {len(rubrics)} rubrics; the base as it is: {served.mean():.3f}")
        own = from_base.Base.of(parts["rubric"], rubrics)
        for count in (count for count in COUNTS if count <= len(labels) // 2):
            found, worst, kept = [], 1.0, 0
            for draw in range(DRAWS):
                order = np.random.default_rng(draw).permutation(len(labels))
                on, tested = np.sort(order[:count]), order[count:]
                folds = folds_of(labels[on].tolist(), [groups[i] for i in on])
                choice = from_base.choose(own, rows, labels, on, folds)
                margins = from_base.learner(own, rows, labels, choice.strength)(on).margins(rows[tested])
                accuracy = float((margins.argmax(axis=1) == labels[tested]).mean())
                worst = min(worst, accuracy - float(served[tested].mean()))
                kept += choice.strength > 0
                found.append(accuracy)
            typer.echo(
                f"  {count:>4} labels: {np.mean(found):.3f} ({np.mean(found) - served.mean():+.3f}; "
                f"the worst of {DRAWS} draws {worst:+.3f}; kept {kept} times)"
            )


def base_without_ria(data: Path) -> Mapping[str, Any]:
    """Its tags don't matter here, so it learns one."""
    config = load_config(BASELINE, [data])
    config = replace(
        config,
        corpus=tuple(corpus for corpus in config.corpus if corpus.name != "ria_2023"),
        model=replace(config.model, max_tags=1),
    )
    return train(config, Rejects(), Progress()).parts


if __name__ == "__main__":
    typer.run(main)
