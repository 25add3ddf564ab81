"""Names of places and tags as phrases over sets of word forms: what the matcher is built from."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from training.gazetteer import Gazetteer
from training.labels import Tag, pattern_of


@dataclass(frozen=True)
class Names:
    """Phrases of places, then of tags, over one set of patterns."""

    patterns: list[frozenset[str]]
    start: list[int]
    words: list[int]
    places: int
    tag: list[int] = field(default_factory=list)
    part: list[bool] = field(default_factory=list)

    def arrays(self) -> dict[str, npt.NDArray[np.int32]]:
        return {"start": np.array(self.start, np.int32), "words": np.array(self.words, np.int32)}


def names_of(gazetteer: Gazetteer, tags: Sequence[Tag]) -> Names:
    number: dict[frozenset[str], int] = {}
    names = Names([], [0], [], len(gazetteer.forms))

    def add(phrase: Sequence[frozenset[str]]) -> None:
        names.words.extend(number.setdefault(forms, len(number)) for forms in phrase)
        names.start.append(len(names.words))

    for phrase in gazetteer.forms:
        add(phrase)
    for i, tag in enumerate(tags):
        for part, phrases in ((False, tag.names), (True, tag.parts)):
            for words in phrases:
                add([pattern_of(word) for word in words])
                names.tag.append(i)
                names.part.append(part)
    names.patterns.extend(number)
    return names
