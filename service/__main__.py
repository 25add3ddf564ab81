"""The command line. `--help` answers at once: what a command needs, it imports when it is called."""

import os
import sys
from pathlib import Path

import typer

from service.commands.annotate import annotate
from service.commands.corrections import corrections
from service.commands.elsewhere import Commands
from service.commands.models import models
from service.commands.retag import retagging
from service.commands.serve import serve
from service.commands.terminal import FAILED, WRONG_USAGE
from service.commands.upkeep import audits, calibrate, doctor, prune
from service.commands.vocabulary import vocabulary

# without rich's markup, --help doesn't import rich: 0.1 s
app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
for command in (serve, annotate, prune, audits, calibrate, doctor):
    app.command()(command)
app.add_typer(models, name="models")
app.add_typer(corrections, name="corrections")
app.add_typer(vocabulary, name="vocabulary")
app.add_typer(retagging, name="retag")


@app.callback()
def rubricator() -> None:
    """Rubrics, regions and tags for Russian news articles."""


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
