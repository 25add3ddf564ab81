"""What editors decided, of every article, in the memory of this process: an article without decisions costs a look into
a dictionary, and what this process writes is known here before it is answered."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from service.inference.article import Article
from service.memory import NOTHING, Memory, is_editors
from service.store import journal
from service.store.database import Connection, Database, StoreError
from service.store.journal import Change, Remembered
from service.store.schema import opened

log = logging.getLogger(__name__)

INTERVAL = 0.25  # seconds between two looks at what other processes wrote, 20 µs each
PAGE = 5000

_decoder = msgspec.json.Decoder(Memory)


class Recalls(Protocol):
    """What the door needs of the editors' memory."""

    @property
    def problem(self) -> str | None: ...

    def of(self, article: Article, /) -> Memory | None: ...


class Nothing:
    """Nobody has decided anything."""

    problem: str | None = None

    def of(self, article: Article, /) -> Memory | None:
        return NOTHING if carries(article) else None


class Recall:
    """`problem` says why it may not be up to date; what was known is then still heeded."""

    def __init__(
        self,
        database: Database,
        writing: Callable[[], str | None] = lambda: None,
        look_too: Callable[[Connection], object] = lambda _: None,
    ) -> None:
        """`writing` tells what is the matter with writing; `look_too` reads what else has changed."""
        self._look_too = look_too
        self._database = database
        self._writing = writing
        self._own: str | None = "the editors' decisions have not been read yet"
        self._known: dict[str, tuple[int, bytes]] = {}  # by article: when it changed last, and its memory as JSON
        self._erased: set[bytes] = set()
        self._sequence = -1
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._looked = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recall", daemon=True)

    @property
    def problem(self) -> str | None:
        return self._own or self._writing()

    def of(self, article: Article, /) -> Memory | None:
        """None of an article that nobody has decided anything on."""
        found = self._known.get(article.id) if article.id is not None else None
        if found is not None:
            return _decoder.decode(found[1])
        return NOTHING if carries(article) else None

    def all(self) -> dict[str, bytes]:
        """By article its memory as JSON."""
        with self._lock:
            return {id_: memory for id_, (_, memory) in self._known.items()}

    def knows(self, article_id: str | None) -> bool:
        """Whether an editor has decided anything on it."""
        return article_id in self._known

    def is_erased(self, article_id: str | None) -> bool:
        return bool(self._erased) and article_id is not None and journal.key_of(article_id) in self._erased

    @property
    def erased(self) -> int:
        """How many articles it knows to be."""
        return len(self._erased)

    @property
    def articles(self) -> int:
        """How many it knows something of."""
        return len(self._known)

    def take(self, changes: Sequence[Remembered | Change]) -> None:
        """The newer of what is known and what is told wins."""
        gone = False
        with self._lock:
            for key, article_id, memory, erased_at, sequence in changes:
                if erased_at is not None:
                    self._erased.add(key)
                    gone = True
                elif article_id is not None and memory is not None:
                    before = self._known.get(article_id)
                    if before is None or before[0] < sequence:
                        self._known[article_id] = sequence, memory
            if gone:
                for id_ in [id_ for id_ in self._known if journal.key_of(id_) in self._erased]:
                    del self._known[id_]

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until it has looked at the store for the first time, or for so long."""
        self._looked.wait(seconds)

    def close(self) -> None:
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        elif self._connection is not None:  # somebody looked without the thread
            self._connection.close()
            self._connection = None

    def catch_up(self, connection: Connection) -> None:
        """Reads what has changed since it did so last."""
        if self._sequence > journal.last_number(connection):  # an earlier state of the store was restored
            with self._lock:
                self._known.clear()
                self._erased.clear()
            self._sequence = -1
        while changes := journal.changed_since(connection, self._sequence, PAGE):
            self.take(changes)
            self._sequence = changes[-1][-1]

    def look(self) -> None:
        """Once; whatever goes wrong is in `problem` afterwards."""
        try:
            if self._connection is not None and not self._connection.in_place():
                self._connection.close()
                self._connection = None
            if self._connection is None:
                if self._sequence < 0 and not self._database.exists():
                    self._own = None  # nobody has decided anything here yet
                    return
                self._connection = opened(self._database, create=False)
            self.catch_up(self._connection)
            self._look_too(self._connection)
        except Exception as error:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if not isinstance(error, StoreError):
                log.exception("the editors' decisions could not be read")
            self._own = str(error)
        else:
            self._own = None
        finally:
            self._looked.set()

    def _run(self) -> None:
        while True:
            self.look()
            if self._closed.wait(INTERVAL):
                break
        if self._connection is not None:
            self._connection.close()


def carries(article: Article) -> bool:
    """Whether an editor has set a label of it in the CMS."""
    if (current := article.current) is None:
        return False
    labels = (*((current.rubric,) if current.rubric else ()), *current.regions, *current.tags)
    return any(is_editors(label) for label in labels)
