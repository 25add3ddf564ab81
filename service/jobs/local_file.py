"""A file of this machine: another one takes its place by a rename, and both may be one on the disk."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from service.inference.beside import file_beside, sync_directory
from service.jobs.pieces import CHUNK, Piece, is_of


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


def _link_or_copy(source: Path, target: Path) -> None:
    """Another name for the same bytes costs nothing; on another disk they are copied."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as given, file_beside(target) as file:
            shutil.copyfileobj(given, file, CHUNK)
        shutil.copystat(source, target)
