"""Hits of the phrase matcher -> mentions of places: the rules that read one stretch of Russian text.

Every rule here answers a class of false places seen in news: Vladimir the man, «Московский комсомолец», Киевское шоссе.
"""

import re
from collections.abc import Sequence

from service.inference.phrases import Hit
from service.inference.places import CLEAR, INSTRUMENTAL, SUPPORTED, WORDLIKE, Kind, Mention, Phrase, Place

NAME, ALIAS, ABBREVIATION, ADJECTIVE, DEMONYM, BLOCK = (int(kind) for kind in Kind)  # comparing enums is slow
END: Hit = (-1, -1, -1)

_BEFORE_A_CITY = """
в во из изо под подо до около близ г город города городе городу городом мэр мэра мэром мэрия мэрии
"""
_BEFORE_AN_INSTRUMENTAL = "под над перед между за с со рядом городом"
# beginnings of words after a capitalised adjective that is the name of a street or a quarter: «Киевское шоссе»
_STREETS = """
шоссе проспект пр-т улиц ул. вокзал площад переул бульвар набережн мост тракт магистрал район станци метро рынок рынк
канал кладбищ парк трасс ворот застав собор монастыр церк мск врем
"""
# what a city gave its name to far from itself: «Мюнхенская конференция», «минские договорённости»
_ELSEWHERE = """
договор соглаш процесс формат конференц арбитраж кинофестивал организац конвенц мир протокол консенсус битв сражен
врем мск
"""
_DISTRICTS = "городск муниципальн сельск окру сад суд областн гарнизонн"
_CULTURE = "язык кухн салат врем"
BEFORE_A_CITY = frozenset(_BEFORE_A_CITY.split())
BEFORE_AN_INSTRUMENTAL = frozenset(_BEFORE_AN_INSTRUMENTAL.split())
STREETS, ELSEWHERE, CULTURE = tuple(_STREETS.split()), tuple(_ELSEWHERE.split()), tuple(_CULTURE.split())
DISTRICTS = STREETS + tuple(_DISTRICTS.split())
COMMON_HEADS = ("област", "кра", "республ", "округ")
QUOTED = re.compile(r"«([^«»\n]{2,50})»|[\"“„]([^\"“”„\n]{2,50})[\"”“]")
NAMED_WORDS = 5  # a quotation of more words is somebody's speech, not the name of a firm or a paper
LIST_GAPS = frozenset({", ", " и ", " или ", " - ", " – ", " — ", "-", "–", "—", "/"})
SENTENCE_ENDS = frozenset(".!?…\n:;•")
BROKEN = re.compile(r"[,;:!?\n«»\"]|\. ")


