"""What a model says about itself, and what can be wrong with it."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from service.inference.article import Article

FORMAT = 2  # 2: policy, no_news, fewest_features and profiles, which a reader of 1 would leave out of its decisions
TOLERANCE = 1.5e-4  # scores have four digits, and another CPU's last bit may turn the last one over

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*")  # one flat directory: no slash, no dot in front
_NOT_COMPARED = frozenset({"model", "prediction_id", "took_ms", "explain", "warnings"})


class ArtifactError(Exception):
    """An artifact that can't be used; the message says what happened and what to do."""


class MissingError(ArtifactError):
    """A directory or a file is not there."""


class TruncatedError(ArtifactError):
    """A file is shorter than it was written."""


class AlteredError(ArtifactError):
    """A file is not what was written, or one is there that should not be."""


class WrongFormatError(ArtifactError):
    """Written by an older or a newer service."""


class UnsignedError(ArtifactError):
    """The signature is missing, or not by a key that this service trusts."""


class SelfTestError(ArtifactError):
    """The model answers differently here than where it was trained."""


class Checksum(msgspec.Struct, frozen=True, omit_defaults=True):
    sha256: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> "Checksum":
        return cls(sha256(content), len(content))


class ListedFile(Checksum, frozen=True, omit_defaults=True):
    """A file of the artifact; a compressed part also says what it unpacks to."""

    unpacked: Checksum | None = None


class Question(msgspec.Struct, frozen=True):
    """An article of the self-test and the annotation it got at training time, as plain data."""

    article: Article
    answer: dict[str, Any]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`newest_row` is the day of the newest training row, ISO 8601; `data` holds the fingerprints of what was read."""

    format: int = FORMAT
    newest_row: str | None = None
    versions: dict[str, str] = {}
    data: list[dict[str, Any]] = []
    config: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    thresholds: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    self_test: list[Question] = []
    files: dict[str, ListedFile] = {}


class _WrittenManifest(Manifest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When writing, a misspelt field is an error; when reading, the format number alone decides."""


class _FormatOnly(msgspec.Struct):
    format: int


def compose(fields: Mapping[str, object], files: Mapping[str, ListedFile]) -> bytes:
    """The bytes of manifest.json. Raises msgspec.ValidationError for a field that a manifest doesn't have."""
    if refused := [name for name in files if not _NAME.fullmatch(name)]:
        raise ValueError(f"a file of an artifact can't be called {refused[0]!r}")
    manifest = msgspec.convert({**fields, "format": FORMAT, "files": dict(files)}, _WrittenManifest)
    _day(manifest)
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def parse(content: bytes, place: object) -> Manifest:
    """The manifest of the artifact at `place` (for messages), its names safe to join to a directory."""
    try:
        number = msgspec.json.decode(content, type=_FormatOnly).format
        if number != FORMAT:
            raise WrongFormatError(_wrong_format(number, place))
        manifest = msgspec.json.decode(content, type=Manifest)
        _day(manifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AlteredError(f"the manifest of {place} can't be read ({error}): restore the model from a copy") from error
    if refused := [name for name in manifest.files if not _NAME.fullmatch(name)]:
        raise AlteredError(f"the manifest of {place} lists {refused[0]!r}, no name an artifact uses: don't trust it")
    return manifest


def version(content: bytes, manifest: Manifest) -> str:
    """YYYYMMDD-xxxxxxxx, from the manifest alone because that lists every other file's checksum.

    The signature stays outside: a model is the same model whoever vouches for it.
    """
    checksums = {name: listed.sha256 for name, listed in manifest.files.items()} | {"manifest.json": sha256(content)}
    lines = "".join(f"{name} {checksums[name]}\n" for name in sorted(checksums))
    return f"{_day(manifest)}-{sha256(lines.encode())[:8]}"


def check_self_test(manifest: Manifest, annotate: Callable[[list[Article]], list[dict[str, Any]]]) -> None:
    """Raises SelfTestError when an answer differs: labels and decisions at all, numbers by more than TOLERANCE.

    `annotate` gives annotations as plain data (`msgspec.to_builtins`), with explanations or without.
    """
    answers = annotate([question.article for question in manifest.self_test])
    if len(answers) != len(manifest.self_test):
        raise SelfTestError(f"the self-test has {len(manifest.self_test)} articles and got {len(answers)} answers")
    for number, (question, answer) in enumerate(zip(manifest.self_test, answers, strict=True), start=1):
        if difference := next(_differences(question.answer, answer, ""), None):
            raise SelfTestError(
                f"article {number} of the self-test is answered differently than at training time: {difference}. "
                f"Trained with {manifest.versions}; install those versions, retrain or roll back"
            )


def _differences(expected: object, got: object, pointer: str) -> Iterator[str]:
    """Only what the stored answer has is compared: a newer service may answer more."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected.keys() - _NOT_COMPARED:
            yield from _differences(expected[key], got.get(key), f"{pointer}/{key}")
    elif isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)) and len(expected) == len(got):
        for index, pair in enumerate(zip(_by_id(expected), _by_id(got), strict=True)):
            yield from _differences(*pair, f"{pointer}/{index}")
    elif isinstance(expected, float) and isinstance(got, (float, int)):
        if not abs(expected - got) <= TOLERANCE:  # not the other way round: NaN differs from everything
            yield f"{pointer} was {expected}, is {got}"
    elif expected != got:
        yield f"{pointer} was {expected!r}, is {got!r}"


def _by_id(items: "list[Any] | tuple[Any, ...]") -> "list[Any] | tuple[Any, ...]":
    """Two labels whose scores differ by less than the tolerance may change places."""
    if all(isinstance(item, dict) and "id" in item for item in items):
        return sorted(items, key=lambda item: str(item["id"]))
    return items


def sha256(content: Any) -> str:
    """Of anything with a buffer: 1.4 GB/s here, so checking a model of 60 MB costs 40 ms."""
    return hashlib.sha256(content).hexdigest()


def _wrong_format(number: int, place: object) -> str:
    if number < FORMAT:
        return f"{place} has the older format {number}, this service reads {FORMAT}: retrain or roll back"
    return f"{place} has the newer format {number}, this service reads {FORMAT}: update the service or roll back"


def _day(manifest: Manifest) -> str:
    if manifest.newest_row is None:
        return "undated"
    return date.fromisoformat(manifest.newest_row[:10]).strftime("%Y%m%d")
