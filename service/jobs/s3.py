"""Objects in S3, by boto3, set up as everywhere by AWS_* variables and files: credentials, region, AWS_ENDPOINT_URL.

They are read by ranges and appear whole: S3 shows nothing of an upload before its last part is there.
"""

import errno
import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from service.inference.artifact import MANIFEST
from service.inference.beside import directory_beside, file_beside
from service.jobs.location import CHUNK, S3, AwayError, Piece, is_of, piece_of, source_at
from service.jobs.plan import JobError, WrongUsageError

TRIES = 3  # of a stretch whose connection breaks; boto3 itself repeats whole requests
# what an object is sent with again when its content is replaced or put back
HEADERS = (
    "ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage", "CacheControl", "Metadata",
    "StorageClass",
)  # fmt: skip
UNKNOWN = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidClientTokenId",
    "AuthFailure", "UnrecognizedClientException",
}  # fmt: skip
REFUSED = {"403", "AccessDenied", "Forbidden", "AllAccessDisabled"}
MISSING = {"404", "NoSuchKey", "NotFound"}


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


def parts_of(name: str) -> tuple[str, str]:
    """Bucket and key. Raises WrongUsageError."""
    bucket, _, key = name.removeprefix(S3).partition("/")
    if not bucket or "@" in bucket or "?" in bucket:
        raise WrongUsageError(f"an archive in S3 is called {S3}BUCKET/KEY; credentials come from AWS_* variables")
    return bucket, key


def is_object(name: str) -> bool:
    """Else it may be what objects' names begin with. Raises AwayError, also of no such bucket."""
    bucket, key = parts_of(name)
    with told(name):  # by a list, for a refused look at the object itself doesn't say why
        first = client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
    return bool(key) and any(one["Key"] == key for one in first)


def objects_in(name: str) -> list[str]:
    """What lies under this name, without it. Raises AwayError."""
    bucket, key = parts_of(name)
    prefix = f"{key.rstrip('/')}/" if key else ""
    found: list[str] = []
    with told(name):
        for page in client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            found += [one["Key"].removeprefix(prefix) for one in page.get("Contents", ())]
    return found


def fetched(name: str, cache: Path) -> Path:
    """An artifact, in the cache under the digest of its manifest, which whoever loads it verifies the rest by. Raises
    AwayError, WrongUsageError."""
    if MANIFEST not in (files := objects_in(name)):
        raise WrongUsageError(f"there is no model at {name}: name what its {MANIFEST} lies under")
    with source_at(f"{name}/{MANIFEST}").open() as manifest:
        target = cache / "models" / hashlib.sha256(manifest.read()).hexdigest()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with directory_beside(target) as beside:
            for file in files:
                with source_at(f"{name}/{file}").open() as packed, (beside / Path(file).name).open("wb") as copy:
                    shutil.copyfileobj(packed, copy, CHUNK)
    return target


def check_bucket(name: str) -> None:
    """Before anything is worked out for it. Who may write but not look is believed. Raises AwayError."""
    bucket, key = parts_of(name)
    with told(name), suppress(_RefusedError):
        client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)


class _RefusedError(AwayError):
    """These credentials may not do that."""


@lru_cache(maxsize=1)
def client() -> Any:
    """For this process; it can be shared by threads. Raises JobError where boto3 is missing."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise JobError(f"S3 needs boto3 ({error}): pip install 'rubricator[s3]'") from error
    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        connect_timeout=10,
        # many servers that speak S3 don't know the checksums that AWS has added since
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # AWS_REGION is what all other tools of AWS read; boto3 reads AWS_DEFAULT_REGION alone
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None).client("s3", config=config)


@contextmanager
def told(name: str) -> Iterator[None]:
    """Errors of boto3 as what happened and what to do; none of them holds a credential."""
    client()  # says what is missing
    from boto3.exceptions import Boto3Error
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        raise _of_server(error, name) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise AwayError(
            f"there are no credentials for {name}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ) from error
    except exceptions.BotoCoreError as error:
        raise AwayError(
            f"S3 can't be reached for {name}: {' '.join(str(error).split())}; see to AWS_ENDPOINT_URL and AWS_REGION"
        ) from error
    except Boto3Error as error:  # of an upload, with the server's words in it
        if isinstance(cause := error.__context__, exceptions.ClientError):
            raise _of_server(cause, name) from error
        raise AwayError(f"{name} could not be written: {' '.join(str(error).split())}; --resume goes on") from error


def _of_server(error: Any, name: str) -> OSError:
    about = error.response.get("Error", {})
    code, bucket = str(about.get("Code", "")), parts_of(name)[0]
    if code in MISSING:
        return FileNotFoundError(errno.ENOENT, "No such file in S3", name)
    if code == "NoSuchBucket":
        return AwayError(f"there is no bucket {bucket}: make it, or see to its name and to AWS_ENDPOINT_URL")
    if code in UNKNOWN:
        return AwayError(
            f"S3 does not take the credentials for {name} ({code}): see to AWS_ACCESS_KEY_ID and its secret"
        )
    if code in REFUSED:
        return _RefusedError(
            f"S3 refuses {error.operation_name} on {name}: see to AWS_ACCESS_KEY_ID and its secret, and let it have "
            "s3:ListBucket and s3:GetObject, where results go s3:PutObject and s3:DeleteObject too"
        )
    if code == "PreconditionFailed":
        return OSError(f"{name} was written to while it was read: --resume reads it again")
    if code in {"PermanentRedirect", "301", "AuthorizationHeaderMalformed"}:
        return AwayError(f"the bucket {bucket} is in another region: set AWS_REGION")
    return AwayError(f"S3 could not do {error.operation_name} on {name}: {code} {about.get('Message', '')}".rstrip())


def _headers_of(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.json")
