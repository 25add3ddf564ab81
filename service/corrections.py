"""The journal of editors' decisions: appended to, undone by a record of its own, erased with its article."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from service.calibrations import forget
from service.correction import CorrectionError, Ready, Worked
from service.drawn import outcomes
from service.inference.article import RequestWarning
from service.inference.labels import Head
from service.memory import NOTHING, Chosen, Memory, after
from service.recall import Recall
from service.store import answers, audits, journal
from service.store.audits import Audit
from service.store.database import Connection
from service.store.journal import Entry, Remembered
from service.store.readers import Readers
from service.store.writer import Writer
from service.trust import Outcome


class Recorded(Struct, frozen=True, kw_only=True):
    """A correction that is on the disk; `id` is its place in the order of all."""

    id: int
    status: Literal[200, 201]
    article_id: str | None
    prediction_id: str | None
    received_at: str
    accepted: dict[Head, tuple[Chosen, ...]]
    added: dict[Head, tuple[Chosen, ...]]
    rejected: dict[Head, tuple[Chosen, ...]]
    warnings: tuple[RequestWarning, ...]
    audited: tuple[Outcome, ...] = ()  # of an audit: what was published unseen, and whether the editor chose it too


class Refusal(Struct, frozen=True):
    """As it is kept for a replay."""

    kind: str
    detail: str
    places: tuple[tuple[str, str], ...]

    def error(self) -> CorrectionError:
        return CorrectionError(self.kind, self.detail, self.places)


class Kept(Struct, frozen=True):
    """What a call was answered: for each correction one of the two."""

    items: tuple[tuple[Recorded | None, Refusal | None], ...]


Answered: TypeAlias = Sequence[Recorded | CorrectionError]


class Corrections:
    """`writer` is the one of this process: what it has written is in `recall` before anybody is told."""

    def __init__(
        self,
        writer: Writer[Any],
        readers: Readers,
        recall: Recall,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._writer, self._readers, self._recall = writer, readers, recall
        self._clock = clock
        self._answering: set[str] = set()

    @contextmanager
    def once(self, key: str | None) -> Iterator[None]:
        """While a call with this Idempotency-Key is answered. Raises CorrectionError if one is already."""
        if key in self._answering:
            raise CorrectionError("conflict", "a call with this Idempotency-Key is being answered: try again later")
        if key is not None:
            self._answering.add(key)
        try:
            yield
        finally:
            self._answering.discard(key or "")

    def replay(self, key: str, fingerprint: bytes) -> Answered | None:
        """What the call with this key was answered, if any. Raises CorrectionError if its body was another."""
        with self._readers.one() as connection:
            call = journal.call(connection, key)
        return _replayed(call, fingerprint) if call is not None else None

    def append(
        self, items: Sequence[Ready | CorrectionError], key: str | None = None, fingerprint: bytes = b""
    ) -> "Future[Answered]":
        """All of a call in one transaction, in this order; done when it is durable and heeded by this process."""
        return self._do(partial(self._append, items=items, key=key, fingerprint=fingerprint))

    def undo(self, number: int, actor: str | None = None) -> "Future[Recorded]":
        """Takes a correction back by a record of its own; a second time answers with the first one's."""
        return self._do(partial(self._undo, number=number, actor=actor))

    def erase(self, article_id: str) -> "Future[tuple[int, int]]":
        """Everything that is held of an article, but for the hash of its id. How many corrections and predictions."""
        return self._do(partial(self._erase, article_id=article_id))

    def page(self, after: int, limit: int, **filters: str | None) -> list[Entry]:
        """Oldest first."""
        with self._readers.one() as connection:
            return journal.page(connection, after, limit, **filters)

    def _do(self, work: Callable[[Connection], tuple[Any, Sequence[Remembered]]]) -> "Future[Any]":
        told: Future[Any] = Future()

        def tell(future: "Future[Any]") -> None:
            if error := future.exception():
                told.set_exception(error)
            else:
                told.set_result(future.result()[0])

        self._writer.do(work, lambda result: self._recall.take(result[1])).add_done_callback(tell)
        return told

    def _append(
        self, connection: Connection, items: Sequence[Ready | CorrectionError], key: str | None, fingerprint: bytes
    ) -> tuple[Answered, Sequence[Remembered]]:
        if key is not None and (call := journal.call(connection, key)):
            return _replayed(call, fingerprint), ()
        now = self._clock().isoformat(timespec="microseconds")
        first = number = journal.last_number(connection)
        told: list[Recorded | CorrectionError] = []
        entries: list[Entry] = []
        changed: dict[str, Remembered] = {}
        for one in items:
            if isinstance(one, CorrectionError):
                told.append(one)
                continue
            if one.article_id is not None and one.article_id not in changed:
                known = journal.remembered(connection, one.article_id)
                if known is not None and known.erased_at is not None:
                    told.append(CorrectionError("erased", f"this article was erased on {known.erased_at[:10]}"))
                    continue
                changed[one.article_id] = known or Remembered(
                    journal.key_of(one.article_id), one.article_id, None, None, 0
                )
            number += 1
            entries.append(_entry(number, one, now))
            told.append(_recorded(number, one, now, _judge(connection, number, one)))
            if one.article_id is not None and one.worked.seen:
                known = changed[one.article_id]
                memory = after(_memory(known), number, one.worked.final, one.worked.rejected)
                changed[one.article_id] = known._replace(memory=msgspec.json.encode(memory), sequence=number)
        remembered = [one for one in changed.values() if one.sequence > first]
        journal.append(connection, entries)
        journal.remember(connection, remembered)
        if key is not None:
            number += 1  # so that its own numbers are known by their ends, also when there are none
            journal.keep_call(connection, key, fingerprint, first + 1, number, _kept(told), now)
        journal.give_numbers(connection, number)
        return told, remembered

    def _undo(self, connection: Connection, number: int, actor: str | None) -> tuple[Recorded, Sequence[Remembered]]:
        undone = journal.entry(connection, number)
        if undone is None:
            raise CorrectionError("not-found", f"there is no correction {number}")
        if undone.undoes is not None:
            raise CorrectionError("conflict", f"{number} is an undo itself: send the correction again instead")
        if undone.body is None:
            raise CorrectionError("gone", f"the article of correction {number} was erased")
        if undone.undone is not None:
            before = journal.entry(connection, undone.undone)
            assert before is not None
            return _undo_recorded(before, 200), ()
        own = journal.last_number(connection) + 1
        now = self._clock().isoformat(timespec="microseconds")
        body = msgspec.json.encode(Worked())
        record = Entry(own, undone.article_id, actor, now, number, False, body, None)
        journal.append(connection, [record])
        audits.take_back(connection, number)
        journal.give_numbers(connection, own)
        remembered: list[Remembered] = []
        if undone.article_id is not None:
            memory = _folded(journal.of_article(connection, undone.article_id))
            key = journal.key_of(undone.article_id)
            remembered = [Remembered(key, undone.article_id, msgspec.json.encode(memory), None, own)]
            journal.remember(connection, remembered)
        return _undo_recorded(record, 201), remembered

    def _erase(self, connection: Connection, article_id: str) -> tuple[tuple[int, int], Sequence[Remembered]]:
        now = self._clock().isoformat(timespec="microseconds")
        corrections, predictions = journal.erase(connection, article_id), answers.erase(connection, article_id)
        own = journal.last_number(connection) + 1
        audits.erase(connection, journal.key_of(article_id), own)
        forget(connection, journal.key_of(article_id))
        before = journal.remembered(connection, article_id)
        erased_at = before.erased_at if before and before.erased_at else now
        tombstone = Remembered(journal.key_of(article_id), None, None, erased_at, own)
        journal.remember(connection, [tombstone])
        journal.give_numbers(connection, own)
        return (corrections, predictions), [tombstone]


