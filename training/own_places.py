"""A newsroom's own geography: its region, and districts, towns and villages that no gazetteer has."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from service.inference.article import Level
from training.config import ConfigError

COLUMNS = ("id", "label", "level", "parent", "forms")
LEVELS = ("district", "place")
FORMS = re.compile(r"\s*[;|]\s*")


class PlacesError(ConfigError):
    """A file of own places or a home region that can't be used: says which line, and what to write."""


class OwnPlace(NamedTuple):
    """`forms` are exact spellings besides the declined forms of `label`; an empty `parent` is the home region."""

    id: str
    label: str
    level: Level
    parent: str
    forms: tuple[str, ...]
    where: str  # "places.tsv line 3"


class Newsroom(NamedTuple):
    home_region: str = ""
    places: Sequence[OwnPlace] = ()


NO_NEWSROOM = Newsroom()


def newsroom(home_region: str, file: str | Path) -> Newsroom:
    """`file` is empty for a newsroom without places of its own."""
    return Newsroom(home_region, tuple(_read(Path(file))) if file else ())


def _read(path: Path) -> Iterator[OwnPlace]:
    """Rows of a TSV with a header, or of JSONL by the name's ending. A parent stands before what lies in it."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # splitlines would cut at U+2028 too, inside a string
    except (OSError, UnicodeDecodeError) as error:
        raise PlacesError(f"places {path} can't be read: {error}") from error
    rows = _objects(lines, path) if path.suffix in (".jsonl", ".ndjson") else _columns(lines, path)
    for number, row in rows:
        yield _place(row, f"{path.name} line {number}")


def _columns(lines: Sequence[str], path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    wanted = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    reader = csv.reader((line for _, line in wanted), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(reader, [])
    if unknown := set(header) ^ (set(header) & set(COLUMNS)):
        raise PlacesError(
            f"places {path}: unknown columns {', '.join(sorted(unknown))}; known are {', '.join(COLUMNS)}"
        )
    for (number, _), row in zip(wanted[1:], reader, strict=True):
        yield number, dict(zip(header, row, strict=False))


def _objects(lines: Sequence[str], path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise PlacesError(f"places, {path.name} line {number}: not a JSON object: {error}") from error
            if unknown := set(row) - set(COLUMNS):
                raise PlacesError(f"places, {path.name} line {number}: unknown {', '.join(sorted(unknown))}")
            yield number, row


def _place(row: Mapping[str, Any], where: str) -> OwnPlace:
    id_, label, level, parent = (" ".join(str(row.get(name) or "").split()) for name in COLUMNS[:4])
    forms = row.get("forms") or ()
    if isinstance(forms, str):
        forms = FORMS.split(forms.strip())
    if not id_ or not re.search(r"\w", label):
        raise PlacesError(f"places, {where}: id and label have to be there")
    if level not in LEVELS or level not in get_args(Level):
        raise PlacesError(f"places, {where}: level {level!r} has to be one of {', '.join(LEVELS)}")
    return OwnPlace(id_, label, level, parent, tuple(form for form in forms if form), where)  # type: ignore[arg-type]
