"""What becomes of a record's labels: people's stay, the others are replaced by what the model decided."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import UNSET

from service.inference.annotator import UNUSABLE
from service.inference.article import Annotation, Decision, RegionAnswer, RubricAnswer, TagAnswer
from service.inference.labels import HEADS, Head, Labels, named
from service.jobs.plan import Accept
from service.jobs.standing import Standing, Unseen
from service.memory import Memory
from service.sources import NOT_CALIBRATED

Answer: TypeAlias = RubricAnswer | RegionAnswer | TagAnswer

_ACCEPTED: Mapping[Accept, Sequence[Decision]] = {"auto": ("auto",), "review": ("auto", "review")}


class OfHead(NamedTuple):
    """`after` is None where the record keeps its labels as they are; `unseen` are those of it that nobody set."""

    after: tuple[str, ...] | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    unseen: tuple[str, ...]


Change: TypeAlias = Mapping[Head, OfHead]


def change(
    annotation: Annotation,
    stands: Standing,
    memory: Memory,
    labels: Labels,
    heads: Sequence[Head],
    accept: Accept,
) -> Change:
    """The annotation has people's labels with the origin `history`; `memory` is what corrections say.

    Where the model abstains from a text, its labels stay as they are, and where it could not have decided for one for
    want of calibration, none is taken away.
    """
    abstains = not UNUSABLE.isdisjoint(annotation.reasons)
    may_remove = accept == "review" or NOT_CALIBRATED not in annotation.reasons
    found: dict[Head, OfHead] = {}
    for head in HEADS:
        before, by_model = stands.labels[head], stands.by_model[head]
        kept = {named(one): one for one in before if named(one) in by_model} if by_model else {}
        if abstains or head not in heads:
            found[head] = OfHead(None, (), (), tuple(kept.values()))
            continue
        # an editor who corrected this head has seen to it: nothing is added there by the thousand
        decisions = _ACCEPTED[accept] if getattr(memory, head).chosen is None else ()
        # what has a policy is never added unseen
        taken = [
            one
            for one in _answers(annotation, head)
            if one.origin == "history" or (one.decision in decisions and one.policy is UNSET)
        ]
        # a rubric is exchanged for another one, never taken away: an article without has no address
        replaced = bool(taken) if head == "rubric" else may_remove
        found[head] = _of_head(before, taken, {} if replaced else _as_called(kept, head, labels))
    return found


def is_changed(change: Change) -> bool:
    return any(one.after is not None for one in change.values())


def unseen(change: Change) -> Unseen:
    return Unseen(**{head: one.unseen for head, one in change.items()})


def _of_head(before: Sequence[str], taken: Sequence[Answer], kept: Mapping[str, str]) -> OfHead:
    spelt = {named(label): label for label in before}
    after, seen = dict(kept), set()
    for one in taken:
        name = named(one.label)
        after[name] = spelt.get(name, one.label)
        if one.origin == "history":
            seen.add(name)
    unseen = tuple(label for name, label in after.items() if name not in seen) if seen else tuple(after.values())
    if not spelt:  # most often
        labels = tuple(after.values())
        return OfHead(labels or None, labels, (), unseen)
    added = tuple(label for name, label in after.items() if name not in spelt)
    removed = tuple(label for name, label in spelt.items() if name not in after)
    return OfHead(tuple(after.values()) if added or removed else None, added, removed, unseen)


def _as_called(kept: Mapping[str, str], head: Head, labels: Labels) -> dict[str, str]:
    """Merged tags as what they were merged into, retired ones left out."""
    if head != "tags":
        return dict(kept)
    found = {}
    for label in kept.values():
        if not labels.is_retired(head, label):
            id_ = labels.id_of(head, label)
            now = (labels.label(head, id_) if id_ else None) or label
            found[named(now)] = label if named(now) == named(label) else now
    return found


def _answers(annotation: Annotation, head: Head) -> Sequence[Answer]:
    if head == "rubric":
        return (annotation.rubric,) if annotation.rubric else ()
    answered = annotation.regions if head == "regions" else annotation.tags
    return answered or ()
