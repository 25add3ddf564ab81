"""`rubricator annotate`."""

import gc
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.commands import terminal
from service.commands.terminal import FAILED, WRONG_USAGE


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
    settings = terminal.settings()
    if file != "-" and not Path(file).is_file():
        terminal.stop(f"{file} is not a file: name one, or - for standard input", WRONG_USAGE)
    from service.annotate import HEADS, Door, OneModel, Options
    from service.annotate_file import annotate_lines
    from service.lines import open_lines, write_lines
    from service.loading import open_keeping, open_model, open_registry, outlets_of
    from service.progress import progress

    wanted = frozenset(map(str.strip, heads.split(",")))
    if unknown := wanted - HEADS:
        terminal.stop(f"--heads: there is no {min(unknown)!r}, name some of {', '.join(sorted(HEADS))}", WRONG_USAGE)
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
