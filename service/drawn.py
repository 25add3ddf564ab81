"""The queue of audits: articles drawn at random from those that had a label published unseen."""

import msgspec
from msgspec import Struct

from service.keeping import Keeping
from service.review import LOOKED_AT, Candidate, when
from service.store import audits, journal
from service.trust import is_drawn


class _Label(Struct, frozen=True):
    decision: str
    origin: str = "model"


class _Answer(Struct, frozen=True):
    rubric: _Label | None = None
    regions: tuple[_Label, ...] = ()
    tags: tuple[_Label, ...] = ()


_decoder = msgspec.json.Decoder(_Answer)


def queue(keeping: Keeping, version: str, share: float, most: int) -> list[Candidate]:
    """Oldest first, so that none is forgotten; of a version only those that nobody has judged under it. An article that
    was corrected meanwhile stays: without it the errors that were seen would be missing among those that are counted.

    What was suggested is not told. Reads the store. Raises StoreError.
    """
    found: dict[str, Candidate] = {}
    for kept, content in keeping.predictions.latest(LOOKED_AT):
        article_id = kept.article_id
        if article_id is None or kept.draft or article_id in found or not is_drawn(article_id, share):
            continue
        if f'"version":"{version}"'.encode() in content and _is_published(_decoder.decode(content)):
            found[article_id] = Candidate(article_id, kept.prediction_id, when(kept.made_at))
    keys = {journal.key_of(article_id): article_id for article_id in found}
    with keeping.readers.one() as connection:
        done = audits.judged(connection, version, keys)
    return [found[article_id] for key, article_id in keys.items() if key not in done][::-1][:most]


def _is_published(answer: _Answer) -> bool:
    labels = (*((answer.rubric,) if answer.rubric else ()), *answer.regions, *answer.tags)
    return any(one.decision == "auto" and one.origin != "history" for one in labels)
