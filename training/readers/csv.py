"""Tables with a header line, as spreadsheets and databases export them: comma, semicolon or tab; UTF-8 or cp1251."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from service.inference.article import LabelledArticle
from service.records import open_lines
from training.readers import Rejects, Row

LONGEST_CELL = 1 << 24  # characters; Python's own limit of 131,072 is less than a long read's markup
PEEK = 50  # lines by which the encoding is told

# usual names of the columns, in small letters
COLUMNS = {
    "id": "id article_id uid guid",
    "title": "title headline heading заголовок название",
    "lead": "lead summary announce anons description subtitle лид анонс",
    "text": "text body content fulltext article текст",
    "body_html": "body_html html",
    "source": "source outlet publisher источник издание",
    "url": "url link ссылка",
    "published_at": "published_at published date pubdate datetime created_at дата",
    "rubric": "rubric category section topic рубрика категория раздел",
    "regions": "regions region geo places регионы регион",
    "tags": "tags tag keywords теги тэги метки",
}
_FIELDS = {name: field for field, names in COLUMNS.items() for name in names.split()}
_LABEL_LISTS = ("regions", "tags")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d\d?)[/.](\d\d?)")
_DAY_FIRST = re.compile(r"(\d\d?)[./-](\d\d?)[./-](\d{4})")


class TableError(Exception):
    """A table whose header can't be read, or names nothing we could use."""


def read(path: Path, rejects: Rejects) -> Iterator[Row]:
    """One row for each line of the table; columns that are no field of an article are handed on as `extra`."""
    for line, cells in cells_by_column(path, rejects):
        fields: dict[str, Any] = {
            _FIELDS[name.lower()]: value for name, value in cells.items() if value and name.lower() in _FIELDS
        }
        fields |= {name: tuple(split_labels(fields[name])) for name in _LABEL_LISTS if name in fields}
        if "published_at" in fields:
            fields["published_at"] = iso_date(fields["published_at"])
        if not any(fields.get(name) for name in ("title", "text", "body_html")):
            rejects.add(path, line, "title, text or body_html has to be there")
            continue
        extra = {name: value for name, value in cells.items() if name.lower() not in _FIELDS}
        yield Row(line, LabelledArticle(**fields), extra)


def iso_date(cell: str) -> str:
    """Spreadsheets write 14.12.2018 or 2018/12/14 where we want 2018-12-14; everything else stays as it is."""
    if found := _YEAR_FIRST.match(cell):
        year, month, day = found.groups()
    elif found := _DAY_FIRST.match(cell):
        day, month, year = found.groups()
    else:
        return cell
    return f"{year}-{int(month):02}-{int(day):02}"


def columns_of(line: bytes) -> list[str]:
    """The columns that a header names, [] if it names none that we know."""
    text = line.decode("utf-8" if _is_utf8(line) else "cp1251", "replace")
    try:
        columns = _columns(text)
    except csv.Error:
        return []
    return columns if any(name.lower() in _FIELDS for name in columns) else []


def _columns(header: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([header], delimiter=_delimiter(header)), [])]


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def cells_by_column(path: Path, rejects: Rejects) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The line a row starts on and its cells by the header's names."""
    csv.field_size_limit(LONGEST_CELL)
    lines = _text(path, rejects)
    first, header = next(((number, line) for number, line in enumerate(lines, 1) if line.strip()), (1, ""))
    try:
        columns = _columns(header)
    except csv.Error as error:
        raise TableError(
            f"{path}: the first line is no header of a table ({error}); do its lines end in \\n or \\r\\n?"
        ) from error
    if not any(name.lower() in _FIELDS for name in columns):
        raise TableError(f"{path}: no known column in the first line; name them {', '.join(COLUMNS)}")
    rows = csv.reader(lines, delimiter=_delimiter(header), strict=True)
    while True:
        start = first + rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            rejects.add(path, start, f"not CSV: {error}")
            continue
        if len(cells) == len(columns):
            yield start, dict(zip(columns, cells, strict=True))
        elif cells:
            rejects.add(
                path, start, f"{len(cells)} cells under {len(columns)} columns: is a quote or delimiter missing?"
            )


def split_labels(cell: str) -> Sequence[str]:
    """Labels in one cell are parted by the first of | ; , that is in it, so that «Москва, Кремль» can be one."""
    mark = next((mark for mark in "|;," if mark in cell), "|")
    return [label.strip() for label in cell.split(mark) if label.strip()]


def _text(path: Path, rejects: Rejects) -> Iterator[str]:
    """Lines with their ends, blank ones too: they may stand inside a quoted cell."""
    lines = iter(open_lines(path))
    peeked = [line for line, _ in zip(lines, range(PEEK), strict=False)]
    encoding = "utf-8" if all(_is_utf8(line) for _, line in peeked) else "cp1251"
    last = 0
    for number, line in _chained(peeked, lines):
        yield from "\n" * (number - last - 1)
        last = number
        try:
            yield line.removesuffix(b"\r").decode(encoding) + "\n"
        except UnicodeDecodeError as error:
            rejects.add(path, number, f"not {encoding}: {error.reason} at byte {error.start}")
            yield "\n"


def _chained(*parts: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for part in parts:
        yield from part


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
