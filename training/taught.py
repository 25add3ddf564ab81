"""Editors' corrections as corpora to learn from, and what speaks against learning from them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from service import terms
from service.corrections import worked_of
from service.inference.labels import Labels
from service.labelled import export
from service.store import journal
from service.store.database import Connection
from service.vocabulary import Vocabulary
from training.config import Corpus, Label
from training.labels import EditedTags, OwnTag, tag_key
from training.of_two_minds import Contradiction, between_editors

HEADS: tuple[Label, ...] = ("rubric", "regions", "tags")
FLIPPED = 0.5  # of the articles that were suggested a rubric: one who takes so many out of it has another one in mind
ENOUGH = 20  # articles, to say so of anybody


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
            tuple(_flippers(connection)),
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


def _flippers(connection: Connection) -> Iterator[str]:
    """Who alone takes most articles out of a rubric: a mistake, a grudge or a broken script; others would do so too."""
    suggested: Counter[tuple[str, str]] = Counter()  # rubric, actor -> articles of it that the actor decided on
    rejected: Counter[tuple[str, str]] = Counter()
    for entry in journal.taught(connection):
        worked = worked_of(entry)
        if worked is None:
            continue
        actor = entry.actor or ""
        for one in worked.accepted.get("rubric", ()):
            suggested[one.label, actor] += 1
        for one in worked.rejected.get("rubric", ()):
            suggested[one.label, actor] += 1
            rejected[one.label, actor] += 1
    for (label, actor), count in sorted(rejected.items()):
        others = [who for rubric, who in suggested if rubric == label and who != actor]
        alike = any(rejected[label, who] >= FLIPPED * suggested[label, who] for who in others)
        if count >= ENOUGH and count >= FLIPPED * suggested[label, actor] and not alike:
            who = actor or "somebody without a name"
            yield f"{who} alone took {count} of {suggested[label, actor]} articles out of «{label}»"


def shrunken(articles: int, before: Sequence[dict[str, object]], least: float = 0.8) -> str | None:
    """Why a training set looks like a part of what it should be: `before` are the corpora of the model in use."""
    learnt = sum(int(str(one.get("articles", 0))) for one in before)
    if articles < least * learnt:
        return f"only {articles} articles to learn from, the model in use had {learnt}: is a file missing?"
    return None
