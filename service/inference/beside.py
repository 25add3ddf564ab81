"""Write beside, then rename: a file or directory is there whole or not at all, also after a crash or on a full disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PREFIX = ".beside-"


@contextmanager
def file_beside(path: Path) -> Iterator[BinaryIO]:
    """A file to write into that takes the place of `path` when the block ends well, and is removed when it fails."""
    beside = _name_beside(path)
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


@contextmanager
def directory_beside(target: Path) -> Iterator[Path]:
    """A directory to fill that becomes `target` (absent or empty) when the block ends well; flat: files only."""
    beside = _name_beside(target)
    beside.mkdir()
    try:
        yield beside
        for path in beside.iterdir():
            _sync(path, os.O_RDONLY)
        sync_directory(beside)
        beside.rename(target)
    except BaseException:
        _remove(beside)
        raise
    sync_directory(target.parent)


def remove_leftovers(directory: Path) -> None:
    """Removes what killed writers left. The caller holds the lock under which alone this directory is written."""
    for path in directory.glob(f"{PREFIX}*"):
        _remove(path)


def sync_directory(path: Path) -> None:
    """Makes a rename inside `path` survive a power cut."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _remove(path: Path) -> None:
    with suppress(OSError):  # what can't be removed now is a leftover to be removed later
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
        else:
            path.unlink()


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_beside(path: Path) -> Path:
    # in the same directory, because a rename is atomic only within one file system
    return path.parent / f"{PREFIX}{os.urandom(8).hex()}"
