"""All protocols of quality, or those that are named: a page to look at, and the same as JSON.

    python -m training.protocols --data FOLDER --only regions --json out.json --html out.html

What falls short of what was asked is told line by line, and stays on the page; it is no error of the command.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import typer

from training.protocols.every import PROTOCOLS, all_of
from training.protocols.section import Asked, Section


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.protocols", description="How well rubricator answers.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--only", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS), metavar="NAME",
                        help=f"of {', '.join(PROTOCOLS)}")  # fmt: skip
    parser.add_argument("--jobs", type=_at_least_one, default=1, help="protocols at a time, each on one core")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    found = [section for its in all_of(options.only, options.data, options.jobs) for section in its]
    if options.json:
        options.json.write_bytes(as_json(found))
    if options.html:
        from training.quality_page import render  # draws with matplotlib, 0.7 s to import

        options.html.write_text(render(found, about={"protocols": ", ".join(options.only)}), "utf-8")
    for line in summary(found):
        typer.echo(line)


def _at_least_one(written: str) -> int:
    if not written.isdecimal() or int(written) < 1:
        raise argparse.ArgumentTypeError(f"{written!r} is no whole number from 1 on")
    return int(written)


def as_json(sections: Sequence[Section]) -> bytes:
    """The sections without their drawings, each figure with whether it is kept."""
    plain = []
    for section in sections:
        data = msgspec.to_builtins(msgspec.structs.replace(section, plots=()))
        del data["plots"]
        data["asked"] = [{**one, "kept": asked.kept} for one, asked in zip(data["asked"], section.asked, strict=True)]
        plain.append(data)
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


def summary(sections: Sequence[Section]) -> Iterator[str]:
    """A line for each figure asked for, then what was missed once more."""
    short = []
    for section in sections:
        yield f"{section.title}: {section.n} articles"
        for one in section.asked:
            yield f"  {'kept' if one.kept else 'short':<7}{told(one)}"
            if not one.kept:
                short.append(f"missed: {section.title}: {told(one)}")
    yield from short


def told(one: Asked) -> str:
    got = "not measured" if one.got is None else _told(one.got, 4)
    bound = f"at most {_told(one.most, 3)}" if one.most is not None else f"at least {_told(one.least or 0.0, 3)}"
    return f"{one.what}: {got}, {bound} was asked{f' ({one.note})' if one.note else ''}"


def _told(value: float, digits: int) -> str:
    return f"{value:,.{digits if abs(value) < 10 else 1}f}"


if __name__ == "__main__":
    main()
