"""Answers, kept so that a correction can name the one that it corrects. Written behind the answer, without the text."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec
import zstandard
from msgspec import UNSET

from service.counted import Answer, Reads, figures
from service.drawn import drawn
from service.inference.article import Annotation, Article
from service.noted import names_of, oldest
from service.recall import Recall
from service.records import encode_annotation
from service.store import answers, audits, days
from service.store.answers import Kept
from service.store.database import Connection
from service.store.readers import Readers
from service.store.writer import GATHER, Writer

LAG = 1.5 * GATHER  # seconds: by then another process has written what it answered

PARTS: Mapping[str, Sequence[str]] = {"rubric": ("rubric", "alternatives"), "regions": ("regions",), "tags": ("tags",)}


class Given(NamedTuple):
    annotation: Annotation
    article: Article
    made_at: int  # ms since 1970
    model: Reads

    @property
    def draft(self) -> bool:
        return self.article.stage == "draft"


class Found(NamedTuple):
    """`answer` is an annotation as JSON; None when it was pruned or erased."""

    answer: bytes | None
    article_id: str | None
    draft: bool


class Keeps(Protocol):
    """What the door needs of it."""

    def keep(self, annotation: Annotation, article: Article, model: Reads, /) -> None: ...


class KeepsNothing:
    def keep(self, annotation: Annotation, article: Article, model: Reads, /) -> None: ...


class Predictions:
    def __init__(self, writer: Writer[Given], readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    def keep(self, annotation: Annotation, article: Article, model: Reads, /) -> None:
        """Costs 1 µs: the rest is done by the thread that writes."""
        self._writer.behind(Given(annotation, article, int(time.time() * 1000), model))

    def find(self, ids: Iterable[str]) -> dict[str, Found]:
        """Of each that is known the latest answer, with the parts that it lacks from those before. Reads the store,
        twice where something is missing: another process may not have written it yet."""
        wanted = {id_ for id_ in ids if id_}
        found = self._found(wanted) if wanted else {}
        if found.keys() < wanted:
            time.sleep(LAG)
            found |= self._found(wanted - found.keys())
        return found

    def _found(self, wanted: Set[str]) -> dict[str, Found]:
        waiting: defaultdict[str, list[Kept]] = defaultdict(list)
        for row in _packed([one for one in reversed(self._writer.waiting) if one.annotation.prediction_id in wanted]):
            waiting[row.prediction_id].append(row)
        with self._readers.one() as connection:
            rows = {id_: [*waiting[id_], *answers.get(connection, id_)] for id_ in wanted}
        return {id_: _one(kept) for id_, kept in rows.items() if kept}


def _one(kept: Sequence[Kept]) -> Found:
    there = [row for row in kept if row.answer is not None]
    return Found(_joined(there), there[0].article_id, bool(there[0].draft)) if there else Found(None, None, False)


class Write:
    """For the writer: puts a group of answers, but those of articles that were erased, also by another process; adds
    them to the figures of the day; and notes which of them are drawn to be judged, a `share` of the articles."""

    def __init__(self, recall: Recall, share: float = 0.0) -> None:
        self._recall, self._share = recall, share

    def __call__(self, connection: Connection, given: Sequence[Given]) -> None:
        self._recall.catch_up(connection)
        kept = [one for one in given if not self._recall.is_erased(one.article.id)]
        since = oldest(datetime.now(UTC))
        names = [names_of(one.article, since) for one in kept]
        rows = {
            (row.prediction_id, row.heads): row._replace(names=its or None)
            for row, its in zip(_packed(kept), names, strict=True)
        }
        finished = [Answer(*one) for one in kept if not one.draft]
        known = answers.with_rubric(connection, list({str(one.annotation.prediction_id) for one in finished}))
        days.add(connection, figures(finished, known))
        answers.put(connection, list(rows.values()))
        found = [drawn(one.annotation, one.article.id, one.made_at, self._share) for one in finished]
        audits.draw(connection, [one for one in found if one is not None])


def _packed(given: Sequence[Given]) -> list[Kept]:
    """All in one call, for each that is made alone would let go of the interpreter's lock, and wait to have it back."""
    if not given:
        return []
    plain: list[bytes | bytearray | memoryview] = [encode_annotation(one.annotation) for one in given]
    packed = zstandard.ZstdCompressor().multi_compress_to_buffer(plain, threads=0)
    return [_row(one, packed[i].tobytes()) for i, one in enumerate(given)]


def _row(given: Given, content: bytes) -> Kept:
    annotation = given.annotation
    heads = ",".join(head for head, parts in PARTS.items() if getattr(annotation, parts[0]) is not UNSET)
    sent = given.article.id
    article_id = sent if sent is None or "\0" not in sent else None
    return Kept(str(annotation.prediction_id), heads, article_id, given.draft, given.made_at, len(content), content)


def _joined(kept: Sequence[Kept]) -> bytes:
    latest, *earlier = [
        msgspec.json.decode(zstandard.decompress(one.answer), type=dict[str, msgspec.Raw])
        for one in kept
        if one.answer is not None
    ]
    for answer in earlier:
        for parts in PARTS.values():
            if parts[0] not in latest and parts[0] in answer:
                latest |= {part: answer[part] for part in parts if part in answer}
    return msgspec.json.encode(latest)
