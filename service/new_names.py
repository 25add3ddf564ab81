"""Names that many of the latest articles have and no tag yet: candidates for the vocabulary.

Noted behind the answer (service/noted.py), counted and told apart by declension when somebody asks.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from service.declension import Name, declined, is_common, is_nominative
from service.inference.words import words
from service.latest import when
from service.noted import DAYS
from service.overlay import Names
from service.store import answers
from service.store.answers import Noted
from service.store.readers import Readers
from service.vocabulary import Vocabulary

FEWEST = 5  # articles
MOST_ARTICLES = 50_000  # answers that are looked at
FRESH = 60.0  # seconds that the list is good for
EXAMPLES = 3
MOST_FORMS = 20  # of a name that are told
QUOTES = ("«", '"')
SHORTEST = 3  # letters: «УК», «АО»
BEGINNING = 4  # letters that all forms of a word share


class Example(Struct, frozen=True):
    """An article that has the name."""

    article_id: str
    prediction_id: str
    at: str


class NewName(Struct, frozen=True):
    """`label` is the name in the form that a tag would have, as far as can be told; `forms` is how it was written, the
    most frequent first; `count` says in how many articles, `first_at` when it was first seen of late."""

    label: str
    count: int
    forms: tuple[str, ...]
    first_at: str
    examples: tuple[Example, ...]


class Found(Struct, frozen=True):
    """Of so many `days`, in so many `articles`."""

    days: int
    articles: int
    candidates: tuple[NewName, ...]


class Knows(Protocol):
    """What is asked of a model: the words of a text that name a place, and those that name a tag, each hit as the first
    word and the one behind the last."""

    def named(self, text: str, /) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]: ...


class NewNames:
    """What was worked out a minute ago is told again: of a week of 2,000 articles a day it takes about a second."""

    def __init__(self, readers: Readers, erased: Callable[[], int] = lambda: 0) -> None:
        """`erased` tells how many articles were: one more, and nothing is told again."""
        self._readers, self._erased = readers, erased
        self._lock = Lock()
        self._known: tuple[float, object, Found] | None = None

    def now(self, model: Knows, vocabulary: Vocabulary) -> Found:
        """Reads the store. Raises StoreError."""
        with self._lock:
            of = (model, vocabulary, self._erased())
            if self._known is None or time.monotonic() - self._known[0] > FRESH or self._known[1] != of:
                with self._readers.one() as connection:
                    noted = answers.noted(connection, int(time.time() * 1000) - DAYS * 24 * 3600 * 1000, MOST_ARTICLES)
                self._known = time.monotonic(), of, found_in(noted, model, vocabulary)
            return self._known[2]


def found_in(noted: Sequence[Noted], model: Knows, vocabulary: Vocabulary) -> Found:
    """The most frequent first. `noted` are answers with names, the latest first: of each article the latest counts."""
    latest: dict[str, Noted] = {}
    for one in noted:
        latest.setdefault(one.article_id, one)
    articles: defaultdict[str, list[Noted]] = defaultdict(list)
    for one in latest.values():
        for name in one.names.split("\n"):
            articles[name].append(one)
    known = Known(model, vocabulary)
    shortened: defaultdict[str, list[Noted]] = defaultdict(list)
    for name in _frequent(articles):
        if rest := known.unknown_part(name):
            shortened[rest] += articles[name]
    groups = [_group(names, shortened) for names in _same(list(shortened))]
    enough = [one for one in groups if one.count >= FEWEST]
    return Found(DAYS, len(latest), tuple(sorted(enough, key=lambda one: (-one.count, one.label))))


class Known:
    """What needs no tag of its own: tags and places of the model, and all that editors had to do with."""

    def __init__(self, model: Knows, vocabulary: Vocabulary) -> None:
        self._model = model
        self._entries = Names(list(vocabulary.entries.items()))

    def unknown_part(self, name: str) -> str | None:
        """The name without its quotation mark and the place that stands before it («России Владимир Путин»); None
        where nothing is new. «Зенит» is no name without the mark."""
        quoted, name = name.startswith(QUOTES), name.lstrip("".join(QUOTES))
        places, tags = self._model.named(name)
        parts = name.split()
        if tags or self._entries.heard((b"", b" ".join(words(name)))):
            return None
        if sum(map(str.isalpha, name)) < SHORTEST or (len(parts) == 1 and not quoted and is_common(name)):
            return None
        if any(begin == 0 and end >= len(words(name)) for begin, end in places):
            return None
        if len(parts) > 2 and any(begin == 0 and end == 1 for begin, end in places):
            return self.unknown_part(" ".join(parts[1:]))
        return name


_Words: TypeAlias = tuple[str, ...]


class _Beginning(NamedTuple):
    """What the forms of a name have in common."""

    words: tuple[bytes, ...]


def _beginning(name: str) -> _Beginning:
    return _Beginning(tuple(word[:BEGINNING] for word in words(name)))


def _frequent(articles: Mapping[str, Sequence[Noted]]) -> Iterator[str]:
    """Names whose forms, taken together, may stand in enough articles: only these are worth asking a dictionary for."""
    counts: Counter[_Beginning] = Counter()
    for name, those in articles.items():
        counts[_beginning(name)] += len(those)
    return (name for name in articles if counts[_beginning(name)] >= FEWEST)


def _same(names: Sequence[str]) -> list[list[str]]:
    """The names in groups: each one's words may be forms of the other's. Nearly linear: whoever sends texts full of
    names that begin alike must not hold up the service."""
    written: defaultdict[_Words, list[str]] = defaultdict(list)  # in capitals, too
    for name in names:
        written[_words(name)].append(name)
    at: defaultdict[tuple[_Beginning, int, str], list[_Words]] = defaultdict(list)
    for one in written:
        for place, word in enumerate(one):
            at[_beginning(" ".join(one)), place, word].append(one)
    akin: defaultdict[_Words, set[_Words]] = defaultdict(set)
    for one in written:
        beginning, forms = _beginning(" ".join(one)), declined(" ".join(one))
        found = [
            [other for word in its for other in at.get((beginning, place, word), ())] for place, its in enumerate(forms)
        ]
        for other in min(found, key=len, default=()):
            if _covers(forms, other):
                akin[one].add(other)
                akin[other].add(one)
    groups, seen = [], set[_Words]()
    for one in written:
        if one not in seen:
            seen.add(one)
            group = [one]
            for member in group:  # grows meanwhile
                group += sorted(akin[member] - seen)
                seen |= akin[member]
            groups.append([name for member in group for name in written[member]])
    return groups


def _words(name: str) -> _Words:
    return tuple(word.decode("cp1251") for word in words(name))


def _covers(forms: Name, parts: _Words) -> bool:
    return len(forms) == len(parts) and all(part in its for part, its in zip(parts, forms, strict=True))


def _group(names: Sequence[str], articles: Mapping[str, Sequence[Noted]]) -> NewName:
    those = {one.article_id: one for name in names for one in articles[name]}
    lately = sorted(those.values(), key=lambda one: -one.made_at)
    by_count = sorted(names, key=lambda name: (-len(articles[name]), name))[:MOST_FORMS]
    # the form that has most of the others among its own: «Путин» declines into «Путину», «путина» does not
    label = max(
        by_count,
        key=lambda name: (is_nominative(name), sum(_covers(declined(name), _words(other)) for other in by_count)),
    )
    return NewName(
        label,
        len(those),
        tuple(by_count),
        when(lately[-1].made_at),
        tuple(Example(one.article_id, one.prediction_id, when(one.made_at)) for one in lately[:EXAMPLES]),
    )
