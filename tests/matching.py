"""The plainest phrase matcher, so that places can be tested without training a model."""

from service.inference.phrases import Hit
from service.inference.places import Mention
from service.inference.regions import PlaceFound, Regions
from service.inference.words import folded
from training.declension import WORD
from training.fit_regions import DEFAULT
from training.gazetteer import Gazetteer
from training.morphology import fold

Node = dict[str, "Node | list[int]"]
PHRASES = ""  # the key under which a node keeps the phrases that end there


class Reading:
    """A gazetteer, every phrase of it found at every word by dictionaries over forms, and the regions head on top."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self.regions = Regions(gazetteer.places, gazetteer.phrases, DEFAULT)
        self._trie: Node = {}
        for number, words in enumerate(gazetteer.forms):
            nodes = [self._trie]
            for forms in words:
                nodes = [node.setdefault(form, {}) for node in nodes for form in forms]  # type: ignore[misc]
            for node in nodes:
                node.setdefault(PHRASES, []).append(number)  # type: ignore[union-attr]

    def hits(self, text: str) -> list[Hit]:
        words = [fold(match.group()) for match in WORD.finditer(text)]
        hits: list[Hit] = []
        for first in range(len(words)):
            node = self._trie
            for at in range(first, len(words)):
                node = node.get(words[at], {})  # type: ignore[assignment]
                hits += [(first, at + 1, phrase) for phrase in node.get(PHRASES, ())]  # type: ignore[misc]
        return hits

    def mentions(self, text: str) -> list[Mention]:
        return self.regions.find(text, folded(text), self.hits(text))

    def found(self, title: str, body: str) -> dict[str, PlaceFound]:
        """By the places' ids, surest first."""
        places = self.regions.decide(self.mentions(title), self.mentions(body))
        return {self.gazetteer.places[place.place].id: place for place in places}

    def labelled(self, labels: str) -> set[str]:
        """Ids of «Тула, Псков» with what they lie in."""
        found: set[int] = set()
        for label in filter(None, labels.split(", ")):
            place = self.gazetteer.place_of(label)
            assert place is not None, f"the gazetteer has no {label}"
            found |= {place, *self.gazetteer.above(place)}
        return {self.gazetteer.places[place].id for place in found}
