"""`rubricator retrain`: what it says on the terminal, and when it is time; retrain.py does the work."""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from service.registry import Registry
    from training.of_two_minds import Contradiction
    from training.retrain import Record, Retrained

FAILED = 1
LOOK = 60.0  # seconds between two looks at the clock and the journal


def retrain(
    config: Annotated[Path | None, typer.Option(help="Training config, TOML; without it the defaults hold.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="A file or folder of labelled articles; may be repeated.")
    ] = None,
    activate: Annotated[bool, typer.Option("--activate", help="Answer with the challenger if it passes.")] = False,
    force: Annotated[
        str, typer.Option(metavar="REASON", help="Take it whatever speaks against it; the reason is kept.")
    ] = "",
    after: Annotated[int, typer.Option(min=0, help="Only if there are so many new corrections.")] = 0,
    at: Annotated[int | None, typer.Option(min=0, max=23, help="Stay, and do it each day at this hour, UTC.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Learn from corrections and compare with the model in use."""
    from training.commands import told

    if at is None:
        with told():
            passed = _once(config, data or [], after, force, activate=activate, as_json=as_json)
        raise typer.Exit(0 if passed else FAILED)
    last: date | None = None
    while True:
        last = _waited(at, last)
        try:
            with told():
                _once(config, data or [], after, force, activate=activate, as_json=as_json)
        except SystemExit:  # it has been told why; tomorrow is another day
            continue


def _once(config: Path | None, data: list[Path], after: int, force: str, *, activate: bool, as_json: bool) -> bool:
    """Whether there was nothing to do or the challenger passed."""
    from service.inference import artifact
    from service.loading import active_version, open_keeping, open_model, open_registry
    from service.records import Rejects
    from service.settings import read_settings
    from training import retrain as procedure
    from training.commands import RejectsFile, tell_notes, tell_rejects
    from training.config import load
    from training.morphology import remembered
    from training.progress import Progress
    from training.taught import taught

    settings = read_settings()
    registry = open_registry(settings)
    current = active_version(registry)
    keeping = open_keeping(settings)
    with keeping.readers.one() as connection, taught(connection) as corrections:
        new = corrections.until - _known(registry, current)
        if new < after:
            typer.echo(f"{new} new corrections, {after} are waited for: nothing to do", err=True)
            return True
        wanted = load(config, data or ([settings.data] if settings.data else []))
        kept = RejectsFile(settings.home / "rejects")
        rejects = Rejects(kept.write)
        try:
            with remembered(settings.cache):
                found = procedure.retrain(
                    wanted, corrections, open_model(settings, current), artifact.inspect(registry.path(current)),
                    rejects, Progress(), datetime.now(UTC).date(), forced=bool(force),
                )  # fmt: skip
        finally:
            tell_rejects(rejects.reasons, kept.close())
    tell_notes((*found.trained.notes, *found.record.notes))
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        directory = Path(folder) / "model"
        found.trained.write(directory, compress=wanted.artifact.compress, signing_key=settings.signing_key)
        version = registry.add(directory, reason=_summary(found.record), actor="rubricator retrain")
    _keep(registry, version, found.record)
    _list(registry, version, found.contradictions)
    passed = found.record.passed
    activated = activate and (passed or bool(force))
    if activated:
        reason = _summary(found.record) + (f"; forced: {force}" if force else "")
        registry.activate(version, reason=reason, actor="rubricator retrain")
    _tell(found, version, activated=activated, as_json=as_json)
    return passed or activated or not found.record.judges


def _summary(record: "Record") -> str:
    if not record.judges:
        return f"not compared with {record.against}: no articles that it has not learnt from"
    if record.passed:
        return f"gate passed against {record.against} on {record.judges} articles"
    fell = ", ".join(f"{one.label} {one.before:.2f} -> {one.after:.2f}" for one in record.verdict.falls)
    return f"gate refused against {record.against} on {record.judges} articles: {fell}"


def _tell(found: "Retrained", version: str, *, activated: bool, as_json: bool) -> None:
    record = found.record
    if as_json:
        answer = {
            "version": version,
            "activated": activated,
            "passed": record.passed,
            **msgspec.to_builtins(record),
        }
        typer.echo(msgspec.json.encode(answer).decode())
        return
    for one in record.verdict.changes:
        mark = "  FELL" if one.fell else ""
        typer.echo(
            f"{one.after - one.before:+.3f}  {one.before:.3f} -> {one.after:.3f}  {one.label} ({one.support}){mark}",
            err=True,
        )
    typer.echo(_summary(record), err=True)
    if not activated:
        typer.echo(f"it does not answer yet: rubricator models activate {version}", err=True)
    typer.echo(version)


def _keep(registry: "Registry", version: str, record: "Record") -> None:
    registry.gates.mkdir(parents=True, exist_ok=True)
    beside = registry.gates / f".{version}.new"
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    beside.replace(registry.gates / f"{version}.json")


def _list(registry: "Registry", version: str, contradictions: "Sequence[Contradiction]") -> None:
    """Beside the verdict, and told: somebody should go through them before the next retraining."""
    from training.of_two_minds import listed
    from training.spreadsheet import write

    if contradictions:
        path = registry.gates / f"{version}-contradictions.csv"
        write(path, listed(contradictions))
        typer.echo(f"{len(contradictions)} contradictions in what editors decided, to go through: {path}", err=True)


def _known(registry: "Registry", version: str) -> int:
    """The newest line of the journal that this version learnt from."""
    from training.retrain import Record

    try:
        return msgspec.json.decode((registry.gates / f"{version}.json").read_bytes(), type=Record).until
    except (OSError, msgspec.MsgspecError):
        return 0


def _waited(hour: int, last: date | None) -> date:
    """Returns when the clock shows that hour on another day than the last."""
    while (now := datetime.now(UTC)).hour != hour or now.date() == last:
        time.sleep(LOOK)
    return now.date()
