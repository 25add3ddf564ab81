"""`rubricator models`: versions of the model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from service.commands import terminal
from service.commands.terminal import FAILED, WRONG_USAGE, Json, Reason

models = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Versions of the model: which one answers.")


@models.command("list")
def list_models(as_json: Json = False) -> None:
    """The versions that are here, the active one with a star: what they learnt from, and how well."""
    from service.aging import Aging
    from service.listing import listed, table

    settings = terminal.settings()
    versions = listed(terminal.registry(settings))
    if as_json:
        for each in versions:
            terminal.json(each)
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

    registry = terminal.registry(terminal.settings())
    path = registry.path(version or active_version(registry))
    manifest = artifact.inspect(path)
    if as_json:
        import msgspec

        terminal.json({"version": path.name, **msgspec.to_builtins(manifest)})
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

    settings = terminal.settings()
    registry = terminal.registry(settings)
    before, after = (active_version(registry) if name == "active" else name for name in (before, after))
    tests = [one.article for name in (before, after) for one in artifact.inspect(registry.path(name)).self_test]
    sample = list({one.id: one for one in tests}.values())
    if data is not None:
        if not data.is_file():
            terminal.stop(f"{data} is not a file: name one of articles, JSON lines", WRONG_USAGE)
        sample = []
        for number, record in open_lines(data):
            try:
                sample.append(decode_article(record)[0])
            except RecordError as error:
                terminal.stop(f"{data}, line {number}: {error}", FAILED)
        if not sample:
            terminal.stop(f"there are no articles in {data}", WRONG_USAGE)
    old, new = (registry.load(name, loader(settings)) for name in (before, after))
    found = diff(old, new, sample)
    if as_json:
        import msgspec

        terminal.json(msgspec.to_builtins(found))
    else:
        for line in lines_of(found):
            typer.echo(line)


@models.command()
def activate(version: str, reason: Reason = "", as_json: Json = False) -> None:
    """Let a version answer, after verifying it; running services take it over within a second."""
    _told(terminal.registry(terminal.settings()).activate(version, reason, terminal.actor()), as_json)


@models.command()
def rollback(reason: Reason = "", as_json: Json = False) -> None:
    """Let the version before answer again."""
    _told(terminal.registry(terminal.settings()).rollback(reason, terminal.actor()), as_json)


@models.command()
def verify(
    version: Annotated[str, typer.Argument(help="The active one if none is named.")] = "", as_json: Json = False
) -> None:
    """Load a version as the service would, and repeat its self-test."""
    from service.loading import active_version

    registry = terminal.registry(terminal.settings())
    name = version or active_version(registry)
    registry.verify(name)
    if as_json:
        terminal.json({"version": name, "problem": None})
    else:
        typer.echo(f"{name} is as it was made and answers as it did then")


def _told(event: Any, as_json: bool) -> None:
    if as_json:
        import msgspec

        terminal.json(msgspec.to_builtins(event))
    else:
        typer.echo(f"{event.version} is active, before it was {event.previous}")
