"""The vocabulary of this process, in step with the store: what this process changes holds before it is answered."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from service.declension import declined_all, says_nothing
from service.inference.labels import Labels
from service.store import terms
from service.store.database import Connection
from service.store.terms import State
from service.store.writer import Writer
from service.vocabulary import Entry, Term, Vocabulary, VocabularyError, searched

NOTHING = Vocabulary()

Change: TypeAlias = Callable[[Vocabulary], Entry]

_entry = msgspec.json.Decoder(Entry)


class Terms:
    """`now` is the vocabulary, exchanged as a whole."""

    def __init__(self, now: Vocabulary = NOTHING) -> None:
        self.now = now
        self._state: State = (0, 0)

    def catch_up(self, connection: Connection) -> None:
        """Reads all when anything has changed; a look costs 20 µs."""
        if (state := terms.state(connection)) != self._state:
            self.now, self._state = read(connection), state

    def change(
        self, writer: Writer[Any], labels: Labels, of_model: str, change: Change, if_match: str | None
    ) -> "Future[tuple[Term, str]]":
        """The tag as it is now, and the new version of the vocabulary, when that is durable and heeded by this process.

        `labels` and `of_model` are the model's own. `if_match` is the version that the change was made for; None: any.
        The future raises VocabularyError, also for names whose forms are not known: those have to be prepared.
        """

        def do(connection: Connection) -> tuple[Vocabulary, State, tuple[Term, str]]:
            before = read(connection)
            if if_match is not None and if_match != before.version(of_model):
                raise VocabularyError("changed-meanwhile", "the vocabulary has changed since: read it again")
            changed = with_names(before, change(before), labels)
            after = Vocabulary([*(one for one in before.entries.values() if one.id != changed.id), changed])
            if changed != before.entries.get(changed.id):
                terms.put(connection, changed.id, msgspec.json.encode(changed))
            term = after.term(changed.id, labels)
            assert term is not None
            return after, terms.state(connection), (term, after.version(of_model))

        told: Future[tuple[Term, str]] = Future()

        def tell(future: "Future[tuple[Vocabulary, State, tuple[Term, str]]]") -> None:
            if error := future.exception():
                told.set_exception(error)
            else:
                told.set_result(future.result()[2])

        writer.do(do, self._take).add_done_callback(tell)
        return told

    def _take(self, done: tuple[Vocabulary, State, tuple[Term, str]]) -> None:
        self.now, self._state = done[:2]


def with_names(vocabulary: Vocabulary, entry: Entry, labels: Labels) -> Entry:
    """With the forms of all its names. Raises VocabularyError where a text can't hold one of them."""
    after = Vocabulary([*vocabulary.entries.values(), entry])
    term = after.term(entry.id, labels)
    assert term is not None
    wanted = searched(term, entry, labels)
    names = declined_all(wanted)
    if () in names:
        raise VocabularyError("malformed", "a label needs words in Cyrillic or Latin letters, or digits", "/label")
    if nothing := next(filter(says_nothing, wanted), None):
        pointer = f"/synonyms/{entry.synonyms.index(nothing)}" if nothing in entry.synonyms else "/label"
        raise VocabularyError("malformed", f"«{nothing}» stands in most articles: give it a fuller name", pointer)
    return replace(entry, names=names)


def read(connection: Connection) -> Vocabulary:
    return Vocabulary(map(_entry.decode, terms.read(connection)))
