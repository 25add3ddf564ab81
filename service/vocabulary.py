"""Rubrics, regions and tags by stable id: what a model has, and what editors changed about its tags.

The core of this file knows no store; `service.terms` keeps it in step with one.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from service.inference.article import Policy
from service.inference.labels import Labels, named, slug
from service.memory import Chosen

Status = Literal["active", "merged", "retired"]

LONGEST = 200  # characters of a label or synonym
MOST_SYNONYMS = 100
MOST_ENTRIES = 10_000
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # Unicode's categories; Cf turns the direction of a line around


class Term(Struct, frozen=True, kw_only=True):
    """A label by its id, which stays when the label changes. `synonyms` are those that editors gave."""

    id: str
    label: str
    synonyms: tuple[str, ...] = ()
    status: Status = "active"
    merged_into: str | None = None
    policy: Policy = "normal"


class Region(Struct, frozen=True, kw_only=True):
    id: str
    label: str
    level: str
    parent: str | None
    policy: Policy = "normal"


class Listing(Struct, frozen=True):
    """`version` is also the ETag, and the `model.vocabulary` of answers."""

    version: str
    rubrics: tuple[Term, ...]
    regions: tuple[Region, ...]
    tags: tuple[Term, ...]


class Entry(Struct, frozen=True, omit_defaults=True):
    """A tag that is not as the model has it. `label` and `policy` None: as the model has them. `names` are the forms of
    each word of each name that the text is searched for. `known_as` and `into_label` are what the model called it, and
    what it was merged into, at the time: for exports, which know no model."""

    id: str
    label: str | None = None
    synonyms: tuple[str, ...] = ()
    status: Status = "active"
    merged_into: str | None = None
    policy: Policy | None = None
    names: tuple[tuple[tuple[str, ...], ...], ...] = ()
    known_as: str | None = None
    into_label: str | None = None


class VocabularyError(Exception):
    """A change that can't be made. `kind` is that of the problem."""

    def __init__(self, kind: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.pointer = kind, detail, pointer


class Vocabulary:
    """The tags that editors changed, at one moment."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: Mapping[str, Entry] = {one.id: one for one in sorted(entries, key=lambda one: one.id)}
        values = self.entries.values()
        self._by_name = {
            named(name): one.id
            for one in values
            for name in (one.known_as, one.label, *one.synonyms)
            if name is not None
        }
        self._merged_into = {
            one.merged_into: one.into_label
            for one in values
            if one.merged_into is not None and one.into_label is not None
        }
        self._digest = hashlib.sha256(msgspec.json.encode(list(self.entries.values()))).digest()

    def version(self, of_model: str) -> str:
        """Of these changes over the labels of a model: the same in every process."""
        if not self.entries:
            return of_model
        return hashlib.sha256(of_model.encode() + b"\n" + self._digest).hexdigest()[:8]

    def target(self, id_: str) -> str | None:
        """Where merges lead; None of a retired tag."""
        seen = set()
        while (entry := self.entries.get(id_)) is not None and entry.status == "merged" and id_ not in seen:
            seen.add(id_)
            id_ = entry.merged_into or id_
        return None if entry is not None and entry.status == "retired" else id_

    def meant(self, chosen: Chosen) -> str | None:
        """What a decision's tag is called now; None of a retired one."""
        by_name = self._by_name.get(named(chosen.label)) if chosen.id == chosen.label else None
        to = self.target(by_name or chosen.id)
        if to is None:
            return None
        entry = self.entries.get(to)
        if entry is not None and entry.label is not None:
            return entry.label
        if entry is not None and entry.known_as is not None:
            return entry.known_as
        return self._merged_into.get(to, chosen.label)

    def names(self) -> dict[str, tuple[str, ...]]:
        """Of every changed tag that is in use label and synonyms, by its id; names of merged ones are synonyms of their
        target."""
        names: dict[str, dict[str, str]] = {}
        for entry in self.entries.values():
            if (to := self.target(entry.id)) is None:
                continue
            target = self.entries.get(to)
            label = (target.label or target.known_as) if target is not None else self._merged_into.get(to)
            if label is None:
                continue
            its = names.setdefault(to, {named(label): label})
            for name in (entry.label, entry.known_as, *entry.synonyms):
                if name is not None:
                    its.setdefault(named(name), name)
        return {id_: tuple(its.values()) for id_, its in names.items()}

    def retired_names(self) -> list[str]:
        """Of tags that are not to be answered any more, merged into such a one or not."""
        retired = [one for one in self.entries.values() if self.target(one.id) is None]
        return [name for one in retired for name in (one.known_as, one.label, *one.synonyms) if name is not None]

    def term(self, id_: str, labels: Labels) -> Term | None:
        """None where neither the editors nor the model know the id."""
        entry, own = self.entries.get(id_), labels.label("tags", id_)
        if entry is None:
            return None if own is None else Term(id=id_, label=own, policy=labels.policy("tags", id_))
        return Term(
            id=id_,
            label=entry.label or own or id_,
            synonyms=entry.synonyms,
            status=entry.status,
            merged_into=entry.merged_into,
            policy=entry.policy or labels.policy("tags", id_),
        )

    def tags(self, labels: Labels) -> list[Term]:
        """Those of the model in its order, then the added ones."""
        ids = dict.fromkeys((*labels.all("tags"), *self.entries))
        return [term for id_ in ids if (term := self.term(id_, labels)) is not None]

    def named_by(self, name: str, labels: Labels) -> Term | None:
        """The tag that has this label or synonym."""
        key = named(name)
        known = labels.id_of("tags", name)
        if known is not None and (known not in self.entries or self.entries[known].label is None):
            return self.term(known, labels)
        for entry in self.entries.values():
            if key in {named(entry.label or ""), *map(named, entry.synonyms)}:
                return self.term(entry.id, labels)
        return None


def added(vocabulary: Vocabulary, labels: Labels, label: str, synonyms: Sequence[str], policy: Policy | None) -> Entry:
    """A new tag, without its `names`. Raises VocabularyError."""
    if len(vocabulary.entries) >= MOST_ENTRIES:
        raise VocabularyError("conflict", f"there are {MOST_ENTRIES} changed tags: retrain with them first")
    label, synonyms = _checked(vocabulary, labels, None, label, synonyms)
    return Entry(_new_id(label, vocabulary, labels), label, tuple(synonyms), policy=policy)


def amended(
    vocabulary: Vocabulary, labels: Labels, id_: str, label: str | None, synonyms: Sequence[str] | None,
    policy: Policy | None, active: bool,
) -> Entry:  # fmt: skip
    """The tag with what is given changed, and its old `names`; `active` takes a merge or retirement back. Raises
    VocabularyError."""
    term, entry = known(vocabulary, labels, id_), _entry(vocabulary, labels, id_)
    new, others = _checked(
        vocabulary, labels, id_, term.label if label is None else label, term.synonyms if synonyms is None else synonyms
    )
    changed = replace(entry, synonyms=tuple(others))
    if label is not None:
        changed = replace(changed, label=new)
    if policy is not None:
        changed = replace(changed, policy=policy)
    return replace(changed, status="active", merged_into=None, into_label=None) if active else changed


def merged(vocabulary: Vocabulary, labels: Labels, id_: str, into: str) -> Entry:
    """Raises VocabularyError for a circle, and for a target that is retired."""
    known(vocabulary, labels, id_)
    target = known(vocabulary, labels, into, "/into")
    if vocabulary.target(into) == id_ or into == id_:
        raise VocabularyError("conflict", f"{into[:64]} leads to {id_[:64]} already: a tag can't be merged into itself")
    if target.status == "retired" or vocabulary.target(into) is None:
        raise VocabularyError("conflict", f"the tag {into[:64]} is retired: bring it back first")
    return replace(_entry(vocabulary, labels, id_), status="merged", merged_into=into, into_label=target.label)


def retired(vocabulary: Vocabulary, labels: Labels, id_: str) -> Entry:
    known(vocabulary, labels, id_)
    return replace(_entry(vocabulary, labels, id_), status="retired", merged_into=None, into_label=None)


def _entry(vocabulary: Vocabulary, labels: Labels, id_: str) -> Entry:
    return vocabulary.entries.get(id_) or Entry(id_, known_as=labels.label("tags", id_))


def known(vocabulary: Vocabulary, labels: Labels, id_: str, pointer: str | None = None) -> Term:
    """Raises VocabularyError."""
    if (term := vocabulary.term(id_, labels)) is None:
        kind = "not-found" if pointer is None else "unknown-label"
        raise VocabularyError(kind, f"there is no tag with the id {id_[:64]}", pointer)
    return term


def searched(term: Term, entry: Entry, labels: Labels) -> list[str]:
    """The names that a text is searched for: what the model itself does not know."""
    own = labels.label("tags", term.id)
    label = [] if own is not None and (entry.label is None or named(entry.label) == named(own)) else [term.label]
    return [*label, *entry.synonyms]


def listing(vocabulary: Vocabulary, model_vocabulary: str, labels: Labels) -> Listing:
    """All labels; `labels` and `model_vocabulary` are the model's own."""
    rubrics = tuple(
        Term(id=id_, label=label, policy=labels.policy("rubric", id_)) for id_, label in labels.all("rubric").items()
    )
    regions = tuple(
        Region(
            id=place.id,
            label=place.label,
            level=place.level,
            parent=labels.parent(place),
            policy=labels.policy("regions", place.id),
        )
        for place in labels.places
    )
    return Listing(vocabulary.version(model_vocabulary), rubrics, regions, tuple(vocabulary.tags(labels)))


def _checked(
    vocabulary: Vocabulary, labels: Labels, own: str | None, label: str, synonyms: Sequence[str]
) -> tuple[str, list[str]]:
    """As they are kept: spaces in order, no synonym twice."""
    if len(synonyms) > MOST_SYNONYMS:
        raise VocabularyError("malformed", f"a tag has at most {MOST_SYNONYMS} synonyms", "/synonyms")
    label = _name(label, "/label", vocabulary, labels, own)
    names = {named(label)}
    kept = []
    for number, sent in enumerate(synonyms):
        synonym = _name(sent, f"/synonyms/{number}", vocabulary, labels, own)
        if named(synonym) not in names:
            names.add(named(synonym))
            kept.append(synonym)
    return label, kept


def _name(sent: str, pointer: str, vocabulary: Vocabulary, labels: Labels, own: str | None) -> str:
    if any(unicodedata.category(character) in UNSEEN for character in sent):
        raise VocabularyError("malformed", "a label must not hold control characters or invisible ones", pointer)
    name = " ".join(sent.split())
    if not any(character.isalnum() for character in name):
        raise VocabularyError("malformed", "a label needs a letter or a digit", pointer)
    if len(name) > LONGEST:
        raise VocabularyError("malformed", f"a label has at most {LONGEST} characters", pointer)
    if labels.id_of("regions", name) is not None:
        raise VocabularyError("is-a-place", f"«{name}» is a region, and a place is never a tag", pointer)
    other = vocabulary.named_by(name, labels)
    if other is not None and other.id != own:
        raise VocabularyError("conflict", f"«{name}» is already a name of the tag {other.id}, «{other.label}»", pointer)
    return name


def _new_id(label: str, vocabulary: Vocabulary, labels: Labels) -> str:
    """Latin, and nobody's yet: an id is never given twice."""
    bare = re.sub(r"\([^()]*\)", " ", label)  # as training names it
    base = (slug(bare) or slug(label))[:60].strip("-") or "tag"
    number, id_ = 1, base
    while id_ in vocabulary.entries or labels.label("tags", id_) is not None:
        number += 1
        id_ = f"{base}-{number}"
    return id_