class Reader:
    """Reads one part of an article (title or body) at a time; holds no state between calls."""

    def __init__(self, places: Sequence[Place], phrases: Sequence[Phrase]) -> None:
        # plain tuples by phrase number: attribute access on records costs a third of the time here
        self._kinds = [int(phrase.kind) for phrase in phrases]
        self._places = [phrase.place for phrase in phrases]
        self._doubts = [phrase.doubt for phrase in phrases]
        self._levels = ["" if phrase.place < 0 else places[phrase.place].level for phrase in phrases]

    def find(self, text: str, hits: Sequence[Hit], starts: Sequence[int], ends: Sequence[int]) -> list[Mention]:
        """Mentions in order of position, not overlapping: of the hits at one word the longest that reads as a place."""
        if not hits:
            return []
        kinds = self._kinds
        names: list[tuple[int, int]] | None = None
        mentions: list[Mention] = []
        free = 0  # the first word that no mention has taken
        placed_end, placed = -1, False  # where the last mention ended, and whether a preposition put it in space
        ordered = sorted(hits, key=_longest_first)
        ordered.append(END)
        number, count = 0, len(ordered) - 1
        while number < count:
            first, last, phrase = ordered[number]
            number += 1
            following = ordered[number]
            group = [phrase]
            while following[0] == first and following[1] == last:
                group.append(following[2])
                number += 1
                following = ordered[number]
            if first < free:
                continue
            start, end = starts[first], ends[last - 1]
            if kinds[phrase] <= ABBREVIATION and len(group) == 1 and not text[start].isupper():
                continue
            if last - first > 1 and BROKEN.search(text, start, end):
                continue
            in_list = placed_end >= 0 and text[placed_end:start] in LIST_GAPS
            near = _Surroundings(text, first, last, starts, ends, in_list and placed, in_list, following[0] == last)
            read = [phrase for phrase in group if self._reads(phrase, near)]
            if not read:
                continue
            if len(read) > 1:  # «под Смоленском» is the city, though the word is the oblast's adjective as well
                read = [phrase for phrase in read if self._doubts[phrase] == INSTRUMENTAL] or read
            free = last
            if names is None:
                names = _quoted_names(text)
            if any(kinds[phrase] == BLOCK for phrase in read) or _inside(start, end, names):
                continue
            mention = self._mention(read, first, start, end)
            mentions.append(mention)
            placed_end, placed = end, near.placed
            if in_list and mention.kind <= ALIAS and text.startswith(COMMON_HEADS, starts[last - 1]):
                _share_the_head(mentions, text)
        return mentions

    def _mention(self, read: Sequence[int], first: int, start: int, end: int) -> Mention:
        if len(read) == 1:
            phrase = read[0]
            doubt = self._doubts[phrase]
            place = (self._places[phrase],)
            return Mention(place, self._kinds[phrase], doubt != CLEAR, doubt == SUPPORTED, first, start, end)
        places = tuple({self._places[phrase]: None for phrase in read})
        kind = min(self._kinds[phrase] for phrase in read)
        doubt = min(self._doubts[phrase] for phrase in read)
        return Mention(places, kind, doubt != CLEAR or len(places) > 1, doubt == SUPPORTED, first, start, end)

    def _reads(self, phrase: int, near: "_Surroundings") -> bool:
        kind = self._kinds[phrase]
        if kind == BLOCK:
            return True
        if kind == ADJECTIVE:
            return near.is_adjective(self._levels[phrase])
        if kind == DEMONYM:  # «Чехов» at the head of a sentence is the writer
            return not near.capital or (self._doubts[phrase] == CLEAR and near.opens_sentence())
        if not near.capital or near.is_part_of_compound():
            return False
        if kind == ABBREVIATION and not near.is_abbreviation():
            return False
        doubt = self._doubts[phrase]
        if self._levels[phrase] == "city" and near.last - near.first > 1 and not near.ends_capital():
            return False  # «сосновый бор», «минеральные воды» at the head of a sentence
        if doubt in (CLEAR, SUPPORTED):
            return True
        if doubt == WORDLIKE:
            return (near.placed or not near.opens_sentence()) and not near.before_a_name()
        if near.before_a_quarter():
            return False
        if doubt == INSTRUMENTAL:
            return near.in_list or near.previous() in BEFORE_AN_INSTRUMENTAL
        return near.placed and not near.before_a_name()


