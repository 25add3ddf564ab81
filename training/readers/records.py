"""Our own records: JSONL, plain, .gz or .zst."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from service.inference.article import LabelledArticle, RequestWarning
from service.records import RecordError, decode_article, open_lines, record_errors
from training.readers import Rejects, Row


class _Labels(msgspec.Struct, frozen=True):
    """What `decode_article` leaves out, because in a request it would be no part of an article."""

    rubric: str | None = None
    regions: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    extra: dict[str, Any] | None = None


_labels = msgspec.json.Decoder(_Labels)


def read(path: Path, rejects: Rejects) -> Iterator[Row]:
    for number, line in open_lines(path):
        try:
            article, unread = decode_article(line)
            with record_errors(line):
                labels = _labels.decode(line)
        except RecordError as error:
            rejects.add(path, number, str(error))
            continue
        fields = {name: getattr(article, name) for name in article.__struct_fields__}
        labelled = LabelledArticle(**fields, rubric=labels.rubric, regions=labels.regions or (), tags=labels.tags or ())
        yield Row(number, labelled, labels.extra or {}, tuple(_meant(unread)))


def _meant(unread: Iterable[RequestWarning]) -> Iterator[tuple[str, str | None]]:
    """Labels stand beside the text here, so they are read, and what should be one of them has its plain name."""
    for warning in unread:
        if warning.code == "unknown_field" and warning.pointer.count("/") == 1:
            yield warning.pointer[1:], warning.did_you_mean and warning.did_you_mean.removeprefix("current.")
