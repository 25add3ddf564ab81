"""What a result consists of, by size and digest: known again wherever it lies."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

CHUNK = 1 << 20  # bytes that are read at a time


class Piece(Struct, frozen=True):
    """A stretch of a result."""

    size: int
    sha256: str


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
