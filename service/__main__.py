"""The command line. `--help` answers at once: what a command needs, it imports when it is called."""

import gc
import os
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from service.keeping import Keeping
    from service.registry import Registry
    from service.settings import Settings

FAILED, WRONG_USAGE = 1, 2

# one line each for --help, which must not import what is behind them
ELSEWHERE = {
    "train": "Learn a model from labelled articles.",
    "adopt": "Learn a newsroom's own rubrics and tags from its archive.",
    "evaluate": "Measure a model on labelled articles.",
    "retrain": "Learn from corrections and compare with the model in use.",
}


class Elsewhere(TyperCommand):
    """A command of another package, imported when it is called or asked for its own help."""

    def __init__(self, entry_point: "EntryPoint") -> None:
        super().__init__(entry_point.name, help=ELSEWHERE.get(entry_point.name, "See its own --help."))
        self._entry_point = entry_point

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._command().make_context(info_name, args, parent, **extra)

    def _command(self) -> Any:
        try:
            found = self._entry_point.load()
        except ModuleNotFoundError as error:
            package = self._entry_point.value.partition(".")[0]
            _stop(f"{package} is not installed here ({error}): pip install 'rubricator[{package}]'", WRONG_USAGE)
        if hasattr(found, "make_context"):
            return found
        if not isinstance(found, typer.Typer):
            function, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
            found.command()(function)
        return get_command(found)


class Commands(TyperGroup):
    """Those of this file, then those that other packages registered."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(name for name in _elsewhere() if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or _elsewhere().get(cmd_name)


@cache
def _elsewhere() -> dict[str, Elsewhere]:
    from importlib.metadata import entry_points

    return {each.name: Elsewhere(each) for each in entry_points(group="rubricator.commands")}


# without rich's markup, --help doesn't import rich: 0.1 s
app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
models = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Versions of the model: which one answers.")
app.add_typer(models, name="models")
corrections = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What editors decided.")
app.add_typer(corrections, name="corrections")
vocabulary = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tags that editors added or changed.")
app.add_typer(vocabulary, name="vocabulary")


class ByDefault(TyperGroup):
    """`retag INPUT OUTPUT`, beside commands of its own: what names none of them is for the first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == next(iter(self.commands)) else name, command, rest


retagging = typer.Typer(cls=ByDefault, rich_markup_mode=None, help="Retag archives: files and folders of articles.")
app.add_typer(retagging, name="retag")

Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]


