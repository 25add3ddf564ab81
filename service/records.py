"""Articles and annotations to and from JSON: the one reader and writer of records, behind HTTP and command line alike.

Decoding is typed and in C: 2.7 kB of article take 6 µs, a third of it the look for unknown fields.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from service.fields import unknown_fields
from service.inference.article import Annotation, Article, LabelledArticle, RequestWarning
from service.lines import BOM, DamagedFileError, open_lines, write_lines

__all__ = [
    "DamagedFileError",
    "RecordError",
    "Rejects",
    "decode_article",
    "encode_annotation",
    "open_lines",
    "read_labelled",
    "write_lines",
]

A = TypeVar("A", bound=Article)

_articles = msgspec.json.Decoder(Article)
_labelled = msgspec.json.Decoder(LabelledArticle)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])  # the keys alone: values are skipped, 2 µs
_encoder = msgspec.json.Encoder()

_PATH = re.compile(r"(.*?) - at `\$(.*)`", re.DOTALL)
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class RecordError(Exception):
    """A record of the wrong shape or encoding: a JSON pointer to the place and what is wrong there."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}" if pointer else detail)
        self.pointer = pointer
        self.detail = detail


class Rejects:
    """Rows that can't be used: counted by reason and written, each as {"file","line","reason"}; never lost silently."""

    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        self.reasons: Counter[str] = Counter()
        self._write = write

    @property
    def count(self) -> int:
        return self.reasons.total()

    def add(self, file: Path | str, line: int, reason: str) -> None:
        self.reasons[reason] += 1
        if self._write is not None:
            self._write(msgspec.json.encode({"file": str(file), "line": line, "reason": reason}))


def decode_article(line: bytes, *, strict: bool = False) -> tuple[Article, tuple[RequestWarning, ...]]:
    """The article in a line or request body, and a warning for each field in it that is not read.

    With `strict` such a field is a RecordError. Null is the same as absent; of a field sent twice the last counts.
    """
    line = line.removeprefix(BOM)
    with _record_errors(line):
        article = _decode(_articles, line)
        warnings = unknown_fields(_objects.decode(line))
        if warnings:
            line.decode()  # unread fields were skipped without a look at their encoding
    if strict and warnings:
        raise RecordError(warnings[0].pointer, _advice(warnings[0]))
    return article, warnings


def read_labelled(path: Path | str, rejects: Rejects) -> Iterator[LabelledArticle]:
    """The labelled articles of a file, in order; what can't be decoded goes to `rejects`. Reads the disk."""
    for number, line in open_lines(path):
        try:
            with _record_errors(line):
                article = _decode(_labelled, line)
        except RecordError as error:
            rejects.add(path, number, str(error))
        else:
            yield article


def encode_annotation(annotation: Annotation) -> bytes:
    """One line without its end."""
    return _encoder.encode(annotation)


@contextmanager
def _record_errors(line: bytes) -> Iterator[None]:
    """Whatever msgspec finds wrong with the line becomes a RecordError."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise _wrong_shape(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error, line) from error


def _decode(decoder: "msgspec.json.Decoder[A]", line: bytes) -> A:
    try:
        article = decoder.decode(line)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error):
            raise
        # the slow way, for a null where the type has none: {"tags": null}
        article = msgspec.convert(_without_nulls(msgspec.json.decode(line)), decoder.type)
    if article.title is None and article.text is None and article.body_html is None:
        raise RecordError("", "title, text or body_html has to be there as a string")
    return article


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _wrong_shape(error: msgspec.ValidationError) -> RecordError:
    """msgspec says "Expected `str`, got `int` - at `$.current.tags[0].id`", which is /current/tags/0/id.

    Under a name that is not its own it says `[...]`, which is /- here.
    """
    if match := _PATH.fullmatch(str(error)):
        return RecordError(re.sub(r"[.\[]", "/", match[2].replace("[...]", "[-]")).replace("]", ""), match[1])
    return RecordError("", str(error))


def _not_json(error: Exception, line: bytes) -> RecordError:
    if isinstance(error, RecursionError):
        return RecordError("", "nested too deeply")
    try:
        line.decode()
    except UnicodeDecodeError as invalid:
        return RecordError("", f"not UTF-8: {invalid.reason} at byte {invalid.start}")
    if _LONE_SURROGATE.search(line):  # msgspec calls half a pair of surrogates "truncated"
        return RecordError("", f"not JSON, or an escape \\ud800 to \\udfff without its other half: {error}")
    return RecordError("", f"not JSON: {error}")


def _advice(warning: RequestWarning) -> str:
    meant = f", did you mean {warning.did_you_mean}?" if warning.did_you_mean else ""
    return f"this field is not read{meant}"
