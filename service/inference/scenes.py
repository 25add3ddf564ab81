"""Where an event took place: the adverbial of place beside a word of an event, in the title and the lead.

«Житель Твери погиб под Калугой»: only «под Калугой» says where. Each rule is a cue around the mention: its preposition
and case, the noun that it depends on (центр, аэропорт; not суд, больница), the clause and what it tells of.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from service.inference.places import Kind, Mention
from service.inference.words import folded

LEAD_WORDS = 45  # of a part are read
MODIFIERS = 4  # words between the preposition and the place: «в [старом жилом доме] Казани»
HAPPENS, JUDGES = 0, 1  # classes of event words: what happens; what a court does about it
NOWHERE = -1
ADJECTIVE = int(Kind.ADJECTIVE)

Event = tuple[int, int]  # index of the word in its part, class

MARK = re.compile(r"[,;:!?…\n().–—-]")
DASHES = "–—-"
SENTENCE_ENDS = frozenset(".!?…\n")
SAME_PLACE = frozenset({", ", " и ", " или ", " (", " "})  # between two names in one adverbial

_SCENERY = """
берег побереж границ город сел деревн посел станиц станци аэропорт въезд выезд стен пригород окрестност ворот
"""
# beginnings of nouns and verbs that take the place for themselves: where somebody is taken, serves, judges, speaks
_TAKERS = """
суд присяжн больниц госпитал клиник ожогов реанимац посольств консульств колони сизо тюрьм лечени управлени главк
главке правительств министерств минист ведомств прокуратур генпрокуратур полиц администрац мэри пресс следствен
следком следователь штаб оперштаб парламент госдум совет сторон направл счет университет вуз прожива живущ
зарегистриров родил родом номер флаг минздрав миноборон минобр минюст минфин минтранс жител уроженц граждан сборн
сообщ рассказ заяв объясн уточн подтверд прокоммент отметил добавил доложил опроверг
скрыва прячет прята бежа сбежа улет вылет прилет прибы следова следую летел летевш лечу ехал ехавш уехал достав
отправ перевез перевед эвакуир этапир госпитализ экстрадир отвез увез депортир вернул возвраща переезд переех
первый первая первое первую первой первым впервые самый самая самое самую самой единствен крупнейш
"""
_TELLERS = "сообщ рассказ заяв объясн уточн подтверд прокоммент отметил добавил опроверг назвал прост"
_MOVERS = """
скрыва бежа сбежа улет вылет прилет прибы направл следова следую летел летевш ехал ехавш уехал достав отправ перевез
эвакуир этапир экстрадир отвез увез депортир вернул возвраща переех
"""
_WAYS = "выезд въезд отъезд километр подъезд"


def _said(words: str) -> tuple[bytes, ...]:
    """As they stand in a folded text."""
    return tuple(map(folded, words.split()))


IN, NEAR = frozenset(_said("в во на")), frozenset(_said("под подо около возле близ вблизи у между"))
FAR_FROM, FROM = folded("от"), frozenset(_said("из от с"))
AWAY = frozenset(_said("неподалёку недалеко вблизи"))
SCENERY, TAKERS, TELLERS, MOVERS, WAYS = map(_said, (_SCENERY, _TAKERS, _TELLERS, _MOVERS, _WAYS))
EARLIER = frozenset(_said("ранее раньше напомним прежде"))
GATHERINGS = frozenset(_said("тц трц снт азс дтп тэц гэс тэс аэс гок жк днт"))  # capitals that are no office
CITY_WORDS = frozenset(_said("города села деревни посёлка"))
LOCATIVE_IN_U = frozenset(_said("крыму клину бору баку орлу"))
U = folded("у")
LOCATIVE = _said("е и о ах ях ом ем ым им ых их ой ей у э")
UNCERTAIN = _said("о и е э")  # the accusative may look the same: «в Сочи», «в Кемерово», «в Приморье»
WHERE, ROUTE = (", где",), (" – ", " — ", " - ")
GAPS = frozenset({" ", "\xa0", ". ", ".\xa0"})


def with_scenes(
    text: str, folded_text: bytes, mentions: Sequence[Mention], events: Sequence[Event], edges: Sequence[int]
) -> list[Mention]:
    """The mentions; those in the lead that say where something happened get their sentence's number from 1 on.

    `edges` are where the words of the lead start and end, in turn.
    """
    return _Lead(text, folded_text, events, edges[0::2], edges[1::2]).marked(mentions)


class _Lead:
    """The first words of a part with their clauses; made only where an event is named near a place."""

    def __init__(
        self, text: str, folded_text: bytes, events: Sequence[Event], starts: Sequence[int], ends: Sequence[int]
    ) -> None:
        self.text, self.folded, self.starts, self.ends = text, folded_text, starts, ends
        self._events = events
        self._limits: tuple[list[int], list[int]] | None = None
        self._happening = {word for word, class_ in events if class_ == HAPPENS}

    def marked(self, mentions: Sequence[Mention]) -> list[Mention]:
        found = list(mentions)
        before: Mention | None = None
        for number, mention in enumerate(mentions):
            if mention.word >= LEAD_WORDS:
                break
            if before is not None and self.text[before.end : mention.start] in SAME_PLACE:  # «в Орле и Туле»
                found[number] = before = mention._replace(scene=before.scene)
                continue
            preposition = self._preposition(mention)
            sentence = NOWHERE if preposition == NOWHERE else self._sentence_told(mention, preposition)
            before = None if sentence == NOWHERE else mention._replace(scene=sentence + 1)
            if before:
                found[number] = before
        return found

    def _sentence_told(self, mention: Mention, preposition: int) -> int:
        """The number of the mention's sentence if its clause, or all of it that the place opens, tells of an event."""
        clauses, sentences = self._boundaries()
        sentence, clause = bisect_right(sentences, mention.start), bisect_right(clauses, mention.start)
        of_event = {bisect_right(clauses, self.starts[word]) for word in self._happening}
        opening = bisect_right(self.starts, sentences[sentence - 1]) if sentence else 0
        if self._word(opening) in EARLIER:
            return NOWHERE
        if clause in of_event or (self._is_followed_by(mention, WHERE) and clause + 1 in of_event):
            return sentence  # «склад в Люберцах, где погибли двое»
        if preposition == opening and any(
            bisect_right(sentences, self.starts[word]) == sentence for word in self._happening
        ):
            judged = any(bisect_right(clauses, self.starts[word]) == clause for word, _ in self._events)
            return NOWHERE if judged else sentence
        return NOWHERE

    def _boundaries(self) -> tuple[list[int], list[int]]:
        """Where clauses end, and where sentences do."""
        if self._limits is None:
            text, clauses, sentences = self.text, [], []
            for found in MARK.finditer(text, 0, self.ends[-1]):
                at = found.start()
                mark = text[at]
                if mark in DASHES and text[at - 1 : at + 2 : 2] != "  ":
                    continue  # a hyphen
                if mark == "." and not (text[at + 1 : at + 2].isspace() and text[at + 2 : at + 3].isupper()):
                    continue  # «г.»
                clauses.append(at)
                if mark in SENTENCE_ENDS:
                    sentences.append(at)
            self._limits = clauses, sentences
        return self._limits

    def _preposition(self, mention: Mention) -> int:
        """The word that puts the mention in space as the scene of something; NOWHERE if none does."""
        first = mention.word
        if self._is_followed_by(mention, ROUTE):  # «на трассе Москва – Минск»
            return NOWHERE
        for word in range(first - 1, max(-1, first - MODIFIERS - 2), -1):
            if self.text[self.ends[word] : self.starts[word + 1]] not in GAPS:
                break
            said = self._word(word)
            if said in IN:
                return word if self._is_inside(mention, word) and self._is_free(mention, word) else NOWHERE
            if said in NEAR:
                near = word + 1 == first or self._word(word + 1).startswith(SCENERY)
                return word if near and self._is_free(mention, word) else NOWHERE
            if said == FAR_FROM and word and self._word(word - 1) in AWAY:
                return word - 1
            if said in FROM:  # «на выезде из Пензы»
                way = word > 1 and self._word(word - 1).startswith(WAYS) and self._word(word - 2) in IN
                return word - 2 if way else NOWHERE
        named = first - 2 if self._word(first - 1) in CITY_WORDS else first - 1  # «обстрел города Шебекино»
        return named if named in self._happening and mention.kind < ADJECTIVE else NOWHERE

    def _is_inside(self, mention: Mention, preposition: int) -> bool:
        """«в Туле», «в центре Тулы»; not «в Тулу», «в суд Тулы», «на жителя Тулы»."""
        if preposition + 1 == mention.word:
            return not self._is_direction(mention, preposition) or self._is_followed_by(mention, WHERE)
        if mention.kind == ADJECTIVE:
            return False
        for word in range(preposition + 1, mention.word):
            said = self._word(word)
            if said.startswith(TAKERS):
                return False
            if said not in GATHERINGS and self.text[self.starts[word] : self.ends[word]].isupper():
                return False  # «в ГУ МЧС Тульской области»
        return said.endswith(LOCATIVE) or said in GATHERINGS

    def _is_direction(self, mention: Mention, preposition: int) -> bool:
        """Whether the case is the accusative: by the endings of the first word, and of the second of two."""
        said = self.text[mention.start : mention.end]
        if said.isupper() and not self.text[: mention.start].isupper():
            return self._after(preposition, MOVERS)
        words = self.folded[mention.start : mention.end].split()
        told = [word for word in (words if len(words) == 2 else words[:1]) if word.endswith(LOCATIVE)]
        told = [word for word in told if not word.endswith(U) or word in LOCATIVE_IN_U]
        if not told:
            return True
        return all(word.endswith(UNCERTAIN) for word in told) and self._after(preposition, MOVERS)

    def _is_free(self, mention: Mention, preposition: int) -> bool:
        """No office, hospital or verb of speech or motion beside it takes the place for itself."""
        if self._is_followed_by(mention, WHERE):
            return True
        if self._after(preposition, TAKERS):
            return False
        if self.text[mention.end : mention.end + 1] == " ":
            return not self.folded.startswith(TAKERS if mention.kind == ADJECTIVE else TELLERS, mention.end + 1)
        return True

    def _is_followed_by(self, mention: Mention, beginnings: tuple[str, ...]) -> bool:
        return self.text.startswith(beginnings, mention.end)

    def _after(self, word: int, stems: tuple[bytes, ...]) -> bool:
        """Whether one of the two words before starts with a stem, in the same clause."""
        for before in (word - 1, word - 2):
            if before < 0 or self.text[self.ends[before] : self.starts[before + 1]] not in GAPS:
                return False
            if self._word(before).startswith(stems) and before not in self._happening:
                return True
        return False

    def _word(self, number: int) -> bytes:
        return self.folded[self.starts[number] : self.ends[number]] if 0 <= number < len(self.starts) else b""
