"""The regions head: mentions of places in title and body -> places of the article with role and score."""

from collections.abc import Mapping, Sequence
from functools import reduce
from math import exp, log1p
from operator import add, mul
from typing import NamedTuple

from service.inference.article import Level, Role
from service.inference.compiled_places import PlaceTables, Relations
from service.inference.features import Tokens
from service.inference.mentions import Reader
from service.inference.phrases import Hit, Hits
from service.inference.places import OWN, Kind, Mention, Phrase, Place
from service.inference.text import Text
from service.inference.words import edges_in

FIRST_WORDS = 45  # words of the body that tell what an article is about
LEVELS: tuple[Level, ...] = ("country", "subject", "city", "district", "place")
AFTER_THE_TITLE = 1_000_000  # sentences: the body's come after all of the title's
BESIDE_AFTER, BESIDE_BEFORE = 2, 4  # characters between two names: «район Петербурга», «в Уфе, в Кировском районе»
ABOUT: Mapping[Role, Role] = {"mentioned": "about"}
NO_PLACES: frozenset[int] = frozenset()
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
    "scene",
)

Features = tuple[float, ...]
Span = tuple[int, int]  # characters of a part


class Weights(NamedTuple):
    """The logistic of one level: a weight for each of FEATURES; `about` is the score from which the role is about."""

    features: Features
    about: float


class PlaceFound(NamedTuple):
    """A place of the article; where it is mentioned, by part, in order. `score` is the chance that editors tag it.

    Where an event took place is a fact of the text; whether it is `chosen` depends on the score, for outlets differ in
    whether they tag it.
    """

    place: int
    role: Role
    score: float
    features: Features
    in_title: tuple[Span, ...]
    in_body: tuple[Span, ...]
    chosen: bool


