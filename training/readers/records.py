"""Our own records: JSONL, plain, .gz or .zst."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from service.inference.article import LabelledArticle
from service.records import RecordError, decode_article, open_lines
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
            article, _ = decode_article(line)
            labels = _labels.decode(line)
        except (RecordError, msgspec.ValidationError) as error:
            rejects.add(path, number, str(error))
            continue
        fields = {name: getattr(article, name) for name in article.__struct_fields__}
        labelled = LabelledArticle(**fields, rubric=labels.rubric, regions=labels.regions or (), tags=labels.tags or ())
        yield Row(number, labelled, labels.extra or {})
