"""What all commands say and take alike: settings, exit codes, lines for people and for machines."""

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.keeping import Keeping
    from service.registry import Registry
    from service.settings import Settings

FAILED, WRONG_USAGE = 1, 2

Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Reason = Annotated[str, typer.Option(help="Kept in the journal.")]


def settings() -> "Settings":
    from service.settings import read_settings

    return read_settings()


def registry(settings: "Settings") -> "Registry":
    from service.loading import open_registry

    return open_registry(settings)


@contextmanager
def kept(settings: "Settings") -> "Iterator[Keeping]":
    from service.loading import open_keeping

    keeping = open_keeping(settings)
    keeping.recall.look()
    keeping.writer.start()
    try:
        yield keeping
    finally:
        keeping.close()


def actor() -> str:
    """For the journal; who that is on a machine without user names doesn't matter."""
    return os.environ.get("USER", "")


def aside(message: str) -> None:
    typer.echo(message, err=True)


def json(value: object) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())


def stop(message: str, code: int) -> NoReturn:
    typer.echo(f"rubricator: {message}", err=True)
    raise typer.Exit(code)
