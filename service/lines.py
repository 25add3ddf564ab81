"""Lines of bytes from and to files: plain, .gz and .zst by name, `-` for the standard streams."""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from service.inference.beside import file_beside

BOM = b"\xef\xbb\xbf"
CHUNK = 1 << 18
LONGEST_LINE = 1 << 26  # bytes: no article is a tenth of it, and a line is held in memory whole

# Compressed bytes unpacked at a time, so that a small file can't fill the memory: at most 1,032 times as many come of
# gzip's, and of zstd's, where 4 may stand for 128 kB, 32 MB.
GZ_CHUNK, ZST_CHUNK = 1 << 13, 1 << 10


class DamagedFileError(Exception):
    """A file that ends too early, was altered or has an endless line; names it and the line where reading stopped."""


def open_lines(path: Path | str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, without their ends, numbered from 1 as an editor shows them. Reads the disk."""
    number = 0
    try:
        for number, line in enumerate(_split(_chunks(str(path))), start=1):
            content = line.removeprefix(BOM) if number == 1 else line
            if content.strip():
                yield number, content
    except EOFError as error:
        raise DamagedFileError(f"{path} is damaged after line {number}: {error}. Fetch or write it again") from error


def lines_between(file: BinaryIO, name: str, start: int, end: int) -> Iterator[bytes]:
    """All lines of a plain file between two of their ends, blank ones too; `name` is for messages. Reads the file."""
    file.seek(start)
    try:
        for number, line in enumerate(_split(_stretch(file, end - start))):
            yield line.removeprefix(BOM) if start == number == 0 else line
    except EOFError as error:
        raise DamagedFileError(f"{name} can't be read after its byte {start}: {error}") from error


def unpack(packed: BinaryIO, name: str, target: Path) -> None:
    """What is in a file that is compressed as its name says, as a plain one. Raises DamagedFileError."""
    lines = 0
    with file_beside(target) as file:
        try:
            for chunk in _plain(packed, name):
                file.write(chunk)
                lines += chunk.count(b"\n")
        except EOFError as error:
            raise DamagedFileError(f"{name} is damaged after line {lines}: {error}. Fetch or write it again") from error


@contextmanager
def write_lines(path: Path | str) -> Iterator[Callable[[bytes], object]]:
    """A function that writes one line. The file appears under its name when the block ends well, else not at all."""
    if str(path) == "-":
        if sys.stdout is None:
            raise OSError("standard output is closed: name a file to write to")
        out = sys.stdout.buffer
        yield lambda line: out.write(line + b"\n")
        out.flush()
        return
    with _opened(Path(path)) as file, _packer(str(path), file) as packer:
        yield lambda line: packer.write(line + b"\n")


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Only at \\n: other line ends, such as U+2028, may stand inside a JSON string."""
    rest: list[bytes] = []  # pieces of a line longer than a chunk, joined once
    length = 0
    for chunk in chunks:
        head, *lines = chunk.split(b"\n")
        rest.append(head)
        length += len(head)
        if length > LONGEST_LINE:
            raise EOFError(f"the next line is longer than {LONGEST_LINE >> 20} MB")
        if lines:
            yield b"".join(rest)
            yield from lines[:-1]
            rest, length = [lines[-1]], len(lines[-1])
    if last := b"".join(rest):
        yield last


def _chunks(name: str) -> Iterator[bytes]:
    if name == "-":
        if sys.stdin is None:
            raise OSError("standard input is closed: name a file, or open it")
        yield from _raw(sys.stdin.buffer)
        return
    with Path(name).open("rb") as file:
        yield from _plain(file, name)


def _plain(file: BinaryIO, name: str) -> Iterator[bytes]:
    if name.endswith(".gz"):
        yield from _unpacked(_raw(file, GZ_CHUNK), lambda: zlib.decompressobj(31), zlib.error)  # 31: gzip's header
    elif name.endswith(".zst"):
        import zstandard

        unpacker = zstandard.ZstdDecompressor()
        yield from _unpacked(_raw(file, ZST_CHUNK), unpacker.decompressobj, zstandard.ZstdError)
    else:
        yield from _raw(file)


def _raw(file: Any, size: int = CHUNK) -> Iterator[bytes]:
    # read1: a line that came through a pipe is handed on at once
    while chunk := file.read1(size):
        yield chunk


def _stretch(file: Any, size: int) -> Iterator[bytes]:
    while size:
        chunk = file.read(min(size, CHUNK))
        if not chunk:
            raise EOFError("it ends too early: it was written again meanwhile")
        size -= len(chunk)
        yield chunk


def _unpacked(chunks: Iterable[bytes], new_unpacker: Callable[[], Any], damage: type[Exception]) -> Iterator[bytes]:
    """The stream readers of zlib and zstandard take a truncated file for a short one; their unpackers can tell."""
    unpacker = new_unpacker()
    for chunk in chunks:
        packed = chunk
        while packed := packed.lstrip(b"\0") if unpacker.eof else packed:
            if unpacker.eof:  # a file may be several compressed ones, one after another, or padded with zeros
                unpacker = new_unpacker()
            try:
                content = unpacker.decompress(packed)
            except damage as error:
                raise EOFError(str(error)) from error
            for start in range(0, len(content), CHUNK):
                yield content[start : start + CHUNK]
            packed = unpacker.unused_data
    if not unpacker.eof:
        raise EOFError("it ends too early")


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    if path.exists() and not path.is_file():
        return path.open("wb")  # a device or a pipe: renamed over, /dev/null would be gone
    return file_beside(path)


def _packer(name: str, file: BinaryIO) -> AbstractContextManager[BinaryIO]:
    if name.endswith(".gz"):
        import gzip

        # neither time nor name in the header: the same lines give the same bytes
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)  # type: ignore[return-value]
    if name.endswith(".zst"):
        import zstandard

        return zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False)
    return nullcontext(file)
