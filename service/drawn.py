"""Articles drawn at random from those that had a label published unseen, to be judged by an editor who does not see it.

What was published is noted when it is answered: an answer may be asked for again when an editor has corrected the
article, and is then the editor's own. An article that was corrected meanwhile is still to be judged: without it the
errors that somebody saw would be missing among those that are counted.
"""

import time
from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Struct

from service.inference.article import Annotation
from service.inference.labels import HEADS, Head, named
from service.memory import ByHead
from service.store import audits, journal
from service.store.audits import Draw
from service.store.database import Connection
from service.store.readers import Readers
from service.trust import Outcome, is_drawn

KEPT = 90 * 24 * 3600 * 1000  # ms that a drawn article waits to be judged


class Published(Struct, frozen=True):
    """A label that was `auto`."""

    head: Head
    id: str
    label: str


_decoder = msgspec.json.Decoder(tuple[Published, ...])


def drawn(annotation: Annotation, article_id: str | None, made_at: int, share: float) -> Draw | None:
    """If the article is one that is drawn, and had anything published unseen: 1 µs where it is not."""
    if article_id is None or not is_drawn(article_id, share) or not (labels := tuple(_published(annotation))):
        return None
    key, content = journal.key_of(article_id), msgspec.json.encode(labels)
    heads = ",".join(head for head in HEADS if getattr(annotation, head) is not UNSET)
    return Draw(annotation.model.version, key, heads, article_id, str(annotation.prediction_id), made_at, content)


def queue(readers: Readers, version: str, most: int) -> list[Draw]:
    """Of this version, the oldest first, each article once. Reads the store. Raises StoreError."""
    with readers.one() as connection:
        found = audits.waiting(connection, version, int(time.time() * 1000) - KEPT, most * len(HEADS))
    return list({one.key: one for one in reversed(found)}.values())[::-1][:most]


def outcomes(connection: Connection, article_id: str, final: ByHead) -> Iterator[tuple[str, Outcome]]:
    """Of each version and each label that it published: whether the editor chose it too. What was judged before is
    left out: whoever looks again has seen the label."""
    key = journal.key_of(article_id)
    before = audits.judged(connection, key)
    for draw in audits.draws_of(connection, key):
        for one in _decoder.decode(draw.labels):
            if one.head in final and (draw.version, one.head, one.id) not in before:
                before.add((draw.version, one.head, one.id))
                chosen = {name for each in final[one.head] for name in (each.id, named(each.label))}
                correct = one.id in chosen or named(one.label) in chosen
                yield draw.version, Outcome(one.head, one.id, one.label, correct)


def _published(annotation: Annotation) -> Iterator[Published]:
    for head in HEADS:
        answered = getattr(annotation, head)
        for one in answered if isinstance(answered, tuple) else () if answered in (None, UNSET) else (answered,):
            if one.decision == "auto" and one.origin != "history":
                yield Published(head, one.id, one.label)