def fingerprint_of(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def worked_of(entry: Entry) -> Worked | None:
    """None of an erased one."""
    return msgspec.json.decode(entry.body, type=Worked) if entry.body is not None else None


def _folded(entries: Iterable[Entry]) -> Memory:
    memory = NOTHING
    for entry in entries:
        worked = worked_of(entry) if entry.undoes is None and entry.undone is None else None
        if worked is not None and worked.seen:
            memory = after(memory, entry.sequence, worked.final, worked.rejected)
    return memory


def _memory(known: Remembered) -> Memory:
    return msgspec.json.decode(known.memory, type=Memory) if known.memory is not None else NOTHING


def _entry(number: int, one: Ready, now: str) -> Entry:
    worked = one.worked
    taught = worked.seen and not worked.draft
    return Entry(number, one.article_id, one.actor, now, None, taught, msgspec.json.encode(worked), one.article)


def _judge(connection: Connection, number: int, one: Ready) -> tuple[Outcome, ...]:
    """Notes what an audit found, and tells it."""
    if not one.audit or one.article_id is None:
        return ()
    key, found = journal.key_of(one.article_id), list(outcomes(connection, one.article_id, one.worked.final))
    audits.put(
        connection,
        [Audit(version, its.head, its.id, key, its.label, its.correct, number) for version, its in found],
    )
    return tuple(its for _, its in found)


def _recorded(number: int, one: Ready, now: str, audited: tuple[Outcome, ...]) -> Recorded:
    worked = one.worked
    unheard = (RequestWarning("audit_not_counted", "/audit"),) if one.audit and not audited else ()
    return Recorded(
        id=number,
        status=201,
        article_id=one.article_id,
        prediction_id=worked.prediction_id,
        received_at=now,
        accepted=worked.accepted,
        added=worked.added,
        rejected=worked.rejected,
        warnings=(*one.warnings, *unheard),
        audited=audited,
    )


def _undo_recorded(entry: Entry, status: Literal[200, 201]) -> Recorded:
    return Recorded(
        id=entry.sequence,
        status=status,
        article_id=entry.article_id,
        prediction_id=None,
        received_at=entry.received_at,
        accepted={},
        added={},
        rejected={},
        warnings=(),
    )


def _kept(told: Sequence[Recorded | CorrectionError]) -> bytes:
    items = [
        (one, None) if isinstance(one, Recorded) else (None, Refusal(one.kind, one.detail, one.places)) for one in told
    ]
    return msgspec.json.encode(Kept(tuple(items)))


def _replayed(call: journal.Call, fingerprint: bytes) -> Answered:
    if call.fingerprint != fingerprint:
        raise CorrectionError("conflict", "this Idempotency-Key came with another body before: choose a new key")
    kept = msgspec.json.decode(call.answer, type=Kept)
    items: list[Recorded | CorrectionError] = []
    for recorded, refusal in kept.items:
        if recorded is not None:
            items.append(msgspec.structs.replace(recorded, status=200))
        elif refusal is not None:
            items.append(refusal.error())
    return items
