"""What editors decided on an article, and an answer that heeds it: rejected stays rejected, set stays set.

The core of this file knows no store; `service.recall` keeps it in step with one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import UNSET, Struct
from msgspec.structs import replace

from service.inference.article import (
    Alternative,
    Annotation,
    Article,
    CurrentLabel,
    RegionAnswer,
    RubricAnswer,
    Suppressed,
    TagAnswer,
)
from service.inference.decisions import Options
from service.inference.labels import HEADS, Head, Labels, named

DEGRADED = "degraded"
KIND: Mapping[Head, str] = {"rubric": "rubric", "regions": "region", "tags": "tag"}
NOT_EDITORS = frozenset({"auto", "import"})  # `by` of a label that nobody has chosen for this article
CERTAIN = 1.0  # the score of what an editor chose

A = TypeVar("A", RegionAnswer, TagAnswer)


class Chosen(Struct, frozen=True, gc=False):
    """Both, for a label may be renamed, and one that no model knows yet gets its id when it has been learnt."""

    id: str
    label: str


class Rejected(Struct, frozen=True, gc=False):
    id: str
    label: str
    correction: int


class OfHead(Struct, frozen=True, omit_defaults=True):
    """`chosen` is None until somebody decided; () was emptied on purpose."""

    chosen: tuple[Chosen, ...] | None = None
    rejected: tuple[Rejected, ...] = ()


class Memory(Struct, frozen=True, omit_defaults=True):
    """All decisions on one article, taken together."""

    rubric: OfHead = OfHead()
    regions: OfHead = OfHead()
    tags: OfHead = OfHead()


NOTHING = Memory()

ByHead = Mapping[Head, tuple[Chosen, ...]]


def after(memory: Memory, correction: int, final: ByHead, rejected: ByHead) -> Memory:
    """The memory when this correction has been added. A head that is not in `final` was not looked at."""
    changed = {}
    for head, chosen in final.items():
        before: OfHead = getattr(memory, head)
        gone = (*rejected.get(head, ()), *(one for one in before.chosen or ()))
        old, back = {_key(one) for one in before.rejected}, _Among(chosen)
        new = {_key(one): Rejected(one.id, one.label, correction) for one in gone}
        kept = (*before.rejected, *(one for key, one in new.items() if key not in old))
        changed[head] = OfHead(chosen, tuple(one for one in kept if one not in back))
    return replace(memory, **changed)


def remembered(
    annotation: Annotation, memory: Memory, article: Article, options: Options, labels: Labels
) -> Annotation:
    """The annotation as the editors want it. It has to be a wide one: whatever the options' limits cut is gone.

    What the article carries by an editor's hand counts as chosen, after what is remembered.
    """
    changed: dict[str, object] = {}
    suppressed = list(annotation.suppressed)
    for head in HEADS:
        if head not in options.heads:
            continue
        of_head: OfHead = getattr(memory, head)
        carried = _carried(article, head, labels)
        if head == "rubric":
            chosen = carried[:1] or (of_head.chosen or ())
        else:
            chosen = tuple({one.id: one for one in (*(of_head.chosen or ()), *carried)}.values())
        back = _Among(chosen)
        rejected = [one for one in of_head.rejected if one not in back]
        gone = _Among(rejected)
        if head == "rubric":
            changed |= _rubric(annotation, chosen, gone, labels)
        elif head == "regions":
            found = _list(annotation.regions, chosen, gone, lambda one: _region(one, labels), labels, head)
            changed["regions"] = found[: options.limit]
        else:
            tags = _list(annotation.tags, chosen, gone, _tag, labels, head)
            usual = None if options.most_tags is None else max(options.most_tags, len(chosen))
            changed["tags"] = tags[: usual if options.limit is None else options.limit]
        suppressed += (Suppressed(one.id, KIND[head], f"rejected in correction {one.correction}") for one in rejected)
    changed |= _within(annotation, options, changed)
    return replace(annotation, suppressed=tuple(suppressed), **changed)


def wide(options: Options) -> Options:
    """Without limits: what stands in for a rejected label may be beyond them."""
    return replace(options, limit=None, most_tags=None)


def degraded(annotation: Annotation) -> Annotation:
    """An answer given without knowing what editors decided lately: for nobody to publish unseen."""
    changed: dict[str, object] = {"reasons": (*annotation.reasons, DEGRADED)}
    if annotation.rubric and annotation.rubric.decision == "auto":
        changed["rubric"] = replace(annotation.rubric, decision="review")
    if annotation.regions:
        changed["regions"] = tuple(_reviewed(one) for one in annotation.regions)
    if annotation.tags:
        changed["tags"] = tuple(_reviewed(one) for one in annotation.tags)
    return replace(annotation, **changed)


def is_editors(label: CurrentLabel) -> bool:
    return label.by not in NOT_EDITORS


class _Among:
    """Labels by id and by name: a label that was learnt since has another id, a renamed one another name."""

    def __init__(self, labels: Iterable[Chosen | Rejected]) -> None:
        self._keys = {key for one in labels for key in (one.id, named(one.label))}

    def __contains__(self, one: object) -> bool:
        return bool(self._keys) and (one.id in self._keys or named(one.label) in self._keys)  # type: ignore[attr-defined]


def _key(one: Chosen | Rejected) -> tuple[str, str]:
    return one.id, one.label


def _carried(article: Article, head: Head, labels: Labels) -> tuple[Chosen, ...]:
    if article.current is None:
        return ()
    sent = article.current.rubric if head == "rubric" else getattr(article.current, head)
    carried = (sent,) if isinstance(sent, CurrentLabel) else sent or ()
    return tuple(chosen for one in carried if is_editors(one) and (chosen := _known(one, head, labels)))


def _known(sent: CurrentLabel, head: Head, labels: Labels) -> Chosen | None:
    """As the model calls it; a label that no model knows is its own id. None without either."""
    id_ = sent.id or (labels.id_of(head, sent.label) if sent.label else None) or sent.label
    return Chosen(id_, labels.label(head, id_) or sent.label or id_) if id_ else None


def _rubric(annotation: Annotation, chosen: Sequence[Chosen], gone: _Among, labels: Labels) -> dict[str, object]:
    found = annotation.rubric or None
    others = [one for one in annotation.alternatives or () if one not in gone and one not in _Among(chosen)]
    if not chosen:
        return {"rubric": None if found and found in gone else found, "alternatives": tuple(others)}
    [one] = chosen[:1]
    if found and found in _Among([one]):
        return {"rubric": replace(found, score=CERTAIN, origin="history"), "alternatives": tuple(others)}
    if found and found not in gone:
        others.insert(0, Alternative(found.id, found.label, found.score, found.policy))
    label = labels.label("rubric", one.id) or one.label
    rubric = RubricAnswer(one.id, label, CERTAIN, "review", found.threshold if found else 0.0, origin="history")
    return {"rubric": rubric, "alternatives": tuple(others)}


def _list(
    answered: Sequence[A] | object,
    chosen: Sequence[Chosen],
    gone: _Among,
    made: Callable[[Chosen], A],
    labels: Labels,
    head: Head,
) -> tuple[A, ...]:
    """First what was chosen, then the model's that nobody rejected."""
    suggestions: list[A] = list(answered) if isinstance(answered, tuple) else []
    first: list[A] = []
    by_key: dict[str, int] = {}  # id or name: the first that has it
    for number, answer in enumerate(suggestions):
        for key in (answer.id, named(answer.label)):
            by_key.setdefault(key, number)
    for one in chosen:
        numbers = [by_key[key] for key in (one.id, named(one.label)) if key in by_key]
        own = suggestions[min(numbers)] if numbers else None
        if own is None:
            id_ = one.id if labels.label(head, one.id) else labels.id_of(head, one.label) or one.id
            first.append(made(Chosen(id_, labels.label(head, id_) or one.label)))
        else:
            decision = "review" if own.decision == "abstain" else own.decision
            first.append(replace(own, score=CERTAIN, decision=decision, origin="history"))
    taken = _Among(chosen)
    return tuple(first + [one for one in suggestions if one not in gone and one not in taken])


def _tag(one: Chosen) -> TagAnswer:
    return TagAnswer(one.id, one.label, CERTAIN, "review", "history")


def _region(one: Chosen, labels: Labels) -> RegionAnswer:
    """Where the model knows the place, with its level and parent."""
    place = labels.place(one.id)
    level, parent = (place.level, labels.parent(place)) if place else ("place", None)
    return RegionAnswer(one.id, one.label, level, parent, "about", CERTAIN, "review", (), origin="history")


def _within(annotation: Annotation, options: Options, changed: Mapping[str, object]) -> dict[str, object]:
    """The other lists cut to what was asked for, and explained only what is shown."""
    rest: dict[str, object] = {}
    alternatives = changed.get("alternatives", annotation.alternatives)
    if isinstance(alternatives, tuple):
        rest["alternatives"] = alternatives[: options.limit]
    if annotation.explain is not UNSET:
        shown = {one.id for one in changed.get("tags", annotation.tags) or ()}  # type: ignore[attr-defined]
        tags = {id_: words for id_, words in annotation.explain.tags.items() if id_ in shown}
        rest["explain"] = replace(annotation.explain, tags=tags)
    return rest


def _reviewed(one: A) -> A:
    return replace(one, decision="review") if one.decision == "auto" else one