@app.callback()
def rubricator() -> None:
    """Rubrics, regions and tags for Russian news articles."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="0 picks a free one.  [default: 8000]", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer.  [default: 1]", min=1)] = None,
) -> None:
    """Answer over HTTP until SIGTERM or Ctrl-C."""
    from msgspec.structs import replace

    from service.server import serve as serve_until_told

    settings = _settings()
    given = {"host": host, "port": port, "workers": workers}
    serve_until_told(replace(settings, **{name: value for name, value in given.items() if value is not None}))


@app.command()
def annotate(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, also .gz or .zst; - is standard input.")],
    output: Annotated[str, typer.Option(help="A file, also .gz or .zst; - is standard output.")] = "-",
    model: Annotated[
        str, typer.Option(metavar="VERSION|PATH|baseline", help="Another than the active one.")
    ] = "active",
    heads: Annotated[
        str, typer.Option(help="What is answered: of rubric, regions and tags those that are needed.")
    ] = "rubric,regions,tags",
    explain: Annotated[Literal["none", "words"], typer.Option(help="words: which words spoke for a label.")] = "none",
    profile: Annotated[
        Literal["precision", "balanced", "recall"] | None,
        typer.Option(help="precision: fewer and surer labels; recall: more.  [default: balanced]", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="The most items of each list; else all, but five tags.", min=1, max=1000)
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 if any line could not be read.")] = False,
) -> None:
    """Annotate articles: one line of output for each line of input, in order."""
    settings = _settings()
    if file != "-" and not Path(file).is_file():
        _stop(f"{file} is not a file: name one, or - for standard input", WRONG_USAGE)
    from service.annotate import HEADS, Door, OneModel, Options
    from service.annotate_file import annotate_lines
    from service.lines import open_lines, write_lines
    from service.loading import open_keeping, open_model, open_registry, outlets_of
    from service.progress import progress

    wanted = frozenset(map(str.strip, heads.split(",")))
    if unknown := wanted - HEADS:
        _stop(f"--heads: there is no {min(unknown)!r}, name some of {', '.join(sorted(HEADS))}", WRONG_USAGE)
    taken = open_model(settings, model)
    keeping = open_keeping(settings)
    recall = keeping.recall
    recall.look()
    if recall.problem:
        typer.echo(f"rubricator: {recall.problem}: editors' decisions are not heeded", err=True)
    door = Door(
        OneModel(taken), outlets_of(open_registry(settings)), recall, terms=keeping.terms, audits=keeping.audits,
        calibrations=keeping.calibrations,
    )  # fmt: skip
    answering = door.take()
    options = Options(wanted, explain == "words", limit, profile=profile or settings.profile)
    # answers hold no cycles, and the model need not be looked through for some: a twentieth of the time
    gc.freeze()
    gc.set_threshold(100_000)
    refused = 0
    with write_lines(output) as write, progress("articles") as report:
        for done in annotate_lines(open_lines(file), lambda lines: door.answer(answering, lines, options), write):
            report(done.annotated + done.refused)
            refused = done.refused
    if refused:
        typer.echo(f"{refused} of them could not be read: each says why in its place", err=True)
    raise typer.Exit(FAILED if strict and refused else 0)


@retagging.command("run")
def retag(
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="JSON lines (also .gz, .zst), Parquet, a folder, or a URL.")
    ],
    target: Annotated[str, typer.Argument(metavar="OUTPUT", help="The same again with new labels; may be INPUT.")],
    model: Annotated[
        str, typer.Option(metavar="VERSION|PATH|baseline", help="Another than the active one.")
    ] = "active",
    workers: Annotated[int | None, typer.Option(help="Processes.  [default: one for each core]", min=1)] = None,
    engine: Annotated[Literal["local", "dask"], typer.Option(help="dask: the workers of a cluster.")] = "local",
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of the cluster: tcp://HOST:8786, with --engine dask.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the job of this INPUT and OUTPUT.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write no OUTPUT.")] = False,
    only_changes: Annotated[
        bool, typer.Option("--only-changes", help="Write the records alone whose labels change.")
    ] = False,
    heads: Annotated[str, typer.Option(help="What is replaced; `rubric` only when it is named.")] = "regions,tags",
    accept: Annotated[
        Literal["auto", "review"], typer.Option(help="review: also what the model would show an editor.")
    ] = "auto",
    labels_by: Annotated[
        Literal["editor", "auto"],
        typer.Option(help="Who set plain `tags` and `regions`, which don't say it: editor's stay, auto's may go."),
    ] = "editor",
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Only what was published then or later.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Only what was published before.")] = None,
    rubric: Annotated[list[str] | None, typer.Option(help="Only articles of this rubric; may be repeated.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only articles with this tag; may be repeated.")] = None,
    ids: Annotated[Path | None, typer.Option(metavar="FILE", help="Only articles of these ids, one a line.")] = None,
    profile: Annotated[
        Literal["precision", "balanced", "recall"] | None,
        typer.Option(help="Of the model's decisions.  [default: balanced]", show_default=False),
    ] = None,
    max_change: Annotated[
        float, typer.Option(metavar="PERCENT", help="Stop before OUTPUT is touched if more articles change.", min=0)
    ] = 5.0,
    yes: Annotated[bool, typer.Option("--yes", help="However many articles change.")] = False,
    as_json: Json = False,
) -> None:
    """Give an archive the labels that the model decides today; those that people set stay.

    URLs are s3://BUCKET/KEY, and postgresql://USER@HOST/NAME?table=TABLE, whose results go into TABLE_rubricator.

    `rubricator retag jobs` lists jobs, `rubricator retag undo JOB` takes one back.
    """
    from service.jobs.command import asked_for, retag
    from service.jobs.telling import tell_outcome

    settings = _settings()
    if (engine == "dask") != (scheduler is not None) or (scheduler is not None and workers is not None):
        _stop("--engine dask and --scheduler ADDRESS go together, and --workers with neither", WRONG_USAGE)
    asked = asked_for(
        settings, source, target, heads=heads, accept=accept, labels_by=labels_by, since=since, until=until,
        rubrics=rubric or (), tags=tag or (), ids=ids, only_changes=only_changes, dry_run=dry_run, profile=profile,
    )  # fmt: skip
    limit = 1.0 if yes else max_change / 100
    job, outcome = retag(
        settings, asked, model, workers=workers, scheduler=scheduler, resume=resume, max_change=limit, tell=_aside
    )
    raise typer.Exit(tell_outcome(job, outcome, _json if as_json else None, typer.echo, _aside))


@retagging.command("jobs")
def list_jobs(as_json: Json = False) -> None:
    """The jobs that are kept here, the newest first."""
    from service.jobs.command import listed
    from service.jobs.telling import table

    found = listed(_settings())
    for each in found if as_json else table(found):
        _json(each) if as_json else typer.echo(each)


@retagging.command("undo")
def undo_job(job: Annotated[str, typer.Argument(metavar="JOB", help="As `retag jobs` names it.")]) -> None:
    """Put back what a job replaced, byte for byte, and remove what it made."""
    from service.jobs.command import undo

    typer.echo(f"{undo(_settings(), job)} files are as they were before the job {job}")


@models.command("list")
def list_models(as_json: Json = False) -> None:
    """The versions that are here, the active one with a star: what they learnt from, and how well."""
    from service.aging import Aging
    from service.listing import listed, table

    settings = _settings()
    versions = listed(_registry(settings))
    if as_json:
        for each in versions:
            _json(each)
    else:
        for line in table(versions):
            typer.echo(line)
        active = next((one for one in versions if one.active), None)
        if active is not None and (age := Aging(lambda _: active.newest_row, settings.model_max_age).of("")).too_old:
            typer.echo(f"the active one is old: {age}", err=True)


@models.command()
def show(
    version: Annotated[str, typer.Argument(help="The active one if none is named.")] = "", as_json: Json = False
) -> None:
    """What a version says of itself."""
    from service.inference import artifact
    from service.loading import active_version

    registry = _registry(_settings())
    path = registry.path(version or active_version(registry))
    manifest = artifact.inspect(path)
    if as_json:
        import msgspec

        _json({"version": path.name, **msgspec.to_builtins(manifest)})
    else:
        typer.echo((path / artifact.CARD).read_text(encoding="utf-8"))


@models.command("diff")
def diff_models(
    before: str,
    after: str,
    data: Annotated[
        Path | None, typer.Option(help="Articles to compare on, JSON lines; without it those of the self-tests.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What would change with another version: labels, the words behind them, articles labelled otherwise."""
    from service.inference import artifact
    from service.loading import active_version, loader
    from service.model_diff import diff, lines_of
    from service.records import RecordError, decode_article, open_lines

    settings = _settings()
    registry = _registry(settings)
    before, after = (active_version(registry) if name == "active" else name for name in (before, after))
    tests = [one.article for name in (before, after) for one in artifact.inspect(registry.path(name)).self_test]
    sample = list({one.id: one for one in tests}.values())
    if data is not None:
        if not data.is_file():
            _stop(f"{data} is not a file: name one of articles, JSON lines", WRONG_USAGE)
        sample = []
        for number, record in open_lines(data):
            try:
                sample.append(decode_article(record)[0])
            except RecordError as error:
                _stop(f"{data}, line {number}: {error}", FAILED)
        if not sample:
            _stop(f"there are no articles in {data}", WRONG_USAGE)
    old, new = (registry.load(name, loader(settings)) for name in (before, after))
    found = diff(old, new, sample)
    if as_json:
        import msgspec

        _json(msgspec.to_builtins(found))
    else:
        for line in lines_of(found):
            typer.echo(line)


