"""An outlet's rubrics -> the common ones, by a map that an editor can read and mend.

A map is an entry of a JSON file: `{the outlet's label: what becomes of it}`, which is a common rubric, "" for none, or
an object where the label says too little and the article's other labels tell, `tags` or something of `extra`:

    {"by": "tags", "most": {"Армия": ["армия", "оружие"], "Политика": ["выборы"]}, "least": 2, "margin": 2, "else": ""}

The rubric with most of its words among those labels wins, if they are at least `least` and `margin` more than any other
rubric's; case and ё don't matter. `most` may name a list under "words" in the same file. The label "" is no label.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from training.config import ConfigError
from training.lookalikes import in_one_alphabet
from training.readers import Row

Words = dict[str, tuple[str, ...]]


class _Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    by: str
    most: str | Words
    least: int = 1
    margin: int = 1
    otherwise: str = msgspec.field(default="", name="else")


class _Ballot:
    """A vote with its words folded once, not for every article."""

    def __init__(self, vote: _Vote, words: Mapping[str, Words]) -> None:
        listed = words[vote.most] if isinstance(vote.most, str) else vote.most
        self._vote = vote
        self._words = {rubric: frozenset(map(folded, its)) for rubric, its in listed.items()}

    def winner(self, row: Row) -> str:
        labels = {folded(label) for label in _labels(row, self._vote.by)}
        counts = sorted(((len(labels & its), rubric) for rubric, its in self._words.items()), reverse=True)
        (most, rubric), *others = counts
        second = others[0][0] if others else 0
        return rubric if most >= self._vote.least and most - second >= self._vote.margin else self._vote.otherwise


class RubricMap:
    """What becomes of each rubric of one outlet; without a map every rubric stays what it is."""

    def __init__(self, rubrics: Mapping[str, str | _Ballot] | None = None) -> None:
        self._rubrics = rubrics

    def common(self, row: Row) -> str | None:
        """The common rubric of an article, None if it has none."""
        if self._rubrics is None:
            return tidied(row.article.rubric or "") or None
        value = self._rubrics.get(row.article.rubric or "", "")
        return (value if isinstance(value, str) else value.winner(row)) or None


def tidied(label: str) -> str:
    """On one line, without blanks around and characters that no one sees."""
    return "".join(character for character in " ".join(label.split()) if character.isprintable())


def load(reference: str) -> RubricMap:
    """The map at `FILE.json#name`. Reads the disk."""
    file, _, name = reference.rpartition("#")
    try:
        maps = json.loads(Path(file).read_bytes())
        words = msgspec.convert(maps.get("words", {}), dict[str, Words])
        values = msgspec.convert(maps[name], dict[str, str | _Vote])
        return RubricMap(
            {
                in_one_alphabet(rubric): value if isinstance(value, str) else _Ballot(value, words)
                for rubric, value in values.items()
            }
        )
    except OSError as error:
        raise ConfigError(f"rubric_map {reference} can't be read; it has to be FILE.json#name") from error
    except ValueError as error:  # of json, and msgspec's too
        raise ConfigError(f"rubric_map {reference} is not what a map has to be: {error}") from error
    except KeyError as error:
        raise ConfigError(f"rubric_map {reference}: {file} has no map or list of words named {error}") from error


def folded(label: str) -> str:
    return " ".join(in_one_alphabet(label).casefold().replace("ё", "е").split())


def _labels(row: Row, by: str) -> list[str]:
    if by == "tags":
        return list(row.article.tags)
    found: Any = row.extra.get(by.removeprefix("extra."), ())
    return [found] if isinstance(found, str) else [label for label in found or () if isinstance(label, str)]
