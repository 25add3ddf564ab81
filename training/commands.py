"""`rubricator train` and `rubricator evaluate`: what they say on the terminal; run.py and evaluate.py do the work."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

ERRORS_EXIT = 1


def train(
    config: Annotated[Path | None, typer.Option(help="Training config, TOML; without it the defaults hold.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="A file or folder of labelled articles; may be repeated.")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Model to start from: not yet possible.", hidden=True)] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Answer with the new model at once.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the model to this folder instead of the registry.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead of the version.")] = False,
) -> None:
    """Learn rubrics, tags and regions from labelled articles."""
    from service.loading import open_registry
    from service.records import Rejects
    from service.settings import read_settings
    from training import run
    from training.config import load
    from training.progress import Progress

    with told():
        settings = read_settings()
        wanted = load(config, data or ([settings.data] if settings.data else []))
        if output is not None and activate:
            raise ValueError("--activate takes a model in the registry: leave out --output")
        rejects_file = settings.home / "rejects.jsonl"
        with rejects_to(rejects_file) as write:
            rejects = Rejects(write)
            trained = run.train(wanted, rejects, Progress())
        with tempfile.TemporaryDirectory(dir=_made(settings.home)) as folder:
            directory = output or Path(folder) / "model"
            version = trained.write(
                directory,
                compress=wanted.artifact.compress,
                with_report=wanted.artifact.report,
                signing_key=settings.signing_key,
            )
            if output is None:
                registry = open_registry(settings)
                registry.add(directory, reason="trained", actor="rubricator train")
                directory = registry.path(version)
                if activate:
                    registry.activate(version, reason="trained with --activate", actor="rubricator train")
        _tell_rejects(rejects, rejects_file)
        answer = {
            "version": version,
            "path": str(directory),
            "activated": activate,
            "rejects": rejects.count,
            "rejects_file": str(rejects_file),
        }
        typer.echo(msgspec.json.encode(answer).decode() if as_json else version)


def evaluate(
    data: Annotated[list[Path], typer.Option(help="A file or folder of labelled articles; may be repeated.")],
    model: Annotated[
        str, typer.Option(help="A version, a model's folder, or `baseline`; the active one by default.")
    ] = "active",
    config: Annotated[
        Path | None, typer.Option(help="A training config whose corpora and rubric maps to read by.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the measures here.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write the report page here.")] = None,
) -> None:
    """Measure a model on labelled articles, by the very code that answers newsrooms."""
    from service.loading import open_model
    from service.records import Rejects
    from service.settings import read_settings
    from training import gazetteer, run
    from training.config import load
    from training.evaluate import evaluate as measure
    from training.examples import load as read_examples
    from training.progress import Progress
    from training.report import render

    with told():
        settings = read_settings()
        progress = Progress()
        annotator = open_model(settings, model)
        rejects = Rejects()
        with progress.step("reading"):
            examples = read_examples(load(config, data), rejects)
        articles = [row.article for row in examples.rows]
        with progress.step(f"annotating {len(articles)} articles"):
            result = measure(annotator, articles, label_map=run.labels_of(annotator, gazetteer.build()))
        _tell_rejects(rejects, None)
        if json_file:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(result.as_json()), indent=1) + b"\n")
        if html_file:
            about = {"data": ", ".join(path.name for path in data), "articles": len(articles)}
            html_file.write_text(
                render(result, title="Evaluation", model_version=annotator.version, about=about), "utf-8"
            )
        for line in summary(result):
            typer.echo(line)


def summary(result: Any) -> Iterator[str]:
    """The headline figures, a line each."""
    figures = {
        "rubric accuracy": result.rubric.accuracy,
        "rubric macro-F1": result.rubric.macro_f1,
        "calibration error": result.rubric.calibration_error,
        "tags micro-F1": result.tags.micro_f1,
        "tags P@1": result.tags.p_at_1,
    }
    yield f"{result.n} articles"
    for name, value in figures.items():
        if value is not None:
            yield f"{name:<20}{value:.3f}"
    for level, measures in result.regions.items():
        yield f"{'regions, ' + level:<20}{measures.f1:.3f} F1"


@contextmanager
def told() -> Iterator[None]:
    """What the person can mend is a sentence on stderr and exit code 1; the rest are bugs and show their trace."""
    from service.inference.artifact import ArtifactError
    from service.records import DamagedFileError, RecordError
    from training.config import ConfigError
    from training.examples import EmptyTrainingSetError
    from training.readers.csv import TableError
    from training.split import SplitError

    known = (ArtifactError, ConfigError, DamagedFileError, EmptyTrainingSetError, RecordError, SplitError, TableError)
    try:
        yield
    except (*known, OSError, ValueError) as error:
        typer.echo(f"rubricator: {error}", err=True)
        sys.exit(ERRORS_EXIT)


@contextmanager
def rejects_to(path: Path) -> Iterator[Any]:
    """Rejected rows, a line each, kept even if the run fails: they may be the reason why."""
    _made(path.parent)
    with path.open("wb") as file:
        yield lambda line: file.write(line + b"\n")


def _tell_rejects(rejects: Any, file: Path | None) -> None:
    for reason, count in rejects.reasons.most_common(10):
        typer.echo(f"rejected {count}: {reason}", err=True)
    if rejects.count and file:
        typer.echo(f"all {rejects.count} rejects, with file and line: {file}", err=True)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