@models.command()
def activate(version: str, reason: Reason = "", as_json: Json = False) -> None:
    """Let a version answer, after verifying it; running services take it over within a second."""
    _told(_registry(_settings()).activate(version, reason, _actor()), as_json)


@models.command()
def rollback(reason: Reason = "", as_json: Json = False) -> None:
    """Let the version before answer again."""
    _told(_registry(_settings()).rollback(reason, _actor()), as_json)


@models.command()
def verify(
    version: Annotated[str, typer.Argument(help="The active one if none is named.")] = "", as_json: Json = False
) -> None:
    """Load a version as the service would, and repeat its self-test."""
    from service.loading import active_version

    registry = _registry(_settings())
    name = version or active_version(registry)
    registry.verify(name)
    if as_json:
        _json({"version": name, "problem": None})
    else:
        typer.echo(f"{name} is as it was made and answers as it did then")


@corrections.command("import")
def import_corrections(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, also .gz or .zst.")],
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 if any line could not be taken.")] = False,
    as_json: Json = False,
) -> None:
    """Take in corrections, or labelled articles as the export writes them; the same file again changes nothing."""
    settings = _settings()
    if file != "-" and not Path(file).is_file():
        _stop(f"{file} is not a file: name one, or - for standard input", WRONG_USAGE)
    from service.annotate import Door, OneModel
    from service.correction import Suggester
    from service.importing import Imported, import_lines
    from service.lines import open_lines
    from service.loading import open_model
    from service.progress import progress

    model = open_model(settings)
    done = Imported()
    with _kept(settings) as keeping, progress("corrections") as report:
        door = Door(
            OneModel(model), recall=keeping.recall, terms=keeping.terms, audits=keeping.audits,
            calibrations=keeping.calibrations,
        )  # fmt: skip
        suggester = Suggester(lambda article: door.annotate([article])[0], door.take().labels)
        for done in import_lines(open_lines(file), keeping, suggester, _refused_line):
            report(done.new + done.before + done.refused)
    if as_json:
        _json({"new": done.new, "before": done.before, "refused": done.refused})
    else:
        typer.echo(f"{done.new} corrections are new, {done.before} were there before, {done.refused} were refused")
    raise typer.Exit(FAILED if strict and done.refused else 0)


