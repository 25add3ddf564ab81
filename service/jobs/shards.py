"""Inputs cut into shards: stretches of lines by their bytes, row groups of Parquet by their numbers. No text is ever
sent to another process."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from service.inference.beside import file_beside
from service.jobs.plan import WrongUsageError
from service.lines import unpack

Kind = Literal["lines", "rows"]

LINES = (".jsonl", ".ndjson")
PACKED = (".gz", ".zst")
PARQUET = ".parquet"
PAIRS = "pairs.json"
LOOK = 1 << 16  # bytes read at a time in search of a line's end


class Shard(Struct, frozen=True):
    """`path` is what is read: the input, or what it was unpacked to; `output` is where the whole goes. `start` and
    `end` are bytes that begin and end lines, or numbers of row groups; `weight` is in bytes."""

    file: int
    number: int
    kind: Kind
    path: str
    output: str
    start: int
    end: int
    weight: int

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
    """None of a file that is neither."""
    plain = name.removesuffix(next((one for one in PACKED if name.endswith(one)), ""))
    if name.endswith(PARQUET):
        return "rows"
    return "lines" if plain.endswith(LINES) else None


def pairs(input_: Path, output: Path) -> list[Pair]:
    """The files of a folder in the order of their names, each with its name in the output. Raises WrongUsageError."""
    if input_.is_file():
        if (kind_of(input_.name) == "rows") != (kind_of(output.name) == "rows"):
            raise WrongUsageError(f"{input_} and {output}: Parquet becomes Parquet, and JSON lines become JSON lines")
        if output.exists() and not output.is_file():
            raise WrongUsageError(f"{output} is no plain file: name one to be written or replaced")
        return [Pair(0, str(input_), str(output))]
    if not input_.is_dir():
        raise WrongUsageError(f"there is no {input_}: name a file or a folder")
    if output != input_ and output.is_relative_to(input_):
        raise WrongUsageError(f"{output} lies in {input_}: its results would be read as input the next time")
    names = sorted(
        str(path.relative_to(input_))
        for path in input_.rglob("*")
        if path.is_file() and kind_of(path.name) and not path.name.startswith(".")
    )
    if not names:
        known = ", ".join([*LINES, *(f"{LINES[0]}{one}" for one in PACKED), PARQUET])
        raise WrongUsageError(f"there is nothing to read in {input_}: files end with {known}")
    return [Pair(number, str(input_ / name), str(output / name)) for number, name in enumerate(names)]


def write_pairs(found: Sequence[Pair], folder: Path) -> None:
    with file_beside(folder / PAIRS) as file:
        file.write(msgspec.json.encode(found))


def read_pairs(folder: Path) -> list[Pair]:
    """As they were when the job was started: a file that came since is no part of it."""
    return msgspec.json.decode((folder / PAIRS).read_bytes(), type=list[Pair])


def beside_output(job: str, pair: Pair | Cut) -> Path:
    """Where the output is made, to be renamed when it is whole."""
    return Path(pair.output).parent / f".beside-{job}-{pair.number:05}"


def stamp_of(path: Path) -> str:
    """Differs when the file has been written again."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def cut(pair: Pair, folder: Path, shard_bytes: int) -> Cut:
    """Reads the disk; a compressed file is unpacked into the job's folder, once. Raises OSError, DamagedFileError."""
    path = Path(pair.input)
    stamp = stamp_of(path)
    kind = kind_of(path.name) or "lines"
    if kind == "rows":
        from service.jobs.parquet import groups

        ranges = list(groups(path, shard_bytes))
    else:
        if path.name.endswith(PACKED):
            unpacked = folder / "unpacked" / f"{pair.number:05}"
            unpacked.parent.mkdir(exist_ok=True)
            unpack(path, unpacked)
            path = unpacked
        ranges = list(_ranges(path, shard_bytes))
    shards = [
        Shard(pair.number, number, kind, str(path), pair.output, start, end, weight)
        for number, (start, end, weight) in enumerate(ranges)
    ]
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


def _ranges(path: Path, shard_bytes: int) -> Iterator[tuple[int, int, int]]:
    start = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while start < size:
            end = _after_line(file.fileno(), start + shard_bytes - 1, size)
            yield start, end, end - start
            start = end


def _after_line(descriptor: int, at: int, size: int) -> int:
    """Where the line ends that holds the byte `at`."""
    while at < size:
        piece = os.pread(descriptor, LOOK, at)
        found = piece.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(piece) or size
    return size
