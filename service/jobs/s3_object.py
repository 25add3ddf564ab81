"""One object in S3: read by ranges, replaced whole, put back with what it had been sent with."""

import hashlib
import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from service.inference.artifact import MANIFEST
from service.inference.beside import directory_beside, file_beside
from service.jobs.location import AwayError
from service.jobs.pieces import CHUNK, Piece, is_of, piece_of
from service.jobs.plan import WrongUsageError
from service.jobs.s3 import client, objects_in, parts_of, told

TRIES = 3  # of a stretch whose connection breaks; boto3 itself repeats whole requests
# what an object is sent with again when its content is replaced or put back
HEADERS = (
    "ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl", "Metadata",
    "StorageClass",
)  # fmt: skip


class S3Object:
    def __init__(self, name: str) -> None:
        self._name = name
        self._bucket, self._key = parts_of(name)

    def stamp(self) -> str:
        head = self._head()
        return f"{head['ContentLength']}-{head['ETag']}"

    def open(self) -> BinaryIO:
        head = self._head()
        return cast("BinaryIO", _Ranges(self._name, head["ContentLength"], head["ETag"]))

    def holds(self, pieces: Sequence[Piece]) -> bool:
        try:
            if self._head()["ContentLength"] != sum(one.size for one in pieces):
                return False
            with self.open() as file:
                return is_of(pieces, file)
        except FileNotFoundError:
            return False

    def beside(self, folder: Path, mark: str) -> Path:
        return folder / f"beside-{mark}"

    def keep(self, kept: Path) -> bool:
        """Its content, and what it was sent with beside."""
        try:
            head = self._head()
        except FileNotFoundError:
            return False
        with file_beside(_headers_of(kept)) as file:
            file.write(msgspec.json.encode({name: head[name] for name in HEADERS if head.get(name)}))
        with file_beside(kept) as file, told(self._name):
            client().download_fileobj(self._bucket, self._key, file)
        return True

    def put(self, beside: Path, kept: Path, had: bool) -> str:
        self._upload(beside, kept, had)
        beside.unlink()
        return self.stamp()

    def take_back(self, kept: Path, had: bool) -> None:
        if had:
            self._upload(kept, kept, had)
        else:
            with told(self._name):
                client().delete_object(Bucket=self._bucket, Key=self._key)

    def is_taken_back(self, kept: Path, had: bool) -> bool:
        if had:
            return self.holds([piece_of(kept)])
        try:
            self._head()
        except FileNotFoundError:
            return True
        return False

    def _head(self) -> dict[str, Any]:
        with told(self._name):
            found: dict[str, Any] = client().head_object(Bucket=self._bucket, Key=self._key)
        return found

    def _upload(self, path: Path, kept: Path, had: bool) -> None:
        """In parts, and whole or not at all: boto3 takes back what it has sent when it fails."""
        headers = msgspec.json.decode(_headers_of(kept).read_bytes()) if had else {}
        with told(self._name):
            client().upload_file(str(path), self._bucket, self._key, ExtraArgs=headers)
        if (size := self._head()["ContentLength"]) != path.stat().st_size:
            raise AwayError(f"{self._name} has {size} bytes after {path.stat().st_size} were sent: see to the server")


class _Ranges(io.RawIOBase):
    """An object as it was when it was opened. What follows a jump is asked for exactly, as Parquet wants it; who goes
    on reading from there gets a stream."""

    def __init__(self, name: str, size: int, etag: str) -> None:
        self._name, self._size, self._etag = name, size, etag
        self._at = 0
        self._body: Any = None
        self._goes_on = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        return self.read(size) or b""

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at != self._at:
            self._drop()
            self._at, self._goes_on = at, False
        return at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        for again in range(TRIES, -1, -1):
            try:
                content = self._read(wanted)
                break
            except ConnectionError as error:
                self._drop()
                if not again:
                    raise AwayError(f"{self._name} can't be read to its end: {error}; --resume goes on") from error
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._drop()
        super().close()

    def _read(self, wanted: int) -> bytes:
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        with told(self._name):
            if self._body is None:
                bucket, key = parts_of(self._name)
                end = "" if self._goes_on else self._at + wanted - 1
                found = client().get_object(Bucket=bucket, Key=key, Range=f"bytes={self._at}-{end}", IfMatch=self._etag)
                self._body, self._goes_on = found["Body"], True
        try:
            content: bytes = self._body.read(wanted)
        except (BotoCoreError, HTTPError, OSError) as error:
            raise ConnectionError(" ".join(str(error).split())) from error
        if not content:  # the range that was asked for is at its end
            self._drop()
            return self._read(wanted)
        return content

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


def _headers_of(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.json")


def fetched(name: str, cache: Path) -> Path:
    """An artifact, in the cache under the digest of its manifest, which whoever loads it verifies the rest by. Raises
    AwayError, WrongUsageError."""
    if MANIFEST not in (files := objects_in(name)):
        raise WrongUsageError(f"there is no model at {name}: name what its {MANIFEST} lies under")
    with S3Object(f"{name}/{MANIFEST}").open() as manifest:
        target = cache / "models" / hashlib.sha256(manifest.read()).hexdigest()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with directory_beside(target) as beside:
            for file in files:
                with S3Object(f"{name}/{file}").open() as packed, (beside / Path(file).name).open("wb") as copy:
                    shutil.copyfileobj(packed, copy, CHUNK)
    return target