class _Surroundings:
    """What stands around one stretch of words; worked out only as far as its phrases ask."""

    __slots__ = (
        "before_hit",
        "capital",
        "end",
        "ends",
        "first",
        "in_list",
        "last",
        "placed",
        "start",
        "starts",
        "text",
    )

    def __init__(
        self,
        text: str,
        first: int,
        last: int,
        starts: Sequence[int],
        ends: Sequence[int],
        placed: bool,
        in_list: bool,
        before_hit: bool,
    ) -> None:
        self.text, self.first, self.last, self.starts, self.ends = text, first, last, starts, ends
        self.start, self.end = starts[first], ends[last - 1]
        self.capital = text[self.start].isupper()
        self.in_list, self.before_hit = in_list, before_hit
        self.placed = placed or (self.capital and self.previous() in BEFORE_A_CITY)

    def previous(self) -> str:
        """The word before when only a space, or «г.» and a space, stand between; else nothing."""
        if not self.first:
            return ""
        begin, end = self.starts[self.first - 1], self.ends[self.first - 1]
        gap = self.text[end : self.start]
        word = self.text[begin:end].lower()
        return word if gap in (" ", "\xa0") or (word == "г" and gap in (".", ". ", ".\xa0")) else ""

    def opens_sentence(self) -> bool:
        before = self.text[max(0, self.start - 4) : self.start].rstrip(' \xa0«"“„—–-(')
        return (not before and self.start < 4) or before[-1:] in SENTENCE_ENDS

    def ends_capital(self) -> bool:
        return self.text[self.starts[self.last - 1]].isupper()

    def is_abbreviation(self) -> bool:
        """Capitals throughout, and not the end of a domain name: «ВЭБ.РФ»."""
        return self.text[self.start : self.end].isupper() and not (self.start and self.text[self.start - 1] == ".")

    def is_part_of_compound(self) -> bool:
        """«Спартак-Москва», «Россия-24»; not «Москва-Минск», whose other half is a place."""
        text, start, end = self.text, self.start, self.end
        if start and text[start - 1] in "-_@#" and not self.in_list:
            return True
        if text[end : end + 1] not in ("-", "_"):
            return False
        following = text[end + 1 : end + 2]
        return (following.isupper() or following.isdigit()) and not self.before_hit

    def before_a_name(self) -> bool:
        """A capitalised word that is no place follows: «в Кирове Сергее»."""
        return (
            self.last < len(self.starts)
            and self.text[self.end : self.starts[self.last]] == " "
            and self.text[self.starts[self.last]].isupper()
            and not self.before_hit
        )

    def before_a_quarter(self) -> bool:
        """What looks like a city is the adjective of a district: «в Октябрьском районе»."""
        return self.text.startswith(DISTRICTS, self.end + 1)

    def is_adjective(self, level: str) -> bool:
        """«Тульский», not the Киевский вокзал, a street or Игорь Волжский."""
        text, end = self.text, self.end
        if text[end : end + 1] == " " and (
            text.startswith(ELSEWHERE if level == "city" else CULTURE, end + 1)
            or (self.capital and level != "country" and text.startswith(STREETS, end + 1))
        ):
            return False
        if not self.capital or level == "country":
            return True
        begin = self.starts[self.first - 1] if self.first else 0
        if self.first and text[self.ends[self.first - 1] : self.start] == " ":
            if text.startswith(STREETS, begin):
                return False
            if text[begin].isupper() and not text[begin : self.start - 1].isupper() and not self._opens(begin):
                return self.in_list
        return text[end : end + 1] in (" ", "-", ",") and not text[end + 1 : end + 2].isupper()

    def _opens(self, begin: int) -> bool:
        before = self.text[max(0, begin - 4) : begin].rstrip(' \xa0«"“„—–-(')
        return begin < 4 or before[-1:] in SENTENCE_ENDS


def _longest_first(hit: Hit) -> tuple[int, int]:
    return hit[0], -hit[1]


def _inside(start: int, end: int, names: Sequence[tuple[int, int]]) -> bool:
    return any(left <= start and end <= right for left, right in names)


def _quoted_names(text: str) -> list[tuple[int, int]]:
    """Short capitalised quotations: firms, papers, teams; a place inside one is part of a name."""
    if "«" not in text and '"' not in text and "“" not in text and "„" not in text:
        return []
    return [
        (found.start(), found.end())
        for found in QUOTED.finditer(text)
        if text[found.start() + 1].isupper() and found.group().count(" ") < NAMED_WORDS
    ]


def _share_the_head(mentions: list[Mention], text: str) -> None:
    """«Тульской и Тверской областях»: adjectives listed before the head name their regions as fully as the last."""
    at = len(mentions) - 2
    while at >= 0 and text[mentions[at].end : mentions[at + 1].start] in LIST_GAPS and mentions[at].kind == ADJECTIVE:
        mentions[at] = mentions[at]._replace(kind=NAME)
        at -= 1
