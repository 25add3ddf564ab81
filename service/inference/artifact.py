"""A model directory: written beside and renamed; verified byte for byte before anything in it is used.

    manifest.json   format number, versions, data, labels, thresholds, scores, checksums, the self-test (manifest.py)
    *.joblib        arrays and plain data (parts.py), compressed with zlib or ready to be mapped
    card.md         the same for people
    manifest.sig    optional (signature.py)

There is no clock, host or path in it: the same parts and manifest give the same bytes and the same version.
"""

import mmap
import os
import stat
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.inference.beside import directory_beside, file_beside
from service.inference.manifest import (
    FORMAT,
    AlteredError,
    ArtifactError,
    Checksum,
    ListedFile,
    Manifest,
    MissingError,
    Question,
    SelfTestError,
    TruncatedError,
    UnsignedError,
    WrongFormatError,
    check_self_test,
    compose,
    parse,
    sha256,
    version,
)
from service.inference.parts import Content, PartError, pack, unpack
from service.inference.signature import is_signed, sign

__all__ = [
    "FORMAT",
    "AlteredError",
    "ArtifactError",
    "Manifest",
    "MissingError",
    "Parts",
    "Question",
    "SelfTestError",
    "TruncatedError",
    "UnsignedError",
    "WrongFormatError",
    "check_self_test",
    "copy",
    "copy_signature",
    "inspect",
    "read",
    "version_of",
    "write",
]

MANIFEST, SIGNATURE, CARD, SUFFIX = "manifest.json", "manifest.sig", "card.md", ".joblib"

_REMEDY = "restore the model from a copy, or roll back"
_PICKLES = frozenset({SUFFIX, ".pkl", ".pickle", ".npy", ".npz"})


@dataclass(frozen=True, slots=True)
class Parts:
    """A verified artifact in memory; its arrays are read-only views, mapped where the disk allows it."""

    version: str
    manifest: Manifest
    card: str
    parts: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.parts[name]


def write(
    directory: Path,
    parts: Mapping[str, object],
    manifest: Mapping[str, object],
    card: str,
    *,
    compress: bool = True,
    signing_key: Path | None = None,
    documents: Mapping[str, bytes] | None = None,
) -> str:
    """Writes the artifact to `directory`, which must be absent or empty, and returns its version.

    `manifest` holds fields of Manifest but `format` and `files`; `documents` are further files to keep, a report say.
    """
    contents = {CARD: card.encode(), **(documents or {})}
    listed = {name: ListedFile(sha256(content), len(content)) for name, content in contents.items()}
    for name, part in parts.items():
        packed = pack(part)
        content = zlib.compress(packed) if compress else packed
        contents[name + SUFFIX] = content
        listed[name + SUFFIX] = ListedFile(sha256(content), len(content), Checksum.of(packed) if compress else None)
    contents[MANIFEST] = compose(manifest, listed)
    if signing_key is not None:
        contents[SIGNATURE] = sign(contents[MANIFEST], signing_key)
    with directory_beside(directory) as beside:
        for name, content in contents.items():
            (beside / name).write_bytes(content)
    return version(contents[MANIFEST], parse(contents[MANIFEST], directory))


def read(directory: Path, *, trusted_keys: Sequence[Path] = (), cache: Path | None = None) -> Parts:
    """The artifact, or an ArtifactError. Nothing is unpickled before every byte was compared with the manifest.

    With `trusted_keys` (PEM files of Ed25519 public keys) an artifact that none of them signed is refused.
    With `cache` compressed parts are unpacked there once and mapped: the second start is fast, processes share memory.
    """
    content, manifest = _manifest(directory)
    if trusted_keys:
        _check_signature(directory, content, trusted_keys)
    contents = _verified_files(directory, manifest)
    parts = {
        name.removesuffix(SUFFIX): _part(directory / name, contents[name], listed, cache)
        for name, listed in manifest.files.items()
        if name.endswith(SUFFIX)
    }
    return Parts(version(content, manifest), manifest, bytes(contents[CARD]).decode(), parts)


def copy(source: Path, target: Path) -> None:
    """Copies the files that the manifest lists, verified, to `target`, which must be absent or empty."""
    content, manifest = _manifest(source)
    contents = {MANIFEST: content, **_verified_files(source, manifest), **_signature(source)}
    with directory_beside(target) as beside:
        for name, data in contents.items():
            (beside / name).write_bytes(data)