@corrections.command("export")
def export_corrections(
    output: Annotated[str, typer.Option(help="A file, also .gz or .zst; - is standard output.")] = "-",
) -> None:
    """Write labelled articles for training: only what an editor has seen, each article's latest decisions."""
    from service.labelled import export
    from service.lines import write_lines

    count = 0
    with _kept(_settings()) as keeping, keeping.readers.one() as connection, write_lines(output) as write:
        for line in export(connection):
            write(line)
            count += 1
    typer.echo(f"{count} articles", err=True)


@vocabulary.command("export")
def export_vocabulary(
    output: Annotated[str, typer.Option(help="A file, also .gz or .zst; - is standard output.")] = "-",
) -> None:
    """Write tags that editors changed, label and synonyms parted by tabs: `[tags] vocabulary` of training."""
    from service import terms
    from service.lines import write_lines

    count = 0
    with _kept(_settings()) as keeping, keeping.readers.one() as connection, write_lines(output) as write:
        for names in terms.read(connection).names().values():
            write("\t".join(names).encode())
            count += 1
    typer.echo(f"{count} tags", err=True)


@app.command()
def prune(as_json: Json = False) -> None:
    """Remove kept answers that are too old or too many, by RUBRICATOR_PREDICTIONS_DAYS and _BYTES, and jobs of
    retagging that nobody has touched for RUBRICATOR_JOBS_DAYS: those can't be undone any more."""
    from service.jobs.job import prune as prune_jobs

    settings = _settings()
    with _kept(settings) as keeping:
        gone, sizes = keeping.prune(), keeping.sizes()
    jobs = prune_jobs(settings, settings.jobs_days)
    if as_json:
        _json({"pruned": gone, "jobs": jobs, **(sizes._asdict() if sizes else {})})
    elif sizes:
        kept = f"{sizes.predictions} answers of {sizes.predictions_bytes / 1e6:.1f} MB"
        typer.echo(f"{gone} answers and {jobs} jobs are gone, {kept} and {sizes.corrections} corrections are kept")


