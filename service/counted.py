"""What a group of answers adds to the figures of its day: behind the answers, of each text once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple, Protocol

from msgspec import UNSET

from service.inference.article import Annotation, Article
from service.inference.text import read_all
from service.store.days import Of

MOST_READ = 10  # articles of a group whose words are looked up, 30 µs each: of a share few tell as much
LONGEST = 20_000  # characters of a text, or of a page that is read at all
ARTICLES, ABSTAINED, AUTO, RUBRIC, WORDS, UNKNOWN = "articles", "abstained", "auto", "rubric", "words", "unknown"


class Reads(Protocol):
    """What is asked of a model."""

    @property
    def version(self) -> str: ...

    def known_words(self, text: str, /) -> tuple[int, int]:
        """Words of a text, and how many of them mean something to the model."""
        ...


class Answer(NamedTuple):
    """A finished article that was answered."""

    annotation: Annotation
    article: Article
    made_at: int  # ms since 1970
    model: Reads


def figures(answers: Iterable[Answer], known: Set[str]) -> Counter[Of]:
    """Of answers with a rubric, or none, on texts that were not answered before; `known` are ids of predictions that
    were. A rubric that an editor chose is not counted as one."""
    counts: Counter[Of] = Counter()
    texts: defaultdict[tuple[str, Reads], list[Article]] = defaultdict(list)
    seen = set(known)
    for one in answers:
        annotation, id_ = one.annotation, str(one.annotation.prediction_id)
        if id_ in seen or annotation.rubric is UNSET:
            continue
        seen.add(id_)
        day = datetime.fromtimestamp(one.made_at / 1000, UTC).date().isoformat()
        for what, label in _told(annotation):
            counts[Of(day, one.model.version, what, label)] += 1
        texts[day, one.model].append(one.article)
    for (day, model), articles in texts.items():
        # in one call: each of its own would let go of the interpreter's lock, and wait to have it back
        words, known_words = model.known_words("\n".join(_texts(islice(articles, MOST_READ))))
        counts[Of(day, model.version, WORDS, "")] += words
        counts[Of(day, model.version, UNKNOWN, "")] += words - known_words
    return counts


def _told(annotation: Annotation) -> Iterator[tuple[str, str]]:
    yield ARTICLES, ""
    if annotation.status == "abstained":
        yield ABSTAINED, ""
        yield from ((ABSTAINED, reason) for reason in annotation.reasons)
    rubric = annotation.rubric
    if rubric and rubric.origin != "history":
        yield RUBRIC, rubric.label
        if rubric.decision == "auto":
            yield AUTO, ""


def _texts(articles: Iterable[Article]) -> Iterator[str]:
    """Their beginnings: a megabyte would keep the interpreter for a second, while others are answered."""
    for one in articles:
        if one.text is not None or one.body_html is None:
            yield from (text[:LONGEST] for text in (one.title, one.lead, one.text) if text)
        elif len(one.body_html) <= LONGEST:
            [(read, _)] = read_all([one])
            yield from (read.title, read.body)
