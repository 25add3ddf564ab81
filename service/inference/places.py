"""Places and the phrases that name them, as the artifact holds them: plain data made by `training.gazetteer`."""

from enum import IntEnum
from typing import NamedTuple

from service.inference.article import Level


class Kind(IntEnum):
    """What a phrase is to its place, surest first."""

    NAME = 0
    ALIAS = 1
    ABBREVIATION = 2  # capitals throughout: США, ЯНАО
    ADJECTIVE = 3  # may be lower-case: «тульский»
    DEMONYM = 4  # lower-case in Russian: «россияне»
    BLOCK = 5  # holds a place's name and is not about it: «Белый дом»
    EVENT = 6  # no place: a word that tells of an event, «погиб», «пожар»; its doubt is its class in `scenes`


# How much a phrase needs around it to be read as its place.
CLEAR = 0  # a capital letter is enough
WORDLIKE = 1  # a capital inside a sentence, or a preposition: «Вена», «Шахты»
ALONE = 2  # a preposition before and no capitalised word beside: «Клин», «Холм»
NAMELIKE = 3  # the same; also somebody's name: «Владимир», «Киров»
INSTRUMENTAL = 4  # only after «под», «между»: «Курском» is also of «в Курском районе»
SUPPORTED = 5  # only where the text names the place in full or one of its cities: «РБ», «Корея»


OWN = 2


class Place(NamedTuple):
    """`parent` is an index in the list of places, -1 for none: a city's subject or country, a subject's Россия.

    `home`: among places of one name the highest wins: OWN is a newsroom's own place, 1 lies in its home region.
    """

    id: str
    label: str
    level: Level
    parent: int = -1
    population: int = 0
    home: int = 0


class Phrase(NamedTuple):
    """What serving knows about a phrase; its words are in the matcher under the same number."""

    kind: Kind
    place: int
    doubt: int


class Mention(NamedTuple):
    """One reading of a stretch of text; several `places` when only the whole article can tell which is meant."""

    places: tuple[int, ...]
    kind: int  # a Kind
    doubted: bool  # read by its surroundings: a homonym, or one of several places of the name
    supported: bool  # counts only where a place is named otherwise too
    word: int  # index of the first word in its part
    start: int
    end: int
    scene: int = 0  # says where an event took place: its sentence in the part from 1 on; 0 if it doesn't
