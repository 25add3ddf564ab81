"""Corpora -> one list of examples to learn from. What can't be used is named by file, line and reason, never lost."""

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Literal
from zlib import crc32

import msgspec

from service.inference.article import LabelledArticle
from service.store.journal import key_of
from training import duplicates
from training.config import Config, ConfigError, Corpus
from training.lookalikes import in_one_alphabet
from training.readers import Rejects, Row, read
from training.taxonomy import RubricMap
from training.taxonomy import load as load_map

Kind = Literal["rubric", "tags", "regions"]

KINDS: tuple[Kind, ...] = ("rubric", "tags", "regions")
LONGEST_LABEL = 200  # characters: more is a sentence that slipped into the wrong field


class EmptyTrainingSetError(Exception):
    """There is nothing to go by: no article, or all that are to be learnt from say the same."""


class _RejectedError(Exception):
    """Why a row can't be used; never leaves this file."""


@dataclass(frozen=True, slots=True)
class Example:
    """An article with the labels that are used of it, its rubric the common one."""

    article: LabelledArticle
    corpus: int
    outlet: str
    date: datetime.date | None  # as the newsroom's own calendar has it
    key: str  # its id, else corpus and line


@dataclass(frozen=True)
class Examples:
    """In the order of the corpora and their lines."""

    rows: Sequence[Example]
    corpora: Sequence[Corpus]
    rejected: Mapping[str, Counter[str]]  # corpus -> reasons, in figures
    unmapped: Mapping[str, Counter[str]]  # corpus -> rubrics that became none, rows used for their other labels
    over_cap: Mapping[str, int] = field(default_factory=dict)  # corpus -> articles that lost their rubric to `cap`
    # corpus -> rows by field that is not read and the one that was probably meant
    unread: Mapping[str, Counter[tuple[str, str | None]]] = field(default_factory=dict)
    # labels as read, with letters of two alphabets in a word, and as used -> rows
    mixed: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def groups(self) -> list[str]:
        """Near-duplicates have one group, the smallest of their keys. Heavy on CPU: half a minute for 100,000."""
        return duplicates.groups([row.article for row in self.rows], [row.key for row in self.rows])

    def labelled_with(self, kind: Kind) -> frozenset[int]:
        """The corpora that give such labels at all: in them an article without one was looked at."""
        return frozenset(row.corpus for row in self.rows if getattr(row.article, kind))


def load(config: Config, rejects: Rejects, erased: Set[bytes] = frozenset()) -> Examples:
    """Reads the disk. `erased`: what is left of the ids of erased articles, which are not learnt from again. Raises
    EmptyTrainingSetError if no article is left."""
    rejected: dict[str, Counter[str]] = {}
    unmapped: dict[str, Counter[str]] = {}
    unread: dict[str, Counter[tuple[str, str | None]]] = {}
    mixed: Counter[tuple[str, str]] = Counter()
    seen = _Seen()
    rows: list[Example] = []
    for number, corpus in enumerate(config.corpus):
        told = _Told(rejects)
        intake = _Intake(number, corpus, told, seen, erased)
        rows.extend(intake.examples())
        rejected[corpus.name] = rejected.get(corpus.name, Counter()) + told.reasons
        unmapped[corpus.name] = unmapped.get(corpus.name, Counter()) + intake.unmapped
        unread[corpus.name] = unread.get(corpus.name, Counter()) + intake.unread
        mixed += intake.mixed
    rows, over_cap = _capped(rows, config.corpus)
    if not rows:
        raise EmptyTrainingSetError(_no_article(rejected))
    return Examples(rows, config.corpus, rejected, unmapped, over_cap, unread, mixed)


class _Told:
    """Hands rejects on and counts their reasons for the summary."""

    def __init__(self, rejects: Rejects) -> None:
        self.reasons: Counter[str] = Counter()
        self._rejects = rejects

    def add(self, file: Path | str, line: int, reason: str) -> None:
        self.reasons[kind_of(reason)] += 1
        self._rejects.add(file, line, reason)


def kind_of(reason: str) -> str:
    """A reason without what differs from row to row; behind a JSON pointer it says what is wrong, so that stays."""
    return ":".join(reason.split(":")[: 2 if reason.startswith("/") else 1])


