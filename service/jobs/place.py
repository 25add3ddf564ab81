"""Results are put in place whole, and can be taken back: what had been there before is kept in the job's folder.

Each step may be cut short by a crash and is done again then: the file is made beside its place, what is there is kept,
what is meant to happen is written down, and then it is renamed, sent or put into a table.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from service.inference.beside import file_beside
from service.jobs.location import folders_missing, target_at
from service.jobs.pieces import CHUNK, Piece, piece_of
from service.jobs.plan import JobError, Plan
from service.jobs.shards import Cut, beside_output, kind_of


class Placed(Struct, frozen=True, kw_only=True):
    """`pieces` are what the output consists of; `had` says whether there was a file before; `made` are folders that
    were not there, the inmost first; `stamp` is that of the result in its place, empty until it is surely there: what
    becomes of it later is not ours."""

    number: int
    output: str
    pieces: tuple[Piece, ...]
    had: bool
    made: tuple[str, ...] = ()
    stamp: str = ""


def place(plan: Plan, folder: Path, cut: Cut, parts: Sequence[Path], pieces: Sequence[Piece]) -> None:
    """The parts, each of them a piece, become the output, which appears whole. Reads and writes the disk."""
    target, before = target_at(cut.output, folder.name), read(folder, cut.number)
    if before is not None:
        if not before.stamp and target.holds(before.pieces):  # a crash came after it was put in place
            before = replace(before, stamp=target.stamp())
            _write(before, folder)
        if before.stamp:
            return
    made = folders_missing(cut.output) or (before.made if before else ())
    beside, kept = beside_output(folder, cut), _kept(folder, cut.number)
    for missing in reversed(made):
        Path(missing).mkdir(exist_ok=True)
    try:
        with beside.open("wb") as file:
            if kind_of(cut.output) == "rows":
                from service.jobs.parquet import join

                join(parts, cut.input, plan, file)
            else:
                for part in parts:
                    with part.open("rb") as opened:
                        shutil.copyfileobj(opened, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
        if kind_of(cut.output) == "rows":
            pieces = (piece_of(beside),)
        placed = Placed(number=cut.number, output=cut.output, pieces=tuple(pieces), had=target.keep(kept), made=made)
        _write(placed, folder)
        stamp = target.put(beside, kept, placed.had)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _write(replace(placed, stamp=stamp), folder)


def _write(placed: Placed, folder: Path) -> None:
    with file_beside(_file(folder, placed.number)) as file:
        file.write(msgspec.json.encode(placed))


def read(folder: Path, number: int) -> Placed | None:
    try:
        return msgspec.json.decode(_file(folder, number).read_bytes(), type=Placed)
    except FileNotFoundError:
        return None


def undo(folder: Path) -> int:
    """Puts back what had been there, or removes what had not; returns how many files that were. Raises JobError, and
    touches nothing, where an output has been changed since."""
    records = [msgspec.json.decode(path.read_bytes(), type=Placed) for path in sorted((folder / "placed").iterdir())]
    for one in records:
        kept = _kept(folder, one.number)
        if (found := _stamp(one, folder)) is None and one.had:
            raise JobError(f"{one.output} is gone: nothing was undone. What it was before is {kept}")
        if (
            found != one.stamp
            and not _is_undone(one, folder)
            and not target_at(one.output, folder.name).holds(one.pieces)
        ):
            raise JobError(f"{one.output} has been changed since: nothing was undone. What it was before is {kept}")
    for one in records:
        if not _is_undone(one, folder):
            target_at(one.output, folder.name).take_back(_kept(folder, one.number), one.had)
    with suppress(OSError):  # somebody else has put something there
        for made in sorted({made for one in records for made in one.made}, key=len, reverse=True):
            Path(made).rmdir()
    return len(records)


def _stamp(placed: Placed, folder: Path) -> str | None:
    """None of an output that is gone."""
    try:
        return target_at(placed.output, folder.name).stamp()
    except FileNotFoundError:
        return None


def _is_undone(placed: Placed, folder: Path) -> bool:
    """A crash may come between two files."""
    return target_at(placed.output, folder.name).is_taken_back(_kept(folder, placed.number), placed.had)


def _kept(folder: Path, number: int) -> Path:
    return folder / "before" / f"{number:05}"


def _file(folder: Path, number: int) -> Path:
    return folder / "placed" / f"{number:05}.json"
