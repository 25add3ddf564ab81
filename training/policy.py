"""Which labels are sensitive: datasets/taxonomy/policy.toml, then the newsroom's own word -> the artifact's part.

Labels are matched by whole words in any of their forms: a sensitive label is found whatever its case and number, and a
word inside another one counts for nothing. A region is sensitive only where the newsroom names it.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from service.inference.article import Policy
from training.config import ConfigError
from training.config import Policy as OwnLabels
from training.gazetteer import Gazetteer
from training.labels import BRACKETED, WORD, Tags, parts_of, pattern_of, unique_ids
from training.morphology import fold, morphology

# Soft hyphens, marks of stress, joiners: nobody sees them in a label that was copied, and they part its words.
UNSEEN = dict.fromkeys((0xAD, 0x300, 0x301, *range(0x200B, 0x2010), 0x2060, 0xFEFF))
DEFAULTS = Path(__file__).parents[1] / "datasets" / "taxonomy" / "policy.toml"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    policy: Policy
    russian: str
    english: str


class _Sensitive(_Table, frozen=True):
    name: str
    labels: tuple[str, ...]
    but: tuple[str, ...] = ()


class _Persons(_Table, frozen=True):
    rubrics: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sensitive: tuple[_Sensitive, ...]
    persons: _Persons


class Wording:
    """Lines of words; a label says one of them if it has all the line's words, in any form and order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = [[pattern_of(word) for word in WORD.findall(fold(line))] for line in lines]

    def says(self, label: str) -> bool:
        words = set(WORD.findall(fold(label.translate(UNSEEN))))
        return any(all(not forms.isdisjoint(words) for forms in line) for line in self._lines)


@dataclass(frozen=True)
class Sensitive:
    """One kind of sensitive labels; `reason` is in English, the file has it in Russian too."""

    name: str
    policy: Policy
    reason: str
    labels: Wording
    but: Wording

    def holds(self, label: str) -> bool:
        return self.labels.says(label) and not self.but.says(label)


@dataclass(frozen=True)
class Defaults:
    kinds: tuple[Sensitive, ...]
    incidents: Wording  # rubrics under which persons are sensitive

    def of(self, label: str) -> Policy:
        """What holds for a rubric or a tag of which the newsroom says nothing; the strictest, where several do."""
        found = {kind.policy for kind in self.kinds if kind.holds(label)}
        return "never_suggest" if "never_suggest" in found else "review_only" if found else "normal"


@cache
def defaults() -> Defaults:
    """Reads the file once; its words' forms take a tenth of a second."""
    file = msgspec.convert(tomllib.loads(DEFAULTS.read_text("utf-8")), _File)
    kinds = (
        Sensitive(one.name, one.policy, one.english, Wording(one.labels), Wording(one.but)) for one in file.sensitive
    )
    return Defaults(tuple(kinds), Wording(file.persons.rubrics))


def is_person(label: str) -> bool:
    """A first name with a surname, in either order and also in brackets, or a surname alone.

    A person whose first name no dictionary has, «Си Цзиньпин», is not known for one.
    """
    names = (BRACKETED.sub(" ", label), *BRACKETED.findall(label))
    return any(parts_of(name) or _begins_with_surname(WORD.findall(fold(name))) for name in names)


def _begins_with_surname(words: Sequence[str]) -> bool:
    """«Путин», «Путин Владимир», «Путин Владимир Владимирович»; alone a word must be nothing else first."""
    if len(words) == 1:
        return "Surn" in morphology().parse(words[0])[0].tag
    return len(words) in (2, 3) and _may_be(words[0], "Surn") and _may_be(words[1], "Name")


def _may_be(word: str, what: str) -> bool:
    return any(what in reading.tag for reading in morphology().parse(word))


def policies(
    rubrics: Sequence[str], tags: Tags, gazetteer: Gazetteer, own: OwnLabels
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The artifact's part, and the newsroom's labels that are none of the model's.

    Raises ConfigError where the newsroom says two things of one label in two spellings.
    """
    found = defaults()
    ids = unique_ids(rubrics)
    of_rubrics = {ids[label]: found.of(label) for label in rubrics}
    of_tags = {tag.id: found.of(tag.label) for tag in tags.tags}
    of_places: dict[str, Policy] = {}
    said: dict[str, tuple[str, Policy]] = {}  # what the newsroom's words have settled, by kind and id
    rubric_of = {fold(label): ids[label] for label in rubrics}
    unknown = []
    for label, policy in own.by_label():
        meant: list[tuple[str, dict[str, Policy], str]] = []
        if (rubric := rubric_of.get(fold(" ".join(label.split())))) is not None:
            meant.append(("rubric", of_rubrics, rubric))
        if (place := gazetteer.place_of(label)) is not None:
            meant.append(("region", of_places, gazetteer.places[place].id))
        meant += [("tag", of_tags, tags.tags[tag].id) for tag in tags.of([label])]
        for kind, of_kind, id_ in meant:
            other, its = said.setdefault(f"{kind} {id_}", (label, policy))
            if its != policy:
                raise ConfigError(
                    f"[policy] «{other}» is {its} and «{label}» {policy}, and they are one {kind}: leave one of the two"
                )
            of_kind[id_] = policy
        if not meant:
            unknown.append(label)
    part = {
        "rubrics": _held(of_rubrics),
        "tags": _held(of_tags),
        "regions": _held(of_places),
        "persons": [tag.id for tag in tags.tags if is_person(tag.label)],
        "incidents": [ids[label] for label in rubrics if found.incidents.says(label)],
    }
    return part, tuple(unknown)


def with_tags_and_places_of(base: Mapping[str, Any] | None, held: Mapping[str, Any]) -> dict[str, Any]:
    """A house's part where the base's tags and places answer beside its rubrics: they stay as sensitive as they were.

    A person is sensitive under the house's own rubrics of incidents.
    """
    if base is None:
        return dict(held)
    regions = {**base["regions"], **held["regions"]}
    return {**held, "tags": base["tags"], "persons": base["persons"], "regions": regions}


def _held(policies: Mapping[str, Policy]) -> dict[str, str]:
    return {id_: policy for id_, policy in policies.items() if policy != "normal"}


def reasons(labels: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Why labels are held, each reason with its labels; the newsroom's own last."""
    left = list(labels)
    for kind in defaults().kinds:
        if mine := [label for label in left if kind.holds(label)]:
            yield f"{kind.name}: {kind.reason}", mine
            left = [label for label in left if label not in mine]
    if left:
        yield "the newsroom's own choice", left
