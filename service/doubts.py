"""Articles on which somebody must be wrong: versions of the model or editors differ about the rubric, or an editor
has one that the model would never have chosen."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec
import zstandard
from msgspec import Struct

from service.corrections import worked_of
from service.inference.article import Annotation, Article
from service.inference.labels import named
from service.keeping import Keeping
from service.review import LOOKED_AT, Candidate, Likely, Voice, when
from service.store import journal
from service.store.journal import Entry

TEXTS = 500  # of corrected articles that are read again; some 0.4 s

_article = msgspec.json.Decoder(Article)


class _Answer(Struct, frozen=True):
    class Model(Struct, frozen=True):
        version: str

    model: Model
    rubric: Likely | None = None


_answer = msgspec.json.Decoder(_Answer)


def disagreement(keeping: Keeping, most: int) -> list[Candidate]:
    """The latest first. A committee of two is a small one, but each of its quarrels is about something (Seung, Opper &
    Sompolinsky 1992). Reads the store. Raises StoreError."""
    found = [*_of_editors(keeping), *_of_versions(keeping)]
    found.sort(key=lambda one: one.at, reverse=True)
    return found[:most]


def label_error(
    keeping: Keeping, annotate: Callable[[Sequence[Article]], Sequence[Annotation]], most: int
) -> list[Candidate]:
    """Editors' rubrics that the model doubts most, of the latest corrections whose articles are held.

    Confident learning (Northcutt, Jiang & Chuang 2021): the model has another rubric, and is as sure of it as it is of
    that rubric on average where editors chose it. `annotate` answers as the model alone; where it has learnt from these
    very corrections it doubts less than it should. Reads the store, heavy on CPU. Raises StoreError.
    """
    entries = [entry for entry in _latest_of_articles(keeping, texts=True) if entry.article is not None]
    articles = [_article.decode(zstandard.decompress(entry.article or b"")) for entry in entries[:TEXTS]]
    given, shares = [], []
    for entry, annotation in zip(entries, annotate(articles), strict=False):
        [chosen] = _rubric(entry)
        answered = (*((annotation.rubric,) if annotation.rubric else ()), *(annotation.alternatives or ()))
        likely = {named(one.label): Likely(one.id, one.label, one.score) for one in reversed(answered)}
        given.append((entry, chosen))
        shares.append(likely)
    own: defaultdict[str, list[float]] = defaultdict(list)
    for (_, chosen), likely in zip(given, shares, strict=True):
        own[named(chosen)].append(likely[named(chosen)].score if named(chosen) in likely else 0.0)
    usual = {label: sum(scores) / len(scores) for label, scores in own.items()}
    found = []
    for (entry, chosen), likely in zip(given, shares, strict=True):
        top = max(likely.values(), key=lambda one: one.score, default=None)
        if top is None or named(top.label) == named(chosen) or top.score < usual.get(named(top.label), 0.5):
            continue
        its = likely.get(named(chosen))
        ahead = round(top.score - (its.score if its else 0.0), 4)
        found.append(
            Candidate(
                entry.article_id, None, entry.received_at, rubrics=(top,), margin=ahead,
                voices=(Voice(entry.actor or "editor", chosen),),
            )
        )  # fmt: skip
    found.sort(key=lambda one: -(one.margin or 0.0))
    return found[:most]


def _of_versions(keeping: Keeping) -> Iterator[Candidate]:
    """Articles that nobody has decided anything on, answered by several versions, whose latest answers differ."""
    by_article: defaultdict[str, dict[str, tuple[int, str, Likely]]] = defaultdict(dict)
    for kept, content in keeping.predictions.latest(LOOKED_AT):
        if kept.article_id is None or kept.draft or keeping.recall.knows(kept.article_id):
            continue
        answer = _answer.decode(content)
        if answer.rubric:
            version = answer.model.version
            by_article[kept.article_id].setdefault(version, (kept.made_at, kept.prediction_id, answer.rubric))
    for article_id, of_versions in by_article.items():
        (made_at, prediction_id, rubric), *others = of_versions.values()
        if any(named(one.label) != named(rubric.label) for _, _, one in others):
            voices = tuple(Voice(version, one.label) for version, (_, _, one) in of_versions.items())
            yield Candidate(article_id, prediction_id, when(made_at), rubrics=(rubric,), voices=voices)


def _of_editors(keeping: Keeping) -> Iterator[Candidate]:
    by_article: defaultdict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for entry in _latest(keeping):
        if (chosen := _rubric(entry)) and entry.article_id is not None:
            by_article[entry.article_id].setdefault(entry.actor or "editor", (entry.received_at, chosen[0]))
    for article_id, of_editors in by_article.items():
        if len({named(label) for _, label in of_editors.values()}) > 1:
            voices = tuple(Voice(actor, label) for actor, (_, label) in of_editors.items())
            yield Candidate(article_id, None, next(iter(of_editors.values()))[0], voices=voices)


def _latest_of_articles(keeping: Keeping, *, texts: bool) -> Iterator[Entry]:
    seen = set()
    for entry in _latest(keeping, texts=texts):
        if _rubric(entry) and entry.article_id not in seen:
            seen.add(entry.article_id)
            yield entry


def _latest(keeping: Keeping, *, texts: bool = False) -> list[Entry]:
    with keeping.readers.one() as connection:
        return journal.latest_taught(connection, LOOKED_AT, texts=texts)


def _rubric(entry: Entry) -> list[str]:
    """What was decided, none or one."""
    worked = worked_of(entry)
    return [one.label for one in worked.final.get("rubric", ())[:1]] if worked is not None else []
