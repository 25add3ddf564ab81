"""`rubricator corrections`: what editors decided, in and out."""

from pathlib import Path
from typing import Annotated

import typer

from service.commands import terminal
from service.commands.terminal import FAILED, WRONG_USAGE, Json

corrections = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What editors decided.")


@corrections.command("import")
def import_corrections(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="JSON lines, also .gz or .zst.")],
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 if any line could not be taken.")] = False,
    as_json: Json = False,
) -> None:
    """Take in corrections, or labelled articles as the export writes them; the same file again changes nothing."""
    settings = terminal.settings()
    if file != "-" and not Path(file).is_file():
        terminal.stop(f"{file} is not a file: name one, or - for standard input", WRONG_USAGE)
    from service.annotate import Door, OneModel
    from service.correction import Suggester
    from service.importing import Imported, import_lines
    from service.lines import open_lines
    from service.loading import open_model
    from service.progress import progress

    model = open_model(settings)
    done = Imported()
    with terminal.kept(settings) as keeping, progress("corrections") as report:
        door = Door(
            OneModel(model), recall=keeping.recall, terms=keeping.terms, audits=keeping.audits,
            calibrations=keeping.calibrations,
        )  # fmt: skip
        suggester = Suggester(lambda article: door.annotate([article])[0], door.take().labels)
        for done in import_lines(open_lines(file), keeping, suggester, _refused_line):
            report(done.new + done.before + done.refused)
    if as_json:
        terminal.json({"new": done.new, "before": done.before, "refused": done.refused})
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
    with (
        terminal.kept(terminal.settings()) as keeping,
        keeping.readers.one() as connection,
        write_lines(output) as write,
    ):
        for line in export(connection):
            write(line)
            count += 1
    typer.echo(f"{count} articles", err=True)


def _refused_line(number: int, reason: str) -> None:
    typer.echo(f"line {number}: {reason}", err=True)
