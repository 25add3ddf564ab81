"""One outlet over time: four rolling origins, each tested on the quarter after it; scikit-learn's first attempt beside.

    python -m training.protocols.outlet_over_time --data FOLDER --json out.json --html out.html

The last quarter before each test is validation: probabilities are calibrated there and on as many articles before it,
each by weights that have not seen them; then the weights are fitted on all. Test articles are read through
`Annotator.annotate`. About ten minutes on one core, most of it the peer's.
"""

import argparse
from collections.abc import Iterator, Sequence
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
DROPPED_RUBRICS = ("Доктор Питер", "Особое мнение")
DROPPED_TITLES = ("Итоги недели",)
ORIGINS = (  # validation, test; train is all before
    ("2022-10-01/2023-01-01", "2023-01-01/2023-04-01"),
    ("2023-01-01/2023-04-01", "2023-04-01/2023-07-01"),
    ("2023-04-01/2023-07-01", "2023-07-01/2023-10-01"),
    ("2023-07-01/2023-10-01", "2023-10-01/2023-11-01"),
)
OURS, RAW = "rubricator", "raw words + LogisticRegression"
LEAST_ACCURACY, LEAST_MACRO_F1 = 0.010, 0.03  # over the reference
MOST_ABOVE_FLOOR = 0.010  # of our calibration error
ASKED = (
    f"calibration error at most {MOST_ABOVE_FLOOR:.3f} above its floor, "
    f">= +{LEAST_ACCURACY:.3f} accuracy and >= +{LEAST_MACRO_F1:.2f} macro-F1 over the reference"
)


@dataclass
class Answers:
    """Label and probability of every test article, pooled over the origins."""

    labels: list[str | None] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


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
    return Config(corpus=(corpus,))


def run(folder: Path, origins: Sequence[tuple[str, str]], progress: Progress) -> Comparison:
    config = config_for(folder)
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
    data = labelled(examples, rubrics, Tags([], {}), gazetteer, config, by_time=True)
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
    return Article(**{name: getattr(article, name) for name in Article.__struct_fields__ if name != "current"})


def _raw_words(train: Sequence[LabelledArticle], test: Sequence[LabelledArticle], into: Answers) -> None:
    """What a first attempt with scikit-learn looks like: every setting at its default."""
    vectorizer = TfidfVectorizer()
    model = LogisticRegression(max_iter=1000)
    model.fit(vectorizer.fit_transform(map(raw_text, train)), [article.rubric for article in train])
    probabilities = model.predict_proba(vectorizer.transform(map(raw_text, test)))
    into.labels += model.classes_[probabilities.argmax(axis=1)].tolist()
    into.scores += probabilities.max(axis=1).tolist()


def raw_text(article: LabelledArticle) -> str:
    return f"{article.title or ''}\n{article.lead or ''}\n{article.text or ''}"


def missed(comparison: Comparison) -> list[str]:
    """What of ASKED our system doesn't keep, a sentence each."""
    [ours] = [system for system in comparison.systems if system.name == OURS]
    assert ours.calibration_error is not None
    assert ours.calibration_floor is not None
    above = ours.calibration_error - ours.calibration_floor
    found = []
    if above > MOST_ABOVE_FLOOR:
        found.append(f"calibration error {above:.4f} above its floor, at most {MOST_ABOVE_FLOOR:.3f} was asked")
    if ours.accuracy.difference < LEAST_ACCURACY:
        found.append(f"accuracy {ours.accuracy.difference:+.4f}, at least +{LEAST_ACCURACY:.3f} was asked")
    if ours.macro_f1.difference < LEAST_MACRO_F1:
        found.append(f"macro-F1 {ours.macro_f1.difference:+.4f}, at least +{LEAST_MACRO_F1:.2f} was asked")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="One outlet over time, against raw words and LogisticRegression.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument(
        "--origins", type=int, choices=range(1, len(ORIGINS) + 1), default=len(ORIGINS),
        help="only so many origins, from the last",
    )  # fmt: skip
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    comparison = run(options.data, ORIGINS[-options.origins :], Progress())
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(comparison), indent=1) + b"\n")
    if options.html:
        about = {"origins": options.origins, "asked of rubricator": ASKED}
        options.html.write_text(render_comparison(comparison, title="One outlet over time", about=about), "utf-8")
    for line in summary(comparison):
        typer.echo(line)
    if failures := missed(comparison):
        typer.echo("".join(f"missed: {line}\n" for line in failures), nl=False)
        if options.origins == len(ORIGINS):
            raise SystemExit(1)


def summary(comparison: Comparison) -> Iterator[str]:
    """A line for each system, then what is asked."""
    for system in comparison.systems:
        accuracy, macro = system.accuracy, system.macro_f1
        yield (
            f"{system.name:<34}accuracy {accuracy.value:.4f} ({accuracy.difference:+.4f})  macro-F1 {macro.value:.4f} "
            f"({macro.difference:+.4f})  calibration error {system.calibration_error:.4f} "
            f"(floor {system.calibration_floor:.4f})"
        )
    yield f"{comparison.n} articles; asked of {OURS}: {ASKED}"


if __name__ == "__main__":
    main()
