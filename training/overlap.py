"""Whether articles to be measured on may have been learnt from, as far as a model's manifest can tell."""

import hashlib
from collections.abc import Iterable
from datetime import date

import msgspec

from service.inference.manifest import Manifest
from training.evaluation import Overlap
from training.examples import Example, Examples


def fingerprint(rows: Iterable[Example]) -> str:
    """A checksum over ids, texts and labels of the rows, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(msgspec.json.encode(row.article))
    return digest.hexdigest()


def overlap(manifest: Manifest, examples: Examples) -> Overlap:
    """The manifest knows no row by itself: whole corpora are told by their checksum, other rows by their day."""
    trained_on = {one.get("sha256") for one in manifest.data}
    newest = date.fromisoformat(manifest.newest_row[:10]) if manifest.newest_row else None
    learnt = []
    days: list[date | None] = []
    for number, corpus in enumerate(examples.corpora):
        rows = [row for row in examples.rows if row.corpus == number]
        if rows and fingerprint(rows) in trained_on:
            learnt.append(corpus.name)
        else:
            days += [row.date for row in rows]
    return Overlap(
        newest_row=manifest.newest_row,
        learnt=tuple(learnt),
        not_newer=sum(newest is not None and day is not None and day <= newest for day in days),
        undated=sum(newest is None or day is None for day in days),
    )
