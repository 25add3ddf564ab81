"""What an operator calls now and then: `rubricator prune`, `audits`, `calibrate`, `doctor`."""

from typing import Annotated

import typer

from service.commands import terminal
from service.commands.terminal import FAILED, WRONG_USAGE, Json, Reason


def prune(as_json: Json = False) -> None:
    """Remove kept answers that are too old or too many, by RUBRICATOR_PREDICTIONS_DAYS and _BYTES, and jobs of
    retagging that nobody has touched for RUBRICATOR_JOBS_DAYS: those can't be undone any more."""
    from service.jobs.job import prune as prune_jobs

    settings = terminal.settings()
    with terminal.kept(settings) as keeping:
        gone, sizes = keeping.prune(), keeping.sizes()
    jobs = prune_jobs(settings, settings.jobs_days)
    if as_json:
        terminal.json({"pruned": gone, "jobs": jobs, **(sizes._asdict() if sizes else {})})
    elif sizes:
        kept = f"{sizes.predictions} answers of {sizes.predictions_bytes / 1e6:.1f} MB"
        typer.echo(f"{gone} answers and {jobs} jobs are gone, {kept} and {sizes.corrections} corrections are kept")


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

    settings = terminal.settings()
    version = active_version(terminal.registry(settings))
    with terminal.kept(settings) as keeping:
        found = keeping.audits.of(version)
        if trust_again:
            head, _, id_ = trust_again.partition(":")
            label = next((one.label for one in found if (one.head, one.id) == (head, id_)), None)
            if label is None:
                terminal.stop(
                    f"no audit of {version} is of {trust_again}: without the option, all are listed", WRONG_USAGE
                )
            at = datetime.now(UTC).isoformat(timespec="seconds")
            row = partial(
                store.begin_anew,
                version=version,
                head=head,
                label=id_,
                name=label,
                at=at,
                actor=terminal.actor(),
                reason=reason,
            )
            keeping.writer.do(row).result()
            typer.echo(f"«{label}» may be auto again; its audits are counted anew")
            return
    for one in found:
        if as_json:
            terminal.json(msgspec.to_builtins(one))
        else:
            mark = "  FOR REVIEW" if one.held_back else ""
            interval = f"{one.precision:.2f} ({one.low:.2f} to {one.high:.2f}, aimed at {one.target})"
            typer.echo(f"{one.head}:{one.id}  «{one.label}»  {one.right} of {one.count} right: {interval}{mark}")
    if not found:
        typer.echo(f"no label of {version} was audited yet: editors' page, the queue «audit»", err=True)


def calibrate(
    undo: Annotated[bool, typer.Option("--undo", help="Let the model's own scores hold again.")] = False,
    as_json: Json = False,
) -> None:
    """Let the latest corrections move the active model's rubrics, and add those that it does not know, until it is
    trained again. The service does so by itself after every RUBRICATOR_CALIBRATE_AFTER corrections."""
    from service import calibrating

    settings = terminal.settings()
    with terminal.kept(settings) as keeping:
        if undo:
            model = calibrating.take_back(settings, keeping)
            if as_json:
                terminal.json({"model": model, "calibration": None})
            else:
                typer.echo(f"{model} answers by its own scores")
            return
        done = calibrating.calibrate(settings, keeping)
    if as_json:
        made = done.calibration
        new = [{"id": one.id, "label": one.label, "examples": one.examples} for one in made.new] if made else []
        version = made.version if made else None
        terminal.json(
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


def doctor() -> None:
    """Say what is the matter here: the model, the store, what was erased, jobs. Exit code 1 if anything is."""
    from service.aging import Aging
    from service.doctor import examine, unfinished
    from service.loading import newest_row_of, open_keeping

    settings = terminal.settings()
    registry = terminal.registry(settings)
    aging = Aging(newest_row_of(registry), settings.model_max_age)
    well = True
    found = examine(registry, registry.active(), open_keeping(settings), aging)
    for finding in (*found, *unfinished(settings)):
        typer.echo(f"{'ok  ' if finding.good else 'BAD '} {finding.text}")
        well &= finding.good
    raise typer.Exit(0 if well else FAILED)
