"""Articles and annotations to and from JSON: the one reader and writer of records, behind HTTP and command line alike.

Decoding is typed and in C: 2.7 kB of article take 6 µs, a third of it the look for unknown fields.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from service.fields import unknown_fields
from service.inference.article import Annotation, Article, LabelledArticle, RequestWarning
from service.lines import BOM, DamagedFileError, open_lines, write_lines
from service.shape import wrong

__all__ = [
    "UNREADABLE",
    "DamagedFileError",
    "RecordError",
    "Rejects",
    "decode_article",
    "decode_labelled",
    "encode_annotation",
    "not_json",
    "open_lines",
    "record_errors",
    "write_lines",
]

TEXTS: Final = ("title", "text", "body_html")  # one of them has to be there
STAGES: Final = ("draft", "published")
LONGEST_ID = 40  # characters of a number that are repeated

_articles = msgspec.json.Decoder(Article)
_labelled = msgspec.json.Decoder(LabelledArticle)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])  # the keys alone: values are skipped, 2 µs
_labelled_fields = frozenset(LabelledArticle.__struct_fields__)
_encoder = msgspec.json.Encoder()

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # a ValidationError is a DecodeError
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class RecordError(Exception):
    """A record of the wrong shape or encoding: what is wrong, and JSON pointers to the places with a word on each."""

    def __init__(self, pointer: str, detail: str, places: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(f"{pointer}: {detail}" if pointer else detail)
        self.pointer = pointer
        self.detail = detail
        self.places = tuple(places) or (((pointer, detail),) if pointer else ())


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
    try:  # record_errors would cost 1.4 µs of 10
        article = _decode(line)
        warnings = unknown_fields(_objects.decode(line))
        if warnings:
            line.decode()  # unread fields were skipped without a look at their encoding
    except UNREADABLE as error:
        raise _what_is_wrong(error, line) from error
    if article.title is None and article.text is None and article.body_html is None:
        raise _without_text(warnings)
    if strict and warnings:
        raise RecordError(warnings[0].pointer, _advice(warnings[0]), _places(warnings))
    return article, warnings


def decode_labelled(line: bytes) -> tuple[LabelledArticle, dict[str, msgspec.Raw]]:
    """The article in a line with the labels that it has, and all fields of the line as they were sent.

    Raises RecordError. Null is the same as absent, of a field sent twice the last counts.
    """
    try:
        try:
            article = _labelled.decode(line)
        except msgspec.ValidationError as error:
            if "got `null`" not in str(error):
                raise
            article = msgspec.convert(_without_nulls(msgspec.json.decode(line)), LabelledArticle)
        fields = _objects.decode(line)
        if not fields.keys() <= _labelled_fields:
            line.decode()
    except UNREADABLE as error:
        raise _what_is_wrong(error, line) from error
    if article.title is None and article.text is None and article.body_html is None:
        raise _without_text(unknown_fields(fields))
    return article, fields


def encode_annotation(annotation: Annotation) -> bytes:
    """One line without its end."""
    return _encoder.encode(annotation)


@contextmanager
def record_errors(line: bytes, whole: str = "an article") -> Iterator[None]:
    """Whatever msgspec finds wrong with the line, which is to hold `whole`, becomes a RecordError."""
    try:
        yield
    except UNREADABLE as error:
        raise _what_is_wrong(error, line, whole) from error


def _what_is_wrong(error: Exception, line: bytes, whole: str = "an article") -> RecordError:
    if isinstance(error, msgspec.ValidationError):
        return _wrong_shape(error, line)
    return not_json(error, line, whole)


def _decode(line: bytes) -> Article:
    try:
        return _articles.decode(line)
    except msgspec.ValidationError as error:
        if "got `null`" not in str(error):
            raise
        # the slow way, for a null where the type has none: {"tags": null}
        return msgspec.convert(_without_nulls(msgspec.json.decode(line)), Article)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _without_text(warnings: Sequence[RequestWarning]) -> RecordError:
    """What is not read is told too: most often the text is there under another name."""
    meant = [f"{one.pointer[1:]} → {one.did_you_mean}" for one in warnings if one.did_you_mean in TEXTS]
    probably = f" (probably {', '.join(meant)})" if meant else ""
    return RecordError("", f"title, text or body_html has to be there as a string{probably}", _places(warnings))


def _wrong_shape(error: msgspec.ValidationError, line: bytes) -> RecordError:
    pointer, detail = wrong(error, "an article", STAGES)
    if pointer == "/id":  # many a CMS counts its articles
        sent = bytes(_objects.decode(line)["id"]).decode(errors="replace")
        if sent.isdecimal() and len(sent) <= LONGEST_ID:
            detail = f'id must be a string: send "{sent}"'
    return RecordError(pointer, detail)


def not_json(error: Exception, line: bytes, whole: str) -> RecordError:
    """What is the matter with a line that is no JSON, and was to hold `whole`; `error` is one of UNREADABLE."""
    if not line.strip():
        return RecordError("", f"the body is empty: send {whole} as a JSON object")
    if isinstance(error, RecursionError):
        return RecordError("", "nested too deeply")
    try:
        line.decode()
    except UnicodeDecodeError as invalid:
        return RecordError("", f"not UTF-8: {invalid.reason} at byte {invalid.start}")
    if _LONE_SURROGATE.search(line):  # msgspec calls half a pair of surrogates "truncated"
        return RecordError("", f"not JSON, or an escape \\ud800 to \\udfff without its other half: {error}")
    return RecordError("", f"not JSON: {error}")


def _places(warnings: Sequence[RequestWarning]) -> list[tuple[str, str]]:
    return [(warning.pointer, _advice(warning)) for warning in warnings]


def _advice(warning: RequestWarning) -> str:
    meant = f", did you mean {warning.did_you_mean}?" if warning.did_you_mean else ""
    return f"this field is not read{meant}"
