"""Results are put in place by renames, and can be taken back: what had been there before is kept in the job's folder.

Each step may be cut short by a crash and is done again then: the file is made beside its place, what is there is kept,
what is meant to happen is written down, and then it is renamed.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from service.inference.beside import file_beside, sync_directory
from service.jobs.plan import JobError, Plan
from service.jobs.shards import Cut, beside_output, kind_of

CHUNK = 1 << 20


class Piece(Struct, frozen=True):
    size: int
    sha256: str


class Placed(Struct, frozen=True, kw_only=True):
    """`pieces` are what the output consists of; `had` says whether there was a file before; `made` are folders that
    were not there, the inmost first; `renamed`, whether the result is surely in its place: what becomes of it later is
    not ours."""

    number: int
    output: str
    size: int
    mtime_ns: int
    pieces: tuple[Piece, ...]
    had: bool
    made: tuple[str, ...] = ()
    renamed: bool = False


def place(plan: Plan, folder: Path, cut: Cut, parts: Sequence[Path], pieces: Sequence[Piece]) -> None:
    """The parts, each of them a piece, become the output, which appears whole. Reads and writes the disk."""
    output = Path(cut.output)
    if (before := read(folder, cut.number)) is not None and (before.renamed or is_as_placed(before)):
        _write(replace(before, renamed=True), folder)  # a crash came after the rename
        return
    made = tuple(str(one) for one in output.parents if not one.exists()) or (before.made if before else ())
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = beside_output(plan.id, cut)
    try:
        with beside.open("wb") as file:
            if kind_of(output.name) == "rows":
                from service.jobs.parquet import join

                join(parts, Path(cut.input), plan, file)
                file.flush()
                pieces = (_piece(beside),)
            else:
                for part in parts:
                    with part.open("rb") as opened:
                        shutil.copyfileobj(opened, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
        had = _keep(output, folder / "before" / f"{cut.number:05}")
        if had:
            shutil.copymode(output, beside)
        status = beside.stat()
        placed = Placed(
            number=cut.number,
            output=cut.output,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            pieces=tuple(pieces),
            had=had,
            made=made,
        )
        _write(placed, folder)
        beside.replace(output)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_directory(output.parent)
    _write(replace(placed, renamed=True), folder)


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
        if not _is_undone(one, folder) and not is_as_placed(one):
            why = "has been changed since" if Path(one.output).exists() else "is gone"
            raise JobError(f"{one.output} {why}: nothing was undone. What it was before is {_before(one, folder)}")
    for one in records:
        output, before = Path(one.output), _before(one, folder)
        if _is_undone(one, folder):
            continue
        if not one.had:
            output.unlink()
        else:
            beside = output.parent / f".beside-{folder.name}-{one.number:05}"
            _link_or_copy(before, beside)
            beside.replace(output)
        sync_directory(output.parent)
    with suppress(OSError):  # somebody else has put something there
        for made in sorted({made for one in records for made in one.made}, key=len, reverse=True):
            Path(made).rmdir()
    return len(records)


def is_as_placed(placed: Placed) -> bool:
    """By its time and size; where those differ, by its content."""
    path = Path(placed.output)
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if status.st_size != placed.size:
        return False
    if status.st_mtime_ns == placed.mtime_ns:
        return True
    with path.open("rb") as file:
        return all(hashlib.sha256(file.read(piece.size)).hexdigest() == piece.sha256 for piece in placed.pieces)


def _is_undone(placed: Placed, folder: Path) -> bool:
    """A crash may come between two files."""
    output, before = Path(placed.output), _before(placed, folder)
    if not placed.had:
        return not output.exists()
    with suppress(FileNotFoundError):
        here, there = output.stat(), before.stat()
        return (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)
    return False


def _keep(output: Path, kept: Path) -> bool:
    """Whether there was something to keep."""
    kept.unlink(missing_ok=True)
    if not output.exists():
        return False
    _link_or_copy(output, kept)
    sync_directory(kept.parent)
    return True


def _link_or_copy(source: Path, target: Path) -> None:
    """Another name for the same bytes costs nothing; on another disk they are copied."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as given, file_beside(target) as file:
            shutil.copyfileobj(given, file, CHUNK)
        shutil.copystat(source, target)


def _piece(path: Path) -> Piece:
    with path.open("rb") as file:
        return Piece(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _before(placed: Placed, folder: Path) -> Path:
    return folder / "before" / f"{placed.number:05}"


def _file(folder: Path, number: int) -> Path:
    return folder / "placed" / f"{number:05}.json"
