"""What editors had decided when a job started: their decisions on articles, the tags that they changed, and labels that
their audits speak against. Kept beside the plan, so that a shard's result doesn't depend on when it was made, nor on a
store that the worker can't reach."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from service.audits import HeldBack
from service.inference.article import Article
from service.inference.beside import file_beside
from service.jobs.plan import JobError
from service.keeping import Keeping
from service.memory import NOTHING, Memory
from service.recall import carries
from service.vocabulary import Entry, Vocabulary

NAME = "snapshot.jsonl"

_vocabulary = msgspec.json.Decoder(tuple[Entry, ...])
_decision = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_held = msgspec.json.Decoder(tuple[tuple[str, str], ...])
_memory = msgspec.json.Decoder(Memory)


class Snapshot:
    """The editors' memory and vocabulary of that moment; as a door wants them."""

    problem: str | None = None

    def __init__(self, vocabulary: Vocabulary, held: HeldBack, decisions: Mapping[str, bytes]) -> None:
        self.vocabulary = vocabulary
        self._held = held
        self._decisions = decisions

    def held_back(self, _: str) -> HeldBack:
        """Of the job's model."""
        return self._held

    def of(self, article: Article, /) -> Memory | None:
        decided = self.decided(article.id)
        return decided if decided is not NOTHING or carries(article) else None

    def decided(self, article_id: str | None) -> Memory:
        """In corrections, whatever the article carries."""
        found = self._decisions.get(article_id) if article_id is not None else None
        return NOTHING if found is None else _memory.decode(found)


def take(keeping: Keeping, folder: Path, version: str) -> str:
    """Writes it for a version of the model and returns its sha256. Raises JobError where the store can't tell: then
    nothing may be changed."""
    keeping.recall.look()
    if keeping.recall.problem is not None:
        raise JobError(f"{keeping.recall.problem}: what editors decided has to be known before anything is changed")
    digest = hashlib.sha256()
    with file_beside(folder / NAME) as file:
        for line in _lines(keeping, version):
            digest.update(line)
            file.write(line)
    return digest.hexdigest()


def read(folder: Path, expected: str) -> Snapshot:
    """Raises JobError where it is not what was taken."""
    try:
        content = (folder / NAME).read_bytes()
    except OSError as error:
        raise JobError(f"{folder / NAME} can't be read ({error.strerror}): start a new job") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise JobError(f"{folder / NAME} is not what was written when the job started: start a new job")
    vocabulary, held, *decisions = content.splitlines()
    decoded = map(_decision.decode, decisions)
    return Snapshot(
        Vocabulary(_vocabulary.decode(vocabulary)),
        frozenset(_held.decode(held)),
        {id_: bytes(memory) for id_, memory in decoded},
    )


def _lines(keeping: Keeping, version: str) -> Iterator[bytes]:
    decisions = keeping.recall.all()
    yield msgspec.json.encode(list(keeping.terms.now.entries.values())) + b"\n"
    yield msgspec.json.encode(sorted(keeping.audits.held_back(version))) + b"\n"
    for id_ in sorted(decisions):
        yield msgspec.json.encode((id_, msgspec.Raw(decisions[id_]))) + b"\n"