def copy_signature(source: Path, target: Path) -> None:
    """Signing doesn't change the version, so a signature may arrive later than the artifact; the first one stays."""
    for name, signature in _signature(source).items():
        if not (target / name).exists():
            with file_beside(target / name) as file:
                file.write(signature)


def inspect(directory: Path) -> Manifest:
    """The manifest of an artifact whose files are all there in their sizes; cheap, no checksum is compared."""
    _, manifest = _manifest(directory)
    for name, listed in manifest.files.items():
        _check_size(directory / name, len(_open(directory / name)), listed)
    return manifest


def version_of(directory: Path) -> str:
    """The version that the manifest amounts to; reads the manifest alone."""
    return version(*_manifest(directory))


def _manifest(directory: Path) -> tuple[bytes, Manifest]:
    content = bytes(_open(directory / MANIFEST))
    manifest = parse(content, directory)
    if CARD not in manifest.files:
        raise AlteredError(f"the manifest of {directory} doesn't list {CARD}: {_REMEDY}")
    for path in directory.iterdir():
        # other files may lie beside, but nothing that looks as if the model were made of it
        if path.suffix in _PICKLES and path.name not in manifest.files:
            raise AlteredError(f"{path} is not in the manifest: find out who put it there, then move it away")
    return content, manifest


def _signature(directory: Path) -> dict[str, Content]:
    try:
        return {SIGNATURE: _open(directory / SIGNATURE)}
    except MissingError:
        return {}


def _check_signature(directory: Path, content: bytes, trusted_keys: Sequence[Path]) -> None:
    signature = _signature(directory).get(SIGNATURE)
    if signature is None:
        raise UnsignedError(f"{directory} is not signed, and this service trusts signed models only: sign it")
    if not is_signed(content, bytes(signature), trusted_keys):
        raise UnsignedError(f"{directory / SIGNATURE} is not by a trusted key: don't use this model, or trust its key")


def _open(path: Path) -> Content:
    """The content of a plain file, mapped: what is hashed later is this content, whatever the name means by then."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise MissingError(f"{path} is missing: {_REMEDY}") from error
    except OSError as error:
        raise AlteredError(f"{path} can't be opened ({error.strerror}): {_REMEDY}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise AlteredError(f"{path} is not a plain file: {_REMEDY}")
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) if status.st_size else b""
    finally:
        os.close(descriptor)


def _check_size(path: Path, size: int, listed: Checksum) -> None:
    if size < listed.size:
        raise TruncatedError(f"{path} has {size} bytes of {listed.size}: {_REMEDY}")
    if size > listed.size:
        raise AlteredError(f"{path} has {size} bytes instead of {listed.size}: {_REMEDY}")


def _verified_files(directory: Path, manifest: Manifest) -> dict[str, Content]:
    return {name: _verified(directory / name, listed) for name, listed in manifest.files.items()}


def _verified(path: Path, listed: Checksum) -> Content:
    content = _open(path)
    _check_size(path, len(content), listed)
    if sha256(content) != listed.sha256:
        raise AlteredError(f"{path} is not what was written (its sha256 differs): {_REMEDY}")
    return content


def _part(path: Path, content: Content, listed: ListedFile, cache: Path | None) -> object:
    if listed.unpacked is not None:
        content = _unpacked(path, content, listed.unpacked, cache)
    try:
        return unpack(content)
    except PartError as error:
        raise AlteredError(f"{path} can't be read, though its checksum is right: {error}. Don't use it") from error


def _unpacked(path: Path, content: Content, expected: Checksum, cache: Path | None) -> Content:
    """From the cache if it has the very bytes that the manifest expects; else unpacked, into the cache if that can be.

    The cached file is one uncompressed joblib file, named and verified by its own checksum: no second format to trust.
    """
    cached = cache / f"{expected.sha256}{SUFFIX}" if cache is not None else None
    if cached is not None:
        try:
            return _verified(cached, expected)
        except ArtifactError:
            pass  # not there yet, or spoilt: it is made anew
    # bounded by the expected size, so that a small file can't fill the memory
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(content, expected.size + 1)
    except zlib.error as error:
        raise AlteredError(f"{path} can't be unpacked ({error}): {_REMEDY}") from error
    if Checksum.of(unpacked) != expected:
        raise AlteredError(f"{path} unpacks to something else than was written: {_REMEDY}")
    if cached is None:
        return unpacked
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with file_beside(cached) as file:
            file.write(unpacked)
        return _verified(cached, expected)
    except (OSError, ArtifactError):
        return unpacked  # a full or read-only disk costs memory, not the service