@app.command()
def audits(
    trust_again: Annotated[
        str, typer.Option(metavar="HEAD:ID", help="Let this label be auto again, and count its audits anew.")
    ] = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """How often `auto` was right, by editors who had not seen the label, of the model in use."""
    from datetime import UTC, datetime
    from functools import partial

    import msgspec

    from service.loading import active_version
    from service.store import audits as store

    settings = _settings()
    version = active_version(_registry(settings))
    with _kept(settings) as keeping:
        found = keeping.audits.of(version)
        if trust_again:
            head, _, id_ = trust_again.partition(":")
            label = next((one.label for one in found if (one.head, one.id) == (head, id_)), None)
            if label is None:
                _stop(f"no audit of {version} is of {trust_again}: without the option, all are listed", WRONG_USAGE)
            at = datetime.now(UTC).isoformat(timespec="seconds")
            row = partial(
                store.begin_anew,
                version=version,
                head=head,
                label=id_,
                name=label,
                at=at,
                actor=_actor(),
                reason=reason,
            )
            keeping.writer.do(row).result()
            typer.echo(f"«{label}» may be auto again; its audits are counted anew")
            return
    for one in found:
        if as_json:
            _json(msgspec.to_builtins(one))
        else:
            mark = "  FOR REVIEW" if one.held_back else ""
            interval = f"{one.precision:.2f} ({one.low:.2f} to {one.high:.2f}, aimed at {one.target})"
            typer.echo(f"{one.head}:{one.id}  «{one.label}»  {one.right} of {one.count} right: {interval}{mark}")
    if not found:
        typer.echo(f"no label of {version} was audited yet: editors' page, the queue «audit»", err=True)


@app.command()
def calibrate(
    undo: Annotated[bool, typer.Option("--undo", help="Let the model's own scores hold again.")] = False,
    as_json: Json = False,
) -> None:
    """Let the latest corrections move the active model's rubrics, and add those that it does not know, until it is
    trained again. The service does so by itself after every RUBRICATOR_CALIBRATE_AFTER corrections."""
    from service import calibrating

    settings = _settings()
    with _kept(settings) as keeping:
        if undo:
            typer.echo(f"{calibrating.take_back(settings, keeping)} answers by its own scores")
            return
        done = calibrating.calibrate(settings, keeping)
    if as_json:
        made = done.calibration
        new = [{"id": one.id, "label": one.label, "examples": one.examples} for one in made.new] if made else []
        version = made.version if made else None
        _json(
            {
                "model": done.model,
                "calibration": version,
                "articles": done.articles,
                "new": new,
                "without": list(done.without),
            }
        )
    else:
        typer.echo(calibrating.told(done))


@app.command()
def doctor() -> None:
    """Say what is the matter here: the model, the store, what was erased, jobs. Exit code 1 if anything is."""
    from service.aging import Aging
    from service.doctor import examine, unfinished
    from service.loading import newest_row_of, open_keeping

    settings = _settings()
    registry = _registry(settings)
    aging = Aging(newest_row_of(registry), settings.model_max_age)
    well = True
    found = examine(registry, registry.active(), open_keeping(settings), aging)
    for finding in (*found, *unfinished(settings)):
        typer.echo(f"{'ok  ' if finding.good else 'BAD '} {finding.text}")
        well &= finding.good
    raise typer.Exit(0 if well else FAILED)


@contextmanager
def _kept(settings: "Settings") -> "Iterator[Keeping]":
    from service.loading import open_keeping

    keeping = open_keeping(settings)
    keeping.recall.look()
    keeping.writer.start()
    try:
        yield keeping
    finally:
        keeping.close()


def _refused_line(number: int, reason: str) -> None:
    typer.echo(f"line {number}: {reason}", err=True)


def _settings() -> "Settings":
    from service.settings import read_settings

    return read_settings()


def _registry(settings: "Settings") -> "Registry":
    from service.loading import open_registry

    return open_registry(settings)


def _actor() -> str:
    """For the journal; who that is on a machine without user names doesn't matter."""
    return os.environ.get("USER", "")


def _told(event: Any, as_json: bool) -> None:
    if as_json:
        import msgspec

        _json(msgspec.to_builtins(event))
    else:
        typer.echo(f"{event.version} is active, before it was {event.previous}")


def _aside(message: str) -> None:
    typer.echo(message, err=True)


def _json(value: object) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"rubricator: {message}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Whatever is foreseen ends in one line and an exit code; a traceback is a bug."""
    if sys.stderr is None:  # closed by the caller, as daemons do
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    try:
        app(prog_name="rubricator")
    except BrokenPipeError:
        # whoever read our output has gone; the interpreter must not try to flush it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except Exception as error:
        if (code := _foreseen(error)) is None:
            raise
        typer.echo(f"rubricator: {error}", err=True)
        sys.exit(code)


def _foreseen(error: Exception) -> int | None:
    from service.inference.manifest import ArtifactError
    from service.jobs.plan import JobError, WrongUsageError
    from service.lines import DamagedFileError
    from service.server import CannotListenError
    from service.settings import SettingsError
    from service.store.database import StoreError

    if isinstance(error, (SettingsError, WrongUsageError)):
        return WRONG_USAGE
    foreseen = (ArtifactError, CannotListenError, DamagedFileError, JobError, StoreError, OSError)
    return FAILED if isinstance(error, foreseen) else None


if __name__ == "__main__":
    main()
