"""`rubricator retag`, its jobs and their undoing."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from service.commands import terminal
from service.commands.terminal import WRONG_USAGE, Json


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

    settings = terminal.settings()
    if (engine == "dask") != (scheduler is not None) or (scheduler is not None and workers is not None):
        terminal.stop("--engine dask and --scheduler ADDRESS go together, and --workers with neither", WRONG_USAGE)
    asked = asked_for(
        settings, source, target, heads=heads, accept=accept, labels_by=labels_by, since=since, until=until,
        rubrics=rubric or (), tags=tag or (), ids=ids, only_changes=only_changes, dry_run=dry_run, profile=profile,
    )  # fmt: skip
    limit = 1.0 if yes else max_change / 100
    job, outcome = retag(
        settings,
        asked,
        model,
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        max_change=limit,
        tell=terminal.aside,
    )
    raise typer.Exit(tell_outcome(job, outcome, terminal.json if as_json else None, typer.echo, terminal.aside))


@retagging.command("jobs")
def list_jobs(as_json: Json = False) -> None:
    """The jobs that are kept here, the newest first."""
    from service.jobs.command import listed
    from service.jobs.telling import table

    found = listed(terminal.settings())
    for each in found if as_json else table(found):
        terminal.json(each) if as_json else typer.echo(each)


@retagging.command("undo")
def undo_job(job: Annotated[str, typer.Argument(metavar="JOB", help="As `retag jobs` names it.")]) -> None:
    """Put back what a job replaced, byte for byte, and remove what it made."""
    from service.jobs.command import undo

    typer.echo(f"{undo(terminal.settings(), job)} files are as they were before the job {job}")