class Regions:
    """Built from the artifact's plain tables; called for every article, holds no state between calls."""

    def __init__(self, places: Sequence[Place], phrases: Sequence[Phrase], weights: Mapping[str, Weights]) -> None:
        self.places = tuple(Place(*place) for place in places)
        self._reader = Reader(self.places, [Phrase(Kind(kind), place, doubt) for kind, place, doubt in phrases])
        known = {level: Weights(tuple(features), about) for level, (features, about) in weights.items()}
        # a newsroom's districts and villages are weighed like its cities until an archive teaches better
        by_level = {level: known.get(level, known["city"]) for level in LEVELS}
        self._weights = [by_level[place.level] for place in self.places]
        self.about = self.least_of_each({level: one.about for level, one in by_level.items()})
        self._levels = [LEVELS.index(place.level) for place in self.places]
        self._own = [place.home == OWN for place in self.places]
        self._parents = [place.parent for place in self.places]
        self._above = [self._yielded(place) for place in range(len(self.places))]
        self._abroad = [
            place.level == "city" and not above for place, above in zip(self.places, self._above, strict=True)
        ]
        self._areas = [self._area(place) for place in range(len(self.places))]
        self._lies_in = [above or (self._parents[place],) for place, above in enumerate(self._above)]
        relations = Relations(self._levels, self._abroad, self._areas, self._above)
        self.tables = PlaceTables(
            self.places, phrases, [by_level[level].features for level in LEVELS], relations, LARGER
        )

    def _yielded(self, place: int) -> tuple[int, ...]:
        """What a place stands for besides: what it lies in, up to its subject. A country only when it is named."""
        above = []
        while (place := self._parents[place]) >= 0 and self.places[place].level != "country":
            above.append(place)
        return tuple(above)

    def _area(self, place: int) -> int:
        """The subject that a place lies in or is, abroad the country."""
        while self.places[place].level not in ("subject", "country"):
            place = self._parents[place]
        return place

    def least_of_each(self, by_level: Mapping[str, float]) -> list[float]:
        """By place, the score from which it is chosen; a level that is not there goes by the cities'."""
        return [by_level.get(place.level, by_level["city"]) for place in self.places]

    def found(
        self, text: Text, tokens: Tokens, hits: tuple[Hits, Hits], least: Sequence[float] | None = None
    ) -> list[PlaceFound]:
        """Places of an article, surest first, from the matcher's hits in its title and its body. `least` stands in for
        the weights' own scores from which a place is chosen."""
        in_title, in_body = (list(map(tuple, part.tolist())) for part in hits)
        if not in_title and not in_body:
            return []
        title = self.find(text.title, tokens.folded[0], in_title) if in_title else []
        body = self.find(text.body, tokens.folded[1], in_body) if in_body else []
        return self.decide(title, body, least)

    def find(self, text: str, folded: bytes, hits: Sequence[Hit]) -> list[Mention]:
        """Mentions in one part; `folded` as its words were cut from, `hits` the matcher's."""
        return self._reader.find(text, folded, hits, edges_in(folded))

    def decide(
        self, title: Sequence[Mention], body: Sequence[Mention], least: Sequence[float] | None = None
    ) -> list[PlaceFound]:
        """Places of the article, surest first."""
        if not title and not body:
            return []
        known: set[int] | None = None  # asked for by few articles
        found: dict[int, tuple[list[Mention], list[Mention]]] = {}
        own: set[int] = set()  # named by themselves, not only through a city
        scenes: list[tuple[int, int]] = []  # sentence and place of each adverbial that says where it happened
        for part, mentions in enumerate((title, body)):
            for number, mention in enumerate(mentions):
                places = mention.places
                place = places[0]
                if len(places) > 1 or mention.supported:
                    if known is None:
                        known = self._known(title, body)
                    place = self._meant(mention, known)
                if place < 0 or (self._own[place] and self._is_elsewhere(place, mentions, number)):
                    continue
                own.add(place)
                if mention.scene:
                    scenes.append((mention.scene + part * AFTER_THE_TITLE, place))
                if place in found:
                    found[place][part].append(mention)
                else:
                    found[place] = ([mention], []) if part == 0 else ([], [mention])
                for above in self._above[place]:
                    if above in found:
                        found[above][part].append(mention)
                    else:
                        found[above] = ([mention], []) if part == 0 else ([], [mention])
        most = [0] * len(LEVELS)
        for place, (in_title, in_body) in found.items():
            level = self._levels[place]
            most[level] = max(most[level], len(in_title) + len(in_body))
        happened = self._scene_of(scenes) if scenes else NO_PLACES
        others, about = log1p(len(found)), self.about if least is None else least
        weighed = [
            self._weigh(place, *parts, place in own, place in happened, most, others, about[place])
            for place, parts in found.items()
        ]
        return self._with_subjects(weighed)

    def _with_subjects(self, weighed: Sequence[PlaceFound]) -> list[PlaceFound]:
        # what an article says of a city it says of the subject around it
        told = {above for one in weighed if one.chosen for above in self._above[one.place]}
        answers = [
            one
            if one.chosen or one.place not in told
            else one._replace(role=ABOUT.get(one.role, one.role), chosen=True)
            for one in weighed
        ]
        if len(answers) > 1:
            answers.sort(key=lambda one: (-one.score, self.places[one.place].id))
        return answers

    def _scene_of(self, scenes: Sequence[tuple[int, int]]) -> frozenset[int]:
        """The places of the first sentence that says where, later ones that lie there too, and what they lie in.

        What a lead tells further down of other regions is of other times, or of who reported it.
        """
        first = min(scenes)[0]
        areas = {self._areas[place] for sentence, place in scenes if sentence == first}
        places = {place for _, place in scenes if self._areas[place] in areas}
        return frozenset(places | {above for place in places for above in self._above[place]})

    def _is_elsewhere(self, place: int, mentions: Sequence[Mention], number: int) -> bool:
        """Whether a newsroom's own place stands beside another region's name: «Кировский район Петербурга»."""
        for other, gap in ((number + 1, BESIDE_AFTER), (number - 1, BESIDE_BEFORE)):
            if not 0 <= other < len(mentions):
                continue
            left, right = sorted((mentions[number], mentions[other]), key=lambda mention: mention.start)
            if right.start - left.end <= gap:
                mine, others = self._areas[place], {self._areas[of] for of in mentions[other].places}
                if not others & {mine, self._parents[mine]}:
                    return True
        return False

    def _known(self, title: Sequence[Mention], body: Sequence[Mention]) -> set[int]:
        """Places named beyond doubt, and the subjects and countries they lie in."""
        known: set[int] = set()
        parents = self._parents
        for mentions in (title, body):
            for mention in mentions:
                if len(mention.places) == 1 and not mention.supported:
                    place = mention.places[0]
                    while place >= 0 and place not in known:
                        known.add(place)
                        place = parents[place]
        return known

    def _meant(self, mention: Mention, known: set[int]) -> int:
        """Which of several places of one name: the one whose region is named, the newsroom's, the far larger; or -1."""
        choices = mention.places
        if mention.supported:
            return next((place for place in choices if place in known), -1)
        named = [place for place in choices if place in known]
        near = named or [place for place in choices if not known.isdisjoint(self._lies_in[place])]
        homes = [place for place in near or choices if self.places[place].home]
        if homes:
            return max(homes, key=lambda place: (self.places[place].home, self.places[place].population))
        if len(near) == 1:
            return near[0]
        by_size = sorted(near or choices, key=lambda place: -self.places[place].population)
        largest, second = (self.places[place].population for place in by_size[:2])
        return by_size[0] if largest and largest >= LARGER * second else -1

    def _weigh(
        self,
        place: int,
        title: list[Mention],
        body: list[Mention],
        own: bool,
        scene: bool,
        most: list[int],
        others: float,
        least: float,
    ) -> PlaceFound:
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
            1.0 if in_title else 0.0,  # a third of the time of float()
            1.0 if title and not in_title else 0.0,
            1.0 if in_lead else 0.0,
            1.0 if early and not in_lead else 0.0,
            log1p(count),
            count / most[self._levels[place]],
            1.0 if only_weak and not in_title else 0.0,
            1.0 if doubted else 0.0,
            0.0 if own else 1.0,
            1.0 if self._abroad[place] else 0.0,
            others,
            1.0 if scene else 0.0,
        )
        weights = self._weights[place]
        # one after the other, as the loops do: sum() of later Pythons rounds otherwise
        score = 1 / (1 + exp(-reduce(add, map(mul, weights.features, features))))
        chosen = score >= least
        role: Role = "happened" if scene else "about" if chosen else "mentioned"
        return PlaceFound(place, role, score, features, _spans(title), _spans(body), chosen)


def _spans(mentions: Sequence[Mention]) -> tuple[Span, ...]:
    return tuple((mention.start, mention.end) for mention in mentions)
