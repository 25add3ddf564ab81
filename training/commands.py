"""`rubricator train` and `rubricator evaluate`: what they say on the terminal; run.py and evaluate.py do the work."""

import hashlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

if TYPE_CHECKING:
    from training.evaluation import Evaluation

FAILED, WRONG_USAGE = 1, 2
KINDS_TOLD = 10  # of rejects


def train(
    config: Annotated[Path | None, typer.Option(help="Training config, TOML; without it the defaults hold.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="A file or folder of labelled articles; may be repeated.")
    ] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Answer with the new model at once.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write the model to this folder instead of the registry.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead of the version.")] = False,
) -> None:
    """Learn rubrics, tags and regions from labelled articles."""
    if output is not None and activate:
        raise typer.BadParameter("only a model of the registry can answer: leave out --output", param_hint="--activate")
    from service.inference.decisions import ENOUGH_OF_A_SOURCE
    from service.loading import erased_articles, open_registry
    from service.records import Rejects
    from service.settings import read_settings
    from training import beforehand, run
    from training.config import load
    from training.morphology import remembered
    from training.progress import Progress

    with told():
        settings = read_settings()
        beforehand.check_home(settings.home)
        if output is not None:
            beforehand.check_folder("--output", output)
        beforehand.check_keys(settings.signing_key, settings.trusted_keys, activate=activate)
        wanted = load(config, data or ([settings.data] if settings.data else []))
        kept = RejectsFile(settings.home / "rejects")
        rejects = Rejects(kept.write)
        try:
            erased = erased_articles(settings)
            with remembered(settings.cache):
                trained = run.train(wanted, rejects, Progress(), today=date.today(), erased=erased)
        finally:  # they may be the reason why it failed
            rejects_file = kept.close()
            tell_rejects(rejects.reasons, rejects_file)
        tell_notes(trained.notes)
        if not run.may_publish(trained.calibrated):
            tell_notes([f"nothing will be `auto`: no outlet has {ENOUGH_OF_A_SOURCE} calibration articles"])
        with tempfile.TemporaryDirectory(dir=settings.home) as folder:
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
                else:
                    typer.echo(f"to let it answer: rubricator models activate {version}", err=True)
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
    profile: Annotated[
        Literal["precision", "balanced", "recall"] | None,
        typer.Option(help="Whose decisions to measure.  [default: balanced]", show_default=False),
    ] = None,
) -> None:
    """Measure a model on labelled articles, by the very code that answers newsrooms."""
    from msgspec.structs import replace

    from service.active import ACTIVE
    from service.inference import artifact
    from service.inference.profiles import BALANCED
    from service.loading import active_version, open_model, open_registry
    from service.records import Rejects
    from service.registry import UnknownVersionError
    from service.settings import read_settings
    from training import beforehand, gazetteer, notes, run
    from training.config import load
    from training.evaluate import evaluate as measure
    from training.examples import load as read_examples
    from training.overlap import overlap
    from training.progress import Progress
    from training.report import render

    with told():
        settings = read_settings()
        for option, file in (("--json", json_file), ("--html", html_file)):
            if file is not None:
                beforehand.check_file(option, file)
        progress = Progress()
        registry = open_registry(settings)
        name = active_version(registry) if model == ACTIVE else model
        annotator = open_model(settings, name)
        try:
            directory = registry.path(name)
        except UnknownVersionError:
            directory = Path(name)
        manifest = artifact.inspect(directory)
        rejects = Rejects()
        with progress.step("reading"):
            examples = read_examples(load(config, data), rejects)
        articles = [row.article for row in examples.rows]
        wanted = profile or settings.profile
        if wanted not in annotator.decisions.profiles:
            tell_notes([f"this model has no profile {wanted}, balanced is measured: train it again to have one"])
            wanted = BALANCED
        with progress.step(f"annotating {len(articles)} articles"):
            labels = run.labels_of(annotator, gazetteer.build(), manifest.labels.get("aliases", {}))
            result = measure(annotator, articles, label_map=labels, profile=wanted)
        seen = overlap(manifest, examples)
        doubts = (
            *notes.on_overlap(seen, len(examples)),
            *notes.on_future(examples, date.today()),
            *notes.on_labels(result, annotator.rubric.labels),
        )
        result = replace(result, model=annotator.version, overlap=seen, notes=(*doubts, *result.notes))
        tell_rejects(rejects.reasons)
        typer.echo(f"measured: model {annotator.version}, profile {wanted}", err=True)
        tell_notes([*notes.on_fields(examples), *notes.on_alphabets(examples), *result.notes])
        if json_file:
            json_file.write_bytes(msgspec.json.format(msgspec.json.encode(result.as_json()), indent=1) + b"\n")
        if html_file:
            about = {"data": ", ".join(path.name for path in data), "articles": len(articles)}
            html_file.write_text(render(result, title="Evaluation", about=about), "utf-8")
        for line in summary(result):
            typer.echo(line)