class _Seen:
    """Ids and texts of all corpora so far."""

    def __init__(self) -> None:
        self._ids: set[tuple[str, str]] = set()
        self._texts: set[bytes] = set()

    def check(self, outlet: str, article: LabelledArticle) -> None:
        identity = (outlet, article.id or "")
        if article.id and identity in self._ids:
            raise _RejectedError(f"id sent before: {article.id}")
        same = (article.title, article.lead, article.text, article.body_html, article.rubric)
        digest = blake2b(
            repr((same, sorted(article.tags), sorted(article.regions))).encode(errors="replace"), digest_size=12
        )
        if digest.digest() in self._texts:
            raise _RejectedError("the same text with the same labels was sent before")
        self._ids.add(identity)
        self._texts.add(digest.digest())


class _Intake:
    """One corpus: row -> example, or the reason why not."""

    def __init__(self, number: int, corpus: Corpus, rejects: Rejects, seen: _Seen, erased: Set[bytes]) -> None:
        self.unmapped: Counter[str] = Counter()
        self.unread: Counter[tuple[str, str | None]] = Counter()
        self.mixed: Counter[tuple[str, str]] = Counter()
        self._number, self._corpus, self._rejects, self._seen = number, corpus, rejects, seen
        self._erased = erased
        self._map = load_map(corpus.rubric_map) if corpus.rubric_map else RubricMap()
        self._strip = _pattern(corpus, "strip")
        self._drop_titles = _pattern(corpus, "drop_titles")

    def examples(self) -> Iterator[Example]:
        for row in read(self._corpus, self._rejects):
            self.unread.update(row.unread)
            try:
                yield self._example(row._replace(article=self._in_one_alphabet(row.article)))
            except _RejectedError as error:
                self._rejects.add(self._corpus.path, row.line, str(error))

    def _in_one_alphabet(self, sent: LabelledArticle) -> LabelledArticle:
        """The article with labels as a reader sees them; what was changed is counted."""
        labels = dict.fromkeys((sent.rubric or "", *sent.tags, *sent.regions))
        changed = {label: plain for label in labels if (plain := in_one_alphabet(label)) != label}
        if not changed:
            return sent
        self.mixed.update(changed.items())
        tags, regions = (tuple(changed.get(label, label) for label in kind) for kind in (sent.tags, sent.regions))
        rubric = sent.rubric and changed.get(sent.rubric, sent.rubric)
        return msgspec.structs.replace(sent, rubric=rubric, tags=tags, regions=regions)

    def _example(self, row: Row) -> Example:
        corpus, sent = self._corpus, row.article
        outlet = corpus.source or sent.source or corpus.name
        if self._erased and sent.id is not None and key_of(sent.id) in self._erased:
            raise _RejectedError("erased in the service's store")
        if sent.rubric in corpus.drop_rubrics:
            raise _RejectedError(f"rubric left out: {sent.rubric}")
        if self._drop_titles and self._drop_titles.search(sent.title or ""):
            raise _RejectedError("title left out")
        day = _day(sent.published_at)
        _check_period(day, corpus)
        article = self._labelled(row)
        if self._strip:
            article = _stripped(article, self._strip)
        _check_text(article, corpus.min_chars)
        self._seen.check(outlet, article)
        return Example(article, self._number, outlet, day, article.id or f"{corpus.name}:{row.line}")

    def _labelled(self, row: Row) -> LabelledArticle:
        """The article with the labels that are used of it."""
        use, sent = self._corpus.use, row.article
        rubric = self._map.common(row) if "rubric" in use else None
        tags = _tidy(sent.tags) if "tags" in use else ()
        regions = _tidy(sent.regions) if "regions" in use else ()
        lost = sent.rubric if sent.rubric and "rubric" in use and not rubric else None
        if not (rubric or tags or regions):
            raise _RejectedError(
                f"its rubric becomes none and it has no other label: {lost}" if lost else _no_label(row)
            )
        for label in (rubric or "", *tags, *regions):
            if len(label) > LONGEST_LABEL:
                raise _RejectedError(f"a label has more than {LONGEST_LABEL} characters: {label[:40]}…")
        if lost:
            self.unmapped[lost] += 1
        return msgspec.structs.replace(sent, rubric=rubric, tags=tags, regions=regions)


