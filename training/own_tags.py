"""A newsroom's own vocabulary of tags: labels that work by name and synonyms before any article has them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from service.inference.tags import MOST_TAGS
from training.config import ConfigError
from training.examples import LONGEST_LABEL
from training.gazetteer import Gazetteer
from training.labels import OwnTag, tag_key
from training.lookalikes import in_one_alphabet

COMMENT = re.compile(r"#(?:\s|$)")  # «#МыВместе» is a label


class OwnTagsError(ConfigError):
    """A vocabulary of tags that can't be used: says which line, and what to write."""


class _Told(NamedTuple):
    label: str
    line: int


def own_tags(file: str | Path, gazetteer: Gazetteer) -> tuple[OwnTag, ...]:
    """One tag a line: its label, then synonyms, parted by tabs; «# » begins a comment, «#МыВместе» is a tag.
    An empty `file` is no vocabulary.

    Raises OwnTagsError where one name stands for two tags, as nobody could tell which is meant, and where it is a
    place's: that is a region, and a tag would take its articles.
    """
    return tuple(_read(Path(file), gazetteer)) if file else ()


def beside(edited: Iterable[OwnTag], of_file: Iterable[OwnTag]) -> tuple[OwnTag, ...]:
    """Both; what editors did while the service ran holds where the file says otherwise."""
    edited = tuple(edited)
    taken = {tag_key(name) for tag in edited for name in (tag.label, *tag.synonyms)}
    others = (tag for tag in of_file if tag_key(tag.label) not in taken)
    left = (OwnTag(tag.label, tuple(name for name in tag.synonyms if tag_key(name) not in taken)) for tag in others)
    return (*edited, *left)


def _read(path: Path, gazetteer: Gazetteer) -> Iterator[OwnTag]:
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # splitlines would cut at U+2028 too, inside a label
    except (OSError, UnicodeDecodeError) as error:
        raise OwnTagsError(f"tags {path} can't be read: {error}") from error
    told: dict[str, _Told] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or COMMENT.match(line):
            continue
        label, *synonyms = [in_one_alphabet(" ".join(cell.split())) for cell in line.split("\t")]
        if not tag_key(label):
            raise OwnTagsError(f"tags, {path.name} line {number}: a line begins with the tag's label")
        if number > MOST_TAGS:
            raise OwnTagsError(f"tags, {path.name} has more than {MOST_TAGS} lines: a model holds no more tags")
        for name in dict.fromkeys((label, *filter(None, synonyms))):
            if len(name) > LONGEST_LABEL:
                raise OwnTagsError(
                    f"tags, {path.name} line {number}: «{name[:40]}…» has {len(name)} characters, "
                    f"{LONGEST_LABEL} are the most"
                )
            if (place := gazetteer.place_of(name)) is not None:
                raise OwnTagsError(
                    f"tags, {path.name} line {number}: «{name}» is the region «{gazetteer.places[place].label}», and a "
                    "place is never a tag: leave it out"
                )
            if (other := told.setdefault(tag_key(name), _Told(label, number))).line != number:
                raise OwnTagsError(
                    f"tags, {path.name} line {number}: «{name}» is already a name of «{other.label}», line "
                    f"{other.line}: leave it to one of the two"
                )
        yield OwnTag(label, tuple(name for name in synonyms if tag_key(name)))
