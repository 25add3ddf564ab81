"""One outlet over time: four rolling origins, each tested on the quarter after it; scikit-learn's first attempt beside.

    python -m training.protocols.outlet_over_time --data FOLDER --json out.json --html out.html

The last quarter before each test is validation: probabilities are calibrated there, then the weights are fitted
on all. Test articles are read through `Annotator.annotate`. About ten minutes on one core, most of it the peer's.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import typer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle
from service.inference.decisions import Options
from service.records import Rejects
from training import gazetteer as places
from training.comparison import Comparison, compare
from training.config import Config, Corpus, Split
from training.examples import Examples, load
from training.heads import fit_heads
from training.labels import Tags
from training.progress import Progress
from training.report import render_comparison
from training.run import labelled, rubrics_of
from training.split import split

CORPUS = "fontanka.jsonl.gz"
DROPPED = ("Итоги недели", "Доктор Питер", "Особое мнение")
ORIGINS = (  # validation, test; train is all before
    ("2022-10-01/2023-01-01", "2023-01-01/2023-04-01"),
    ("2023-01-01/2023-04-01", "2023-04-01/2023-07-01"),
    ("2023-04-01/2023-07-01", "2023-07-01/2023-10-01"),
    ("2023-07-01/2023-10-01", "2023-10-01/2023-11-01"),
)
OURS, RAW = "rubricator", "raw words + LogisticRegression"


@dataclass
class Answers:
    """Label and probability of every test article, pooled over the origins."""

    labels: list[str | None] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


def run(folder: Path, origins: Sequence[tuple[str, str]], progress: Progress) -> Comparison:
    config = Config(
        corpus=(Corpus(path=folder / CORPUS, format="records", drop_rubrics=DROPPED, min_chars=200, use=("rubric",)),)
    )
    with progress.step("reading"):
        examples = load(config, Rejects())
    truth: list[str] = []
    answers = {OURS: Answers(), RAW: Answers()}
    for validation, test in origins:
        truth += _origin(
            examples, msgspec.structs.replace(config, split=Split("time", validation, test)), answers, progress
        )
    return compare(
        truth,
        {name: given.labels for name, given in answers.items()},
        reference=RAW,
        scores={name: given.scores for name, given in answers.items()},
    )


def _origin(examples: Examples, config: Config, answers: dict[str, Answers], progress: Progress) -> list[str]:
    """Adds both systems' answers for one origin; returns the truth."""
    parts = split(examples, config.split)
    learnt = [*parts.train, *parts.validation]
    tested = [examples.rows[i].article for i in parts.test]
    gazetteer = places.build()
    rubrics = rubrics_of([examples.rows[i] for i in learnt])
    data = labelled(examples, rubrics, Tags([], {}), gazetteer, config)
    heads = fit_heads(data, parts.train, parts.validation, rubrics, [], gazetteer, config, progress)
    with progress.step(f"{OURS}: {len(tested)} articles of {config.split.test}"):
        _ours(Annotator("protocol", heads), tested, answers[OURS])
    with progress.step(f"{RAW}: {len(learnt)} articles to learn from"):
        _raw_words([examples.rows[i].article for i in learnt], tested, answers[RAW])
    return [article.rubric or "" for article in tested]


def _ours(annotator: Annotator, articles: Sequence[LabelledArticle], into: Answers) -> None:
    for annotation in annotator.annotate(
        [_unlabelled(article) for article in articles], Options(heads=frozenset({"rubric"}))
    ):
        best = annotation.rubric or (annotation.alternatives or (None,))[0]
        into.labels.append(best.label if best else None)
        into.scores.append(best.score if best else 0.0)


def _unlabelled(article: LabelledArticle) -> Article:
    return Article(**{name: getattr(article, name) for name in Article.__struct_fields__})


def _raw_words(train: Sequence[LabelledArticle], test: Sequence[LabelledArticle], into: Answers) -> None:
    """What a first attempt with scikit-learn looks like: every setting at its default."""
    vectorizer = TfidfVectorizer()
    model = LogisticRegression(max_iter=1000)
    model.fit(vectorizer.fit_transform(map(_raw, train)), [article.rubric for article in train])
    probabilities = model.predict_proba(vectorizer.transform(map(_raw, test)))
    into.labels += model.classes_[probabilities.argmax(axis=1)].tolist()
    into.scores += probabilities.max(axis=1).tolist()


def _raw(article: LabelledArticle) -> str:
    return f"{article.title or ''}\n{article.lead or ''}\n{article.text or ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description="One outlet over time, against raw words and LogisticRegression.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--origins", type=int, default=len(ORIGINS), help="only so many origins, from the last")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    comparison = run(options.data, ORIGINS[-options.origins :], Progress())
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(comparison), indent=1) + b"\n")
    if options.html:
        options.html.write_text(render_comparison(comparison, title="One outlet over time"), "utf-8")
    for system in comparison.systems:
        accuracy, macro = system.accuracy, system.macro_f1
        typer.echo(
            f"{system.name:<34}accuracy {accuracy.value:.4f} ({accuracy.difference:+.4f})  macro-F1 {macro.value:.4f} "
            f"({macro.difference:+.4f})  calibration error {system.calibration_error:.4f}"
        )
    typer.echo(f"{comparison.n} articles; a perfectly calibrated model would show {comparison.calibration_floor:.4f}")


if __name__ == "__main__":
    main()