def _no_label(row: Row) -> str:
    meant = [f"{name} → {label}" for name, label in row.unread if label in KINDS]
    return "no label to learn from" + (f" (probably {', '.join(meant)})" if meant else "")


def _day(published_at: str | None) -> datetime.date | None:
    if not published_at or not published_at.strip():
        return None
    try:
        return datetime.datetime.fromisoformat(published_at.strip()).date()
    except ValueError as error:
        raise _RejectedError(f"published_at is no ISO 8601 date: {published_at[:40]}") from error


def _check_period(day: datetime.date | None, corpus: Corpus) -> None:
    if corpus.since is None and corpus.until is None:
        return
    if day is None:
        raise _RejectedError("no date, but the corpus has since or until")
    if (corpus.since and day < corpus.since) or (corpus.until and day >= corpus.until):
        raise _RejectedError("outside of since and until")


def _check_text(article: LabelledArticle, min_chars: int) -> None:
    body = f"{article.lead or ''}\n{article.text or article.body_html or ''}".strip()
    if not body and not (article.title or "").strip():
        raise _RejectedError("no text")
    if len(body) < min_chars:
        raise _RejectedError(f"shorter than {min_chars} characters")


def _tidy(labels: Sequence[str]) -> tuple[str, ...]:
    """Without blanks around, empty ones and repetitions."""
    return tuple(dict.fromkeys(label for sent in labels if (label := " ".join(sent.split()))))


def _pattern(corpus: Corpus, key: Literal["strip", "drop_titles"]) -> re.Pattern[str] | None:
    """All expressions of a list as one."""
    expressions: Sequence[str] = getattr(corpus, key)
    for expression in expressions:
        try:
            re.compile(expression)
        except re.error as error:
            raise ConfigError(
                f"corpus {corpus.name}: {key} {expression!r} is no regular expression: {error}"
            ) from error
    return re.compile("|".join(f"(?:{expression})" for expression in expressions)) if expressions else None


def _stripped(article: LabelledArticle, pattern: re.Pattern[str]) -> LabelledArticle:
    fields = {name: getattr(article, name) for name in ("title", "lead", "text", "body_html")}
    return msgspec.structs.replace(article, **{name: pattern.sub(" ", text) for name, text in fields.items() if text})


def _capped(rows: Sequence[Example], corpora: Sequence[Corpus]) -> tuple[list[Example], dict[str, int]]:
    """At most `cap` articles of a rubric and outlet, taken evenly over time: by the hash of their keys.

    The others lose their rubric; what has no other label goes.
    """
    by_rubric: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        if row.article.rubric:
            by_rubric[row.outlet, row.article.rubric].append(i)
    over: set[int] = set()
    for members in by_rubric.values():
        members.sort(key=lambda i: (crc32(rows[i].key.encode()), rows[i].key))
        over.update(i for rank, i in enumerate(members) if 0 < corpora[rows[i].corpus].cap <= rank)
    kept = [_without_rubric(row) if i in over else row for i, row in enumerate(rows)]
    counts = Counter(corpora[rows[i].corpus].name for i in over)
    return [row for row in kept if row is not None], dict(counts)


def _without_rubric(row: Example) -> Example | None:
    article = row.article
    if not article.tags and not article.regions:
        return None
    stripped = msgspec.structs.replace(article, rubric=None)
    return Example(stripped, row.corpus, row.outlet, row.date, row.key)


def _no_article(rejected: Mapping[str, Counter[str]]) -> str:
    reasons = sum(rejected.values(), Counter())
    most = ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common(3)) or "the files are empty"
    return f"no article can be used: {most}"


def check_that_labels_differ(rows: Sequence[Example]) -> None:
    """Raises EmptyTrainingSetError if all rows say the same: measured they can be, learnt from not."""
    labels = labels_of(rows)
    if len(labels) == 1:
        raise EmptyTrainingSetError(
            f"all {len(rows)} articles have the one label «{labels.pop()}»: there is nothing to tell apart; "
            'add articles with other labels, or leave the rubric out with use = ["tags", "regions"]'
        )


def labels_of(rows: Sequence[Example]) -> set[str]:
    """The different rubrics; where nobody gives rubrics, the different tags and regions."""
    rubrics = {row.article.rubric for row in rows if row.article.rubric}
    return rubrics or {label for row in rows for label in (*row.article.tags, *row.article.regions)}
