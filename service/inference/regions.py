"""The regions head: mentions of places in title and body -> places of the article with role and score."""

from collections.abc import Mapping, Sequence
from math import exp, log1p
from operator import mul
from typing import NamedTuple

from service.inference.article import Role
from service.inference.features import Tokens
from service.inference.mentions import Reader
from service.inference.phrases import Hit, Hits
from service.inference.places import Kind, Mention, Phrase, Place
from service.inference.text import Text
from service.inference.words import positions_in

FIRST_WORDS = 45  # words of the body that tell what an article is about
LARGER = 4  # of cities of one name the one so many times larger is meant, if no region is named
WEAK = int(Kind.ADJECTIVE)  # from this kind on: adjectives and demonyms
FEATURES = (
    "one",
    "title",
    "weak_title",
    "lead",
    "weak_lead",
    "log_mentions",
    "share",
    "only_weak",
    "doubted",
    "from_city",
    "abroad",
    "log_others",
)

Features = tuple[float, ...]


class Weights(NamedTuple):
    """The logistic of one level: a weight for each of FEATURES; `about` is the score from which the role is about."""

    features: Features
    about: float


class PlaceFound(NamedTuple):
    """A place of the article; mentions by part, in order of position. `score` is the chance that editors tag it."""

    place: int
    role: Role
    score: float
    features: Features
    in_title: tuple[Mention, ...]
    in_body: tuple[Mention, ...]


class Regions:
    """Built from the artifact's plain tables; called for every article, holds no state between calls."""

    def __init__(self, places: Sequence[Place], phrases: Sequence[Phrase], weights: Mapping[str, Weights]) -> None:
        self.places = tuple(Place(*place) for place in places)
        self._reader = Reader(self.places, [Phrase(Kind(kind), place, doubt) for kind, place, doubt in phrases])
        self._weights = {level: Weights(tuple(features), about) for level, (features, about) in weights.items()}
        self._parents = [place.parent for place in self.places]
        # a city yields its subject; the country of a foreign city only when that is mentioned
        self._yields = [
            place.parent if place.level == "city" and self.places[place.parent].level == "subject" else -1
            for place in self.places
        ]

    def found(self, text: Text, tokens: Tokens, hits: tuple[Hits, Hits]) -> list[PlaceFound]:
        """Places of an article, surest first, from the matcher's hits in its title and its body."""
        mentions = []
        for part, of_part, folded in zip((text.title, text.body), hits, tokens.folded, strict=True):
            starts, ends = (where.tolist() for where in positions_in(folded)) if len(of_part) else ([], [])
            mentions.append(self.find(part, list(map(tuple, of_part.tolist())), starts, ends))
        return self.decide(*mentions)

    def find(self, text: str, hits: Sequence[Hit], starts: Sequence[int], ends: Sequence[int]) -> list[Mention]:
        """Mentions in one part; `hits` are the matcher's, in any order."""
        return self._reader.find(text, hits, starts, ends)

    def decide(self, title: Sequence[Mention], body: Sequence[Mention]) -> list[PlaceFound]:
        """Places of the article, surest first."""
        known = self._known(title, body)
        found: dict[int, tuple[list[Mention], list[Mention]]] = {}
        own: set[int] = set()  # named by themselves, not only through a city
        for part, mentions in enumerate((title, body)):
            for mention in mentions:
                place = self._meant(mention, known)
                if place < 0:
                    continue
                own.add(place)
                found.setdefault(place, ([], []))[part].append(mention)
                above = self._yields[place]
                if above >= 0:
                    found.setdefault(above, ([], []))[part].append(mention)
        if not found:
            return []
        most: dict[str, int] = {}
        for place, (in_title, in_body) in found.items():
            level = self.places[place].level
            most[level] = max(most.get(level, 0), len(in_title) + len(in_body))
        weighed = [self._weigh(place, *parts, place in own, most, len(found)) for place, parts in found.items()]
        told = {self._yields[one.place] for one in weighed if one.role == "about"}
        return sorted(
            # what an article says of a city it says of the subject around it
            (one._replace(role="about") if one.place in told else one for one in weighed),
            key=lambda one: (-one.score, self.places[one.place].id),
        )

    def _known(self, title: Sequence[Mention], body: Sequence[Mention]) -> set[int]:
        """Places named beyond doubt, and the subjects and countries they lie in."""
        known: set[int] = set()
        for mentions in (title, body):
            for mention in mentions:
                if len(mention.places) == 1 and not mention.supported:
                    place = mention.places[0]
                    while place >= 0 and place not in known:
                        known.add(place)
                        place = self._parents[place]
        return known

    def _meant(self, mention: Mention, known: set[int]) -> int:
        """Which of several places of one name: the one whose region is named, else the far larger; -1 if neither."""
        choices = mention.places
        if mention.supported:
            return next((place for place in choices if place in known), -1)
        if len(choices) == 1:
            return choices[0]
        named = [place for place in choices if place in known]
        near = named or [
            place for place in choices if self.places[place].level == "city" and self._parents[place] in known
        ]
        by_size = sorted(near or choices, key=lambda place: -self.places[place].population)
        if len(near) == 1:
            return near[0]
        largest, second = (self.places[place].population for place in by_size[:2])
        return by_size[0] if largest and largest >= LARGER * second else -1

    def _weigh(
        self, place: int, title: list[Mention], body: list[Mention], own: bool, most: dict[str, int], others: int
    ) -> PlaceFound:
        level = self.places[place].level
        count = len(title) + len(body)
        in_title = in_lead = early = False
        only_weak = doubted = True
        for mention in title:
            doubted &= mention.doubted
            if mention.kind < WEAK:
                in_title = True
        for mention in body:
            doubted &= mention.doubted
            strong = mention.kind < WEAK
            if strong:
                only_weak = False
            if mention.word < FIRST_WORDS:
                early = True
                in_lead |= strong
        features = (
            1.0,
            float(in_title),
            float(bool(title) and not in_title),
            float(in_lead),
            float(early and not in_lead),
            log1p(count),
            count / most[level],
            float(only_weak and not in_title),
            float(doubted),
            float(not own),
            float(level == "city" and self._yields[place] < 0),
            log1p(others),
        )
        weights = self._weights[level]
        margin = sum(map(mul, weights.features, features))
        score = 1 / (1 + exp(-margin))
        return PlaceFound(
            place, "about" if score >= weights.about else "mentioned", score, features, tuple(title), tuple(body)
        )
