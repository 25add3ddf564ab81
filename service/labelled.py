"""Corrections -> labelled articles, for training; and the articles alone, to try models on."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import zstandard

from service import terms
from service.corrections import worked_of
from service.inference.article import Article
from service.inference.labels import Head
from service.memory import Chosen
from service.store import journal
from service.store.database import Connection
from service.store.journal import Entry
from service.vocabulary import Vocabulary


def export(connection: Connection) -> Iterator[bytes]:
    """Labelled articles, one line each without its end: an article's newest text, and what its editors decided last on
    each head. Only what an editor has seen; no drafts, nothing undone, nothing without a text. Merged tags
    go by the label of what they were merged into, retired ones are left out. Reads the store."""
    vocabulary = terms.read(connection)
    article_id: str | None = None
    gathered: list[Entry] = []
    for entry in journal.taught(connection):
        if gathered and (entry.article_id is None or entry.article_id != article_id):
            yield from _labelled(gathered, vocabulary)
            gathered = []
        article_id = entry.article_id
        gathered.append(entry)
    yield from _labelled(gathered, vocabulary)


def latest_articles(connection: Connection, most: int) -> list[Article]:
    """With their newest text, those that were decided on last first. Reads the store."""
    found: dict[str, Article] = {}
    for number, text in journal.latest_texts(connection, most):
        article = msgspec.json.decode(zstandard.decompress(text), type=Article)
        found.setdefault(article.id or f"#{number}", article)
    return list(found.values())


def _labelled(entries: Sequence[Entry], vocabulary: Vocabulary) -> Iterator[bytes]:
    text = next((entry.article for entry in reversed(entries) if entry.article is not None), None)
    if text is None:
        return
    final: dict[Head, tuple[Chosen, ...]] = {}
    for entry in entries:
        if worked := worked_of(entry):
            final |= worked.final
    record = msgspec.json.decode(zstandard.decompress(text), type=dict[str, Any])
    for name in ("current", "stage"):
        record.pop(name, None)
    if entries[-1].article_id is not None:
        record["id"] = entries[-1].article_id
    for head, chosen in final.items():
        labels = [one.label for one in chosen]
        if head == "tags":
            labels = list(dict.fromkeys(label for one in chosen if (label := vocabulary.meant(one)) is not None))
        if head != "rubric":
            record[head] = labels
        elif labels:
            record[head] = labels[0]
    yield msgspec.json.encode(record)
