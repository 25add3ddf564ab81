"""`rubricator vocabulary`."""

from typing import Annotated

import typer

from service.commands import terminal

vocabulary = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tags that editors added or changed.")


@vocabulary.command("export")
def export_vocabulary(
    output: Annotated[str, typer.Option(help="A file, also .gz or .zst; - is standard output.")] = "-",
) -> None:
    """Write tags that editors changed, label and synonyms parted by tabs: `[tags] vocabulary` of training."""
    from service import terms
    from service.lines import write_lines

    count = 0
    with (
        terminal.kept(terminal.settings()) as keeping,
        keeping.readers.one() as connection,
        write_lines(output) as write,
    ):
        for names in terms.read(connection).names().values():
            write("\t".join(names).encode())
            count += 1
    typer.echo(f"{count} tags", err=True)