def summary(result: "Evaluation") -> Iterator[str]:
    """The headline figures, a line each, with their 95 % intervals; those that nothing can be said of are left out."""
    from training.evaluation import Share

    rubric, tags = result.rubric, result.tags
    unseen = rubric.decisions.get("auto", Share(0, None))
    figures = {
        "rubric accuracy": (rubric.accuracy, rubric.accuracy_interval),
        "rubric macro-F1": (rubric.macro_f1, rubric.macro_f1_interval),
        "calibration error": (rubric.calibration_error, None),
        "rubric auto, share": (unseen.n / rubric.n if rubric.n else None, None),
        "rubric auto, right": (unseen.right, None),
        "rubric not shown": (rubric.abstained, None),
        "tags micro-F1": (tags.micro_f1, tags.micro_f1_interval),
        "tags precision": (tags.precision, None),
        "tags recall": (tags.recall, None),
        "tags P@1": (tags.p_at_1, None),
    }
    for level in ("country", "subject", "city"):
        measured = getattr(result.regions, level)
        figures[f"regions, {level} F1"] = measured.f1, measured.f1_interval
    yield f"{result.n} articles"
    for name, (value, interval) in figures.items():
        if value is not None:
            # resamples of few articles that are all right or all wrong are all alike: that is no interval
            shown = f"  ({interval[0]:.3f} to {interval[1]:.3f})" if interval and interval[0] < interval[1] else ""
            yield f"{name:<20}{value:.3f}{shown}"


@contextmanager
def told() -> Iterator[None]:
    """What the person can mend is a sentence on stderr and an exit code; the rest are bugs and show their trace."""
    from service.inference.artifact import ArtifactError
    from service.inference.signature import KeyFileError
    from service.records import DamagedFileError, RecordError
    from service.settings import SettingsError
    from service.store.database import StoreError
    from training.beforehand import BeforehandError
    from training.config import ConfigError
    from training.examples import EmptyTrainingSetError
    from training.readers.csv import TableError
    from training.readers.detect import UnknownFormatError
    from training.readers.wordpress import WordPressError
    from training.split import SplitError
    from training.taught import RetrainingError

    known = (
        ArtifactError, BeforehandError, ConfigError, DamagedFileError, EmptyTrainingSetError, KeyFileError, RecordError,
        RetrainingError, SettingsError, SplitError, StoreError, TableError, UnknownFormatError, WordPressError,
    )  # fmt: skip
    try:
        yield
    except (*known, OSError) as error:
        typer.echo(f"rubricator: {error}", err=True)
        sys.exit(WRONG_USAGE if isinstance(error, SettingsError) else FAILED)


class RejectsFile:
    """Rejected rows, a line each, in a file named by what is in it: no later run writes over it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f".{os.getpid()}.jsonl"
        self._file = self._path.open("wb")
        self._digest = hashlib.sha256()

    def write(self, line: bytes) -> None:
        self._digest.update(line + b"\n")
        self._file.write(line + b"\n")

    def close(self) -> Path:
        self._file.close()
        return self._path.replace(self._path.with_name(f"{self._digest.hexdigest()[:16]}.jsonl"))


def tell_notes(notes: Iterable[str]) -> None:
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def tell_rejects(reasons: Mapping[str, int], file: Path | None = None) -> None:
    from training.examples import kind_of

    kinds: Counter[str] = Counter()
    for reason, count in reasons.items():
        kinds[kind_of(reason)] += count
    for kind, count in kinds.most_common(KINDS_TOLD):
        typer.echo(f"rejected {count}: {kind}", err=True)
    if kinds and file:
        typer.echo(f"all {kinds.total()} rejects, with file and line: {file}", err=True)
