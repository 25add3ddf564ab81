"""Editors' corrections as corpora to learn from, and what speaks against learning from them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from service import terms
from service.inference.labels import Labels
from service.labelled import export
from service.outliers import outliers
from service.store import journal
from service.store.database import Connection
from service.vocabulary import Vocabulary
from training.config import Corpus, Label
from training.labels import EditedTags, OwnTag, tag_key
from training.of_two_minds import Contradiction, between_editors

HEADS: tuple[Label, ...] = ("rubric", "regions", "tags")


class RetrainingError(Exception):
    """A training set that nothing should be learnt from; says why and what to do."""


class Taught(NamedTuple):
    """`corpora` come before all others: of two rows with one id the first is learnt from."""

    corpora: tuple[Corpus, ...]
    articles: int
    until: int  # the newest line of the journal
    erased: frozenset[bytes]  # keys of articles that nobody may learn from any more
    doubts: tuple[str, ...]  # sentences: why not to learn from these corrections
    vocabulary: Vocabulary  # the tags that editors changed
    contradictions: tuple[Contradiction, ...]  # articles that two editors gave different rubrics

    def edited(self, labels: Labels) -> EditedTags:
        """What they made of the tags of the model that has these labels. Rows of an archive that have an old label of a
        tag are its examples too."""
        names, changed = self.vocabulary.names(), self.vocabulary.entries.values()
        own = tuple(OwnTag(label, tuple(synonyms)) for label, *synonyms in names.values())
        ids = {tag_key(label): id_ for id_, label in labels.all("tags").items()}
        ids |= {tag_key(name): one.id for one in changed for name in (one.known_as, one.label) if name is not None}
        ids |= {tag_key(label): id_ for id_, (label, *_) in names.items()}
        return EditedTags(own, tuple(self.vocabulary.retired_names()), ids)


@contextmanager
def taught(connection: Connection) -> Iterator[Taught]:
    """Written to files that are gone at the end. Reads the store."""
    with TemporaryDirectory(prefix="rubricator-") as folder:
        corpora, articles = _corpora(connection, Path(folder))
        yield Taught(
            corpora,
            articles,
            journal.last_number(connection),
            frozenset(one.key for one in journal.erased(connection)),
            tuple(map(str, outliers(journal.taught(connection), others=0))),
            terms.read(connection),
            tuple(between_editors(connection)),
        )


def _corpora(connection: Connection, folder: Path) -> tuple[tuple[Corpus, ...], int]:
    """A file for each set of heads that were looked at: what an editor has not looked at is not unlabelled."""
    lines: dict[tuple[Label, ...], list[bytes]] = defaultdict(list)
    for line in export(connection):
        record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        if heads := tuple(head for head in HEADS if head in record):
            lines[heads].append(line)
    corpora = []
    for heads, its in sorted(lines.items()):
        path = folder / f"corrections-{'-'.join(heads)}.jsonl"
        path.write_bytes(b"\n".join(its) + b"\n")
        corpora.append(Corpus(path, format="records", use=heads))
    return tuple(corpora), sum(map(len, lines.values()))


def shrunken(articles: int, before: Sequence[dict[str, object]], least: float = 0.8) -> str | None:
    """Why a training set looks like a part of what it should be: `before` are the corpora of the model in use."""
    learnt = sum(int(str(one.get("articles", 0))) for one in before)
    if articles < least * learnt:
        return f"only {articles} articles to learn from, the model in use had {learnt}: is a file missing?"
    return None
