"""Tables for people to go through: open in any spreadsheet, and nothing in them is run there."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """As Russian spreadsheets read it: cells parted by semicolons. A cell that begins as a formula does would be run:
    it gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def write(path: Path, content: str) -> None:
    path.write_text(content, "utf-8-sig", newline="")


def _harmless(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text
