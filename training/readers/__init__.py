"""Foreign formats, one file each: every reader turns a file into rows that hold a LabelledArticle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from service.inference.article import LabelledArticle
from training.config import Corpus, Format, format_of


class Rejects(Protocol):
    """Where rows go that can't be used; `service.records.Rejects` is one."""

    def add(self, file: Path | str, line: int, reason: str) -> None: ...


class Row(NamedTuple):
    """An article, the line it starts on, what its outlet tells besides, for the rubric map to go by, and the fields
    that are not read, each with the one that was probably meant."""

    line: int
    article: LabelledArticle
    extra: Mapping[str, Any]
    unread: Sequence[tuple[str, str | None]] = ()


Reader = Callable[[Path, Rejects], Iterator[Row]]


def read(corpus: Corpus, rejects: Rejects) -> Iterator[Row]:
    """The rows of a corpus, in order; what can't be decoded goes to `rejects`. Reads the disk."""
    from training.readers import csv, lenta_csv, records, wordpress  # they import this file

    readers: dict[Format, Reader] = {
        "records": records.read, "csv": csv.read, "lenta_csv": lenta_csv.read, "wordpress": wordpress.read
    }  # fmt: skip
    return readers[corpus.format or format_of(corpus.path)](corpus.path, rejects)
