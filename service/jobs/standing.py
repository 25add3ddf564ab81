"""The labels that a record has, and which of them people set: those stay, whatever the model says.

A record may say who set a label, in `current`. Its plain lists `tags` and `regions`, and its `rubric`, don't: an
unknown hand counts as an editor's. Of what an earlier retagging wrote there, its `annotation` tells which labels nobody
has seen.
"""

from collections.abc import Mapping
from contextlib import suppress

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from service.inference.article import Article, Current, CurrentLabel, LabelledArticle
from service.inference.labels import HEADS, Head, Labels, named
from service.jobs.plan import LabelsBy
from service.memory import Memory, is_editors


class Unseen(Struct, frozen=True, omit_defaults=True):
    """Labels that were written into a record and that no person chose."""

    rubric: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class _Earlier(Struct, frozen=True):
    unseen: Unseen = Unseen()


class Standing(Struct, frozen=True):
    """`article` carries people's labels and no others; `labels` are those of the record, by head, as it spells them;
    `by_model` are the names of those among them that no person set."""

    article: Article
    labels: Mapping[Head, tuple[str, ...]]
    by_model: Mapping[Head, frozenset[str]]


NOTHING: Mapping[Head, tuple[str, ...]] = dict.fromkeys(HEADS, ())
NOBODYS: Mapping[Head, frozenset[str]] = {head: frozenset() for head in HEADS}

_earlier = msgspec.json.Decoder(_Earlier)


def standing(
    record: LabelledArticle, fields: Mapping[str, msgspec.Raw], memory: Memory, labels: Labels, labels_by: LabelsBy
) -> Standing:
    """`memory` is what corrections say: a plain label that an editor rejected there doesn't count as an editor's."""
    if record.current is None and not record.tags and not record.regions and not record.rubric:
        return Standing(record, NOTHING, NOBODYS)
    earlier = _unseen(fields)
    stands: dict[Head, tuple[str, ...]] = {}
    people: dict[Head, list[CurrentLabel]] = {}
    by_model: dict[Head, frozenset[str]] = {}
    for head in HEADS:
        plain, carried = _plain(record, head), _carried(record, head)
        if not plain and not carried:
            stands[head], people[head], by_model[head] = (), [], frozenset()
            continue
        stands[head] = plain or tuple(names[-1] for one in carried if (names := _names(one, head, labels)))
        people[head] = [one for one in carried if is_editors(one)]
        known = {named(name) for one in people[head] for name in _names(one, head, labels)}
        others = {named(one) for one in getattr(earlier, head)}
        others |= {named(name) for one in carried if not is_editors(one) for name in _names(one, head, labels)}
        others |= {named(one.label) for one in getattr(memory, head).rejected}
        if labels_by == "auto":
            others |= set(map(named, plain))
        people[head] += [CurrentLabel(label=one) for one in plain if named(one) not in others | known]
        by_model[head] = frozenset(others & set(map(named, stands[head])) - known)
    rubric = next(iter(people["rubric"]), None)
    current = Current(rubric, tuple(people["regions"]), tuple(people["tags"]))
    return Standing(replace(record, current=current), stands, by_model)


def _plain(record: LabelledArticle, head: Head) -> tuple[str, ...]:
    if head == "rubric":
        return (record.rubric,) if record.rubric else ()
    return record.regions if head == "regions" else record.tags


def _carried(record: LabelledArticle, head: Head) -> tuple[CurrentLabel, ...]:
    if record.current is None:
        return ()
    if head == "rubric":
        return (record.current.rubric,) if record.current.rubric else ()
    return record.current.regions if head == "regions" else record.current.tags


def _names(one: CurrentLabel, head: Head, labels: Labels) -> list[str]:
    """As the model calls it, and as the record does."""
    known = labels.label(head, one.id) if one.id else None
    return list(dict.fromkeys(name for name in (known, one.label or known or one.id) if name))


def _unseen(fields: Mapping[str, msgspec.Raw]) -> Unseen:
    if "annotation" in fields:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):  # somebody else's field of that name
            return _earlier.decode(fields["annotation"]).unseen
    return Unseen()
