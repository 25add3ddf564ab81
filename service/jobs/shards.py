"""Inputs cut into shards: stretches of lines by their bytes, row groups of Parquet by their numbers. No text is ever
sent to another process."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec
from msgspec import Struct

from service.inference.beside import file_beside
from service.jobs.location import SQL, check_target, names_in, source_at, stamp_of, target_at
from service.jobs.plan import WrongUsageError
from service.lines import DamagedFileError, unpack

Kind = Literal["lines", "rows", "table"]

LINES = (".jsonl", ".ndjson")
PACKED = (".gz", ".zst")
PARQUET = ".parquet"
PAIRS = "pairs.json"
LOOK = 1 << 16  # bytes read at a time in search of a line's end


class Shard(Struct, frozen=True):
    """`path` is what is read: the input, or what it was unpacked to; `output` is where the whole goes. `start` and
    `end` are bytes that begin and end lines, or numbers of row groups, or of rows of a table: those of the keys behind
    `after` up to `last`; `weight` is in bytes."""

    file: int
    number: int
    kind: Kind
    path: str
    output: str
    start: int
    end: int
    weight: int
    after: str | None = None
    last: str = ""

    @property
    def name(self) -> str:
        return f"{self.file:05}-{self.number:06}"


class Cut(Struct, frozen=True):
    """One input, as it was when it was cut."""

    number: int
    input: str
    output: str
    stamp: str
    shards: tuple[Shard, ...]


class Pair(Struct, frozen=True):
    """A file and where its result goes."""

    number: int
    input: str
    output: str


def kind_of(name: str) -> Kind | None:
    """None of a file that can't be read."""
    if name.startswith(SQL):
        return "table"
    plain = name.removesuffix(next((one for one in PACKED if name.endswith(one)), ""))
    if name.endswith(PARQUET):
        return "rows"
    return "lines" if plain.endswith(LINES) else None


def pairs(input_: str, output: str) -> list[Pair]:
    """The files of a folder in the order of their names, each with its name in the output. Raises WrongUsageError."""
    found = names_in(input_)
    check_target(output, single=found is None)
    if found is None:
        if (kind_of(input_) or "lines") != (kind_of(output) or "lines"):
            raise WrongUsageError(
                f"{input_} and {output}: Parquet becomes Parquet, JSON lines become JSON lines, and tables tables"
            )
        return [Pair(0, input_, output)]
    if output != input_ and output.startswith(f"{input_}/"):
        raise WrongUsageError(f"{output} lies in {input_}: its results would be read as input the next time")
    names = sorted(name for name in found if kind_of(name) and not name.rpartition("/")[2].startswith("."))
    if not names:
        known = ", ".join([*LINES, *(f"{LINES[0]}{one}" for one in PACKED), PARQUET])
        raise WrongUsageError(f"there is nothing to read in {input_}: files end with {known}")
    if leading := next((name for name in names if ".." in name.split("/")), None):  # as an object may be called
        raise WrongUsageError(f"{leading} in {input_} would lead out of {output}: give it a name without ..")
    return [Pair(number, f"{input_}/{name}", f"{output}/{name}") for number, name in enumerate(names)]


def write_pairs(found: Sequence[Pair], folder: Path) -> None:
    with file_beside(folder / PAIRS) as file:
        file.write(msgspec.json.encode(found))


def read_pairs(folder: Path) -> list[Pair]:
    """As they were when the job was started: a file that came since is no part of it."""
    return msgspec.json.decode((folder / PAIRS).read_bytes(), type=list[Pair])


def beside_output(folder: Path, pair: Pair | Cut) -> Path:
    """Where the output is made, to be put in its place when it is whole."""
    return target_at(pair.output, folder.name).beside(folder, f"{pair.number:05}")


def cut(pair: Pair, folder: Path, shard_bytes: int) -> Cut:
    """Reads the input; a compressed one is unpacked into the job's folder, once. Raises OSError, DamagedFileError."""
    name = pair.input
    stamp = stamp_of(name)
    kind = kind_of(name) or "lines"
    ranges: Sequence[tuple[Any, ...]]
    if kind == "rows":
        from service.jobs.parquet import groups

        ranges = list(groups(name, shard_bytes))
    elif kind == "table":
        from service.jobs.sql_rows import ranges as keys

        ranges = list(keys(name, shard_bytes))
    elif name.endswith(PACKED):
        unpacked = folder / "unpacked" / f"{pair.number:05}"
        unpacked.parent.mkdir(exist_ok=True)
        with source_at(name).open() as packed:
            unpack(packed, name, unpacked)
        try:
            ranges = _ranges_of(str(unpacked), shard_bytes)
        except DamagedFileError:  # what a small file was unpacked to may be large, and no use
            unpacked.unlink()
            raise
        name = str(unpacked)
    else:
        ranges = _ranges_of(name, shard_bytes)
    shards = [Shard(pair.number, number, kind, name, pair.output, *range_) for number, range_ in enumerate(ranges)]
    return Cut(pair.number, pair.input, pair.output, stamp, tuple(shards))


def write(cut: Cut, folder: Path) -> None:
    with file_beside(_file(folder, cut.number)) as file:
        file.write(msgspec.json.encode(cut))


def read(folder: Path, number: int) -> Cut | None:
    try:
        return msgspec.json.decode(_file(folder, number).read_bytes(), type=Cut)
    except FileNotFoundError:
        return None


def _file(folder: Path, number: int) -> Path:
    return folder / "files" / f"{number:05}.json"


def _ranges_of(name: str, shard_bytes: int) -> list[tuple[int, int, int]]:
    with source_at(name).open() as file:
        return list(_ranges(file, shard_bytes))


def _ranges(file: BinaryIO, shard_bytes: int) -> Iterator[tuple[int, int, int]]:
    start, size = 0, file.seek(0, os.SEEK_END)
    while start < size:
        end = _after_line(file, start + shard_bytes - 1, size)
        yield start, end, end - start
        start = end


def _after_line(file: BinaryIO, at: int, size: int) -> int:
    """Where the line ends that holds the byte `at`."""
    file.seek(min(at, size))
    while piece := file.read(LOOK):
        found = piece.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(piece)
    return size
