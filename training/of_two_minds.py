"""Where editors contradict each other, or the archive: listed at a retraining, for somebody to go through."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
import zstandard

from service.corrections import worked_of
from service.inference.article import Article
from service.store import journal
from service.store.database import Connection
from training.examples import Example
from training.label_errors import contradictions
from training.spreadsheet import table

HEADER = ("противоречие", "id", "дата", "заголовок", "рубрика", "кто", "ссылка")
ARCHIVE, EDITORS = "архив", "редакторы"


class Side(NamedTuple):
    """An article under one of the rubrics that it, or one nearly like it, was given."""

    article: Article
    rubric: str
    who: str


Contradiction = tuple[Side, ...]


def between_editors(connection: Connection) -> Iterator[Contradiction]:
    """Articles that two editors gave different rubrics: each one's last word. The newest decision is learnt from. Reads
    the store."""
    for article_id, entries in groupby(journal.taught(connection), key=lambda entry: entry.article_id):
        if article_id is None:
            continue
        last: dict[str, str] = {}
        text = None
        for entry in entries:
            text = entry.article or text
            worked = worked_of(entry)
            if worked is not None and (chosen := worked.final.get("rubric")):
                last.pop(entry.actor or "", None)  # the order is that of the last words
                last[entry.actor or ""] = chosen[0].label
        if len(set(last.values())) > 1:
            article = Article() if text is None else msgspec.json.decode(zstandard.decompress(text), type=Article)
            article = msgspec.structs.replace(article, id=article_id)
            yield tuple(Side(article, rubric, actor or EDITORS) for actor, rubric in last.items())


def among_likes(rows: Sequence[Example], groups: Sequence[str], corrections: int) -> Iterator[Contradiction]:
    """Near-identical articles of which editors gave one another rubric than the others have. `groups` tell which are;
    the first so many `corrections` corpora are the editors' own."""
    for numbers in contradictions([row.article.rubric for row in rows], groups).of_two_minds:
        its = [rows[number] for number in numbers]
        if any(row.corpus < corrections for row in its):
            yield tuple(
                Side(row.article, row.article.rubric or "", EDITORS if row.corpus < corrections else ARCHIVE)
                for row in its
            )


def listed(found: Sequence[Contradiction]) -> str:
    """All of them, as a spreadsheet reads it."""
    return table(
        HEADER,
        [
            (number, one.article.id, one.article.published_at, one.article.title, one.rubric, one.who, one.article.url)
            for number, sides in enumerate(found, 1)
            for one in sides
        ],
    )
