"""What stands around a stretch of text that may name a place: the words that make it one, or something else."""

from collections.abc import Iterable, Mapping

from service.inference.words import folded

_BEFORE_A_CITY = """
в во из изо под подо до около близ возле г гор город города городе городу городом городов городах
"""
_BEFORE_AN_INSTRUMENTAL = "под над перед между за с со рядом городом"
_SETTLEMENTS = """
посёлок посёлка посёлке посёлку посёлком пос п пгт село села селе селу с деревня деревни деревне деревню деревней д
микрорайон микрорайона микрорайоне мкр станица станицы станице станицу хутор хутора хуторе район района районе
"""
# what has a place in the genitive behind it, not a person: «Полиция Ржева», «жители Орла»
_OWNED_BY_A_PLACE = """
полиция полиции полицию полицией полицейские полицейских мэрия мэрии мэрию мэрией мэр мэра мэру мэром экс-мэр глава
главы главе главу главой администрация администрации администрацию администрацией власти властей властям властями
прокуратура прокуратуры прокуратуру прокурор прокурора суд суда суде судья судьи депутаты депутатов гордума гордумы
школы школ школах школьники школьников больницы больница больнице аэропорт аэропорта аэропорту вокзал вокзала
центр центра центре окраина окраине окраины пригород пригороде пригороды окрестности окрестностях район районы районах
жители жителей жителям жителями житель жителя жителю жительница жительницы жительнице жительницу уроженец уроженца
уроженка следователи следователей спасатели спасателей врачи врачей пожарные пожарных медики медиков студенты студентов
пенсионер пенсионерка пенсионеры пенсионеров чиновники чиновник коммунальщики предприниматели предприниматель бизнесмены
горожане улицах въезде выезде границе границах территории территория население населения бюджет бюджета
"""
# beginnings of words after a capitalised adjective that is the name of a street or a quarter: «Киевское шоссе»
_STREETS = """
шоссе проспект пр_т улиц ул_ вокзал площад переул бульвар набережн мост тракт магистрал район станци метро рынок рынк
канал кладбищ парк трасс ворот застав собор монастыр церк икон храм мск врем
"""
# what a city gave its name to far from itself: «Мюнхенская конференция», «минские договорённости»
_ELSEWHERE = """
договор соглаш процесс формат конференц арбитраж кинофестивал организац конвенц мир протокол консенсус битв сражен
врем мск
"""
_DISTRICTS = "городск муниципальн сельск окру сад суд областн гарнизонн"
# goods and customs that carry a place's name everywhere: «адыгейский сыр», «финская сауна», «шведский стол»
_CULTURE = (
    "язык кухн салат врем сыр масл пряни сауна сауне сауну сауны стол поцелу горк зарплат орех мультик волк роман"
)
_WATERS = """
река реки реке реку рекой рек озеро озера озере озеру гора горы горе гору вулкан вулкана крейсер ледокол теплоход танкер
"""
_TITLES = """
митрополит архиепископ епископ патриарх игумен принц принцесса герцог герцогиня граф графиня князь княгиня королева
маркиз барон
"""


def _said(words: str) -> list[bytes]:
    """As they stand in a folded text, which has one byte for each character; `_` for a mark inside."""
    return [folded(word.replace("_", " ")) for word in words.split()]


def _by_beginning(stems: Iterable[bytes]) -> Mapping[bytes, tuple[bytes, ...]]:
    """First two letters -> stems: one look-up instead of thirty comparisons."""
    found: dict[bytes, list[bytes]] = {}
    for stem in stems:
        found.setdefault(stem[:2], []).append(stem)
    return {letters: tuple(group) for letters, group in found.items()}


BEFORE_A_CITY = frozenset(_said(_BEFORE_A_CITY))
BEFORE_AN_INSTRUMENTAL = frozenset(_said(_BEFORE_AN_INSTRUMENTAL))
SETTLEMENTS = frozenset(_said(_SETTLEMENTS))
OWNED_BY_A_PLACE = frozenset(_said(_OWNED_BY_A_PLACE))
WATERS, TITLES = frozenset(_said(_WATERS)), frozenset(_said(_TITLES))
STREETS = _by_beginning(_said(_STREETS))
ELSEWHERE = _by_beginning(_said(_ELSEWHERE + _CULTURE))
CULTURE = _by_beginning(_said(_CULTURE))
DISTRICTS = _by_beginning(_said(_STREETS + _DISTRICTS))
ABBREVIATED = frozenset(_said("г гор п пос с д"))  # with a full stop before the name
SENTENCE_ENDS = frozenset(".!?…\n:;•")
OPENING = ' \xa0«"“„—–-('
PAST = tuple(_said("л ла ли лся лась лись"))
SPACE = 32


