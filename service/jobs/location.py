"""Where an archive lies and where its result goes, by its name: a path of this machine, `s3://BUCKET/KEY`, or a table
of PostgreSQL.

What cuts, reads and puts in place knows these alone. Names hold no passwords: they stand in plans, reports and logs.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from msgspec import Struct

from service.inference.beside import file_beside, sync_directory
from service.jobs.plan import WrongUsageError

CHUNK = 1 << 20
S3 = "s3://"
SQL = ("postgresql://", "postgres://")


class AwayError(OSError):
    """A server can't be reached, or refuses, so nothing of what it holds can be gone on with: what happened, and what
    to do."""


class Piece(Struct, frozen=True):
    """A stretch of a result."""

    size: int
    sha256: str


class Source(Protocol):
    """A file to be read. Both may raise AwayError, and FileNotFoundError of what is not there."""

    def stamp(self) -> str:
        """Differs when it has been written again."""

    def open(self) -> BinaryIO:
        """To be read from anywhere in it."""


class Target(Protocol):
    """What a result becomes. Each of these may raise OSError, AwayError of a server."""

    def stamp(self) -> str:
        """Differs when it has been written again. Raises FileNotFoundError of what is not there."""

    def holds(self, pieces: Sequence[Piece]) -> bool:
        """Whether this is what is there, by its content. Reads it."""

    def beside(self, folder: Path, mark: str) -> Path:
        """Where the result is made; `folder` is the job's."""

    def keep(self, kept: Path) -> bool:
        """What is there is kept; False if there is nothing."""

    def put(self, beside: Path, kept: Path, had: bool) -> str:
        """The file becomes what is there, whole or not at all; `had` is what keep said. Returns the new stamp."""

    def take_back(self, kept: Path, had: bool) -> None:
        """What was kept is there again, or nothing."""

    def is_taken_back(self, kept: Path, had: bool) -> bool: ...


class File(Source, Target, Protocol):
    """Can be read and be written."""


def source_at(name: str) -> Source:
    return _file(name)


def target_at(name: str, job: str) -> Target:
    """What this job's results become."""
    if name.startswith(SQL):
        from service.jobs.side_table import SideTable

        return SideTable(name, job)
    return _file(name)


def stamp_of(name: str) -> str:
    """Differs when the input has been written again. Raises FileNotFoundError, AwayError."""
    if name.startswith(SQL):
        from service.jobs.sql_rows import stamp_of

        return stamp_of(name)
    return source_at(name).stamp()


def named(given: str) -> str:
    """The one name for what somebody typed: without links, `..` and slashes at the end."""
    if given.startswith(SQL):
        from service.jobs import sql

        return sql.named(given)
    return given.rstrip("/") if given.startswith(S3) else str(Path(given).resolve())


def names_in(name: str) -> list[str] | None:
    """The names of what a folder or prefix has in it, without its own; None of a single file or table. Raises
    WrongUsageError where there is nothing, AwayError."""
    if name.startswith(SQL):
        stamp_of(name)  # whether it can be read
        return None
    if name.startswith(S3):
        from service.jobs.s3 import is_object, objects_in

        if is_object(name):
            return None
        if found := objects_in(name):
            return found
        raise WrongUsageError(f"there is no {name}: name an object, or what the names of several begin with before a /")
    path = Path(name)
    if path.is_dir():
        return [str(each.relative_to(path)) for each in path.rglob("*") if each.is_file()]
    if not path.is_file():
        raise WrongUsageError(f"there is no {name}: name a file or a folder")
    return None


def in_target(given: str, name: str) -> str:
    """The file itself, where a folder was named for it to be put into; `name` is the input's."""
    if given.startswith(SQL) or name.startswith(SQL):
        from service.jobs import sql

        return sql.target_of(given, name)
    into = given.endswith("/") if given.startswith(S3) else Path(given).is_dir()
    return f"{named(given)}/{name.rpartition('/')[2]}" if into else named(given)


def check_target(name: str, *, single: bool) -> None:
    """Whether results can be put there, as far as it can be known. Raises WrongUsageError, AwayError."""
    if name.startswith(SQL):
        from service.jobs.side_table import SideTable

        SideTable(name, "").check()
    elif name.startswith(S3):
        from service.jobs.s3 import check_bucket

        check_bucket(name)
    elif single and Path(name).exists() and not Path(name).is_file():
        raise WrongUsageError(f"{name} is no plain file: name one to be written or replaced")


def folders_missing(name: str) -> tuple[str, ...]:
    """Those that have to be made for it, the inmost first. Only disks have folders."""
    if name.startswith((S3, *SQL)):
        return ()
    return tuple(str(one) for one in Path(name).parents if not one.exists())


def _file(name: str) -> File:
    if name.startswith(S3):
        from service.jobs.s3 import S3Object

        return S3Object(name)
    return LocalFile(Path(name))


class LocalFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def stamp(self) -> str:
        status = self._path.stat()
        return f"{status.st_size}-{status.st_mtime_ns}"

    def open(self) -> BinaryIO:
        return self._path.open("rb")

    def holds(self, pieces: Sequence[Piece]) -> bool:
        try:
            if self._path.stat().st_size != sum(one.size for one in pieces):
                return False
            with self.open() as file:
                return is_of(pieces, file)
        except FileNotFoundError:
            return False

    def beside(self, folder: Path, mark: str) -> Path:
        """In its own folder, so that a rename is all that is left to do."""
        return self._path.parent / f".beside-{folder.name}-{mark}"

    def keep(self, kept: Path) -> bool:
        kept.unlink(missing_ok=True)
        if not self._path.exists():
            return False
        _link_or_copy(self._path, kept)
        sync_directory(kept.parent)
        return True

    def put(self, beside: Path, kept: Path, had: bool) -> str:
        if had:
            shutil.copymode(kept, beside)
        beside.replace(self._path)
        sync_directory(self._path.parent)
        return self.stamp()

    def take_back(self, kept: Path, had: bool) -> None:
        if had:
            beside = self._path.parent / f".beside-{kept.parent.parent.name}-{kept.name}"
            _link_or_copy(kept, beside)
            beside.replace(self._path)
        else:
            self._path.unlink()
        sync_directory(self._path.parent)

    def is_taken_back(self, kept: Path, had: bool) -> bool:
        if not had:
            return not self._path.exists()
        try:
            here, there = self._path.stat(), kept.stat()
        except FileNotFoundError:
            return False
        return (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)


def is_of(pieces: Sequence[Piece], file: BinaryIO) -> bool:
    """Whether the file is these, one after the other, and nothing else."""
    for piece in pieces:
        digest, left = hashlib.sha256(), piece.size
        while left and (chunk := file.read(min(left, CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        if left or digest.hexdigest() != piece.sha256:
            return False
    return not file.read(1)


def piece_of(path: Path) -> Piece:
    with path.open("rb") as file:
        return Piece(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _link_or_copy(source: Path, target: Path) -> None:
    """Another name for the same bytes costs nothing; on another disk they are copied."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as given, file_beside(target) as file:
            shutil.copyfileobj(given, file, CHUNK)
        shutil.copystat(source, target)
