"""Which format a newsroom's archive has, told by its first lines: names of files say little."""

from itertools import islice
from pathlib import Path

from service.records import open_lines
from training.config import Format
from training.readers.csv import columns_of

LENTA = {"url", "title", "text", "topic", "tags"}
PEEK = 5  # lines


class UnknownFormatError(Exception):
    """A file that is neither JSON lines, nor a table, nor an export of WordPress; or empty."""


def detect(path: Path) -> Format:
    """Reads the first lines."""
    if not path.is_file():
        raise UnknownFormatError(f"{path} is a folder: name the file" if path.is_dir() else f"there is no file {path}")
    head = [line for _, line in islice(open_lines(path), PEEK)]
    if not head:
        raise UnknownFormatError(f"{path} is empty: there is nothing to learn from")
    first = head[0].lstrip()
    if first.startswith(b"<"):
        return "wordpress"
    if first.startswith(b"{"):
        return "records"
    if first.startswith(b"["):
        raise UnknownFormatError(f"{path} is one JSON array: write one object a line (jq -c '.[]' does)")
    columns = {name.lower() for name in columns_of(head[0])}
    # a newsroom's own table may have the same columns, with topic tags in them
    if columns >= LENTA and b"lenta.ru" in b"".join(head[1:]):
        return "lenta_csv"
    if columns:
        return "csv"
    raise UnknownFormatError(
        f"{path} is neither JSON lines, nor CSV whose first line names its columns, nor an export of WordPress"
    )