def opens_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start].rstrip(OPENING)
    return (not before and start < len(OPENING)) or before[-1:] in SENTENCE_ENDS


def names_goods(folded_text: bytes, end: int, level: str) -> bool:
    """Whether an adjective that ends here is of what carries its name everywhere: «финская сауна»."""
    stems = (ELSEWHERE if level == "city" else CULTURE).get(folded_text[end + 1 : end + 3])
    return stems is not None and folded_text.startswith(stems, end + 1)


class Surroundings:
    """One stretch of words; everything about it is worked out only when a rule asks."""

    __slots__ = ("before_hit", "capital", "end", "folded", "in_list", "list_start", "start", "text")

    def __init__(self, text: str, folded: bytes, start: int, end: int, list_start: int, before_hit: bool) -> None:
        """`folded` is the text as words are cut from it; `list_start` is where the list of places that this stretch
        continues starts, or `start`; `before_hit` tells that another name follows at once."""
        self.text, self.folded, self.start, self.end = text, folded, start, end
        self.capital = text[start].isupper()
        self.list_start, self.in_list, self.before_hit = list_start, list_start != start, before_hit

    def previous(self, start: int = -1) -> bytes:
        """The word before when only a space, or «г.» and a space, stand between; else nothing."""
        start = self.start if start < 0 else start
        text, end = self.text, start - 1
        if start < 2 or self.folded[end] != SPACE:
            return b""
        stop = text[end] == "."
        if not stop:
            if text[end] != " ":
                return b""
            if text[end - 1] == ".":
                end, stop = end - 1, True
        word = self.folded[self.folded.rfind(b" ", 0, end) + 1 : end]
        return word if not stop or word in ABBREVIATED else b""

    def following(self) -> int:
        """Where the next word starts if only a space stands between, else -1."""
        end, folded = self.end, self.folded
        return end + 1 if end + 1 < len(folded) and self.text[end] == " " and folded[end + 1] != SPACE else -1

    def placed(self, own: bool) -> bool:
        """A preposition or «город» puts it, or its list, in space; a newsroom's own place «посёлок» does too."""
        word = self.previous(self.list_start)
        return word in BEFORE_A_CITY or (own and word in SETTLEMENTS)

    def owned(self, nominative: str) -> bool:
        """«Полиция Ржева», «жители Орла», not «мэр Владимир»."""
        return self.previous(self.list_start) in OWNED_BY_A_PLACE and self.text[self.start : self.end] != nominative

    def opens_sentence(self) -> bool:
        return opens_sentence(self.text, self.start)

    def ends_capital(self) -> bool:
        """Whether the last word does start with a capital."""
        return self.text[self.folded.rfind(b" ", 0, self.end) + 1].isupper()

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
        return not self.before_hit and self.text[self.end : self.end + 1] == " " and self._capital_at(self.end + 1)

    def before_a_quarter(self) -> bool:
        """What looks like a city is the adjective of a district: «в Октябрьском районе»."""
        return self._begins(self.end + 1, DISTRICTS)

    def is_adjective(self, level: str) -> bool:
        """«Тульский», not the Киевский вокзал, a street or Игорь Волжский."""
        text, end, country = self.text, self.end, level == "country"
        if text[end : end + 1] == " ":
            if names_goods(self.folded, end, level):
                return False
            if self.capital and self._begins(end + 1, STREETS) and not (country and self.opens_sentence()):
                return False
        if not self.capital:
            return True
        word = self.previous()
        if word and not self._is_of_noun(word, country):
            return False
        return country or (text[end : end + 1] in (" ", "-", ",") and not self._capital_at(end + 1))

    def _is_of_noun(self, word: bytes, country: bool) -> bool:
        """Not a name because of the word before: «улица Тверская», «митрополит Тверской», «Игорь Волжский»."""
        begin = self.start - 1 - len(word)
        if word in TITLES or self._begins(begin, STREETS):
            return False
        if self._capital_at(begin) and not self.text[begin : self.start - 1].isupper():
            if not opens_sentence(self.text, begin):
                return country or self.in_list
            return not self._before_a_predicate()  # «Александр Минский написал»
        return True

    def _before_a_predicate(self) -> bool:
        """An adjective agrees with a noun behind it; a name has the verb there."""
        begin = self.following()
        if begin < 0:
            return False
        end = self.folded.find(b" ", begin)
        return self.folded.endswith(PAST, begin, end if end >= 0 else len(self.folded))

    def _begins(self, at: int, stems: Mapping[bytes, tuple[bytes, ...]]) -> bool:
        found = stems.get(self.folded[at : at + 2])
        return found is not None and self.folded.startswith(found, at)

    def _capital_at(self, at: int) -> bool:
        return self.text[at : at + 1].isupper()
