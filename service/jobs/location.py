"""Where an archive lies and where its result goes, by its name: a path of this machine, `s3://BUCKET/KEY`, or a table
of PostgreSQL.

What cuts, reads and puts in place knows these alone. Names hold no passwords: they stand in plans, reports and logs.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from service.jobs.local_file import LocalFile
from service.jobs.pieces import Piece
from service.jobs.plan import WrongUsageError

S3 = "s3://"
SQL = ("postgresql://", "postgres://")


class AwayError(OSError):
    """A server can't be reached, or refuses, so nothing of what it holds can be gone on with: what happened, and what
    to do."""


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
        from service.jobs.s3_object import S3Object

        return S3Object(name)
    return LocalFile(Path(name))
