"""Hits of the phrase matcher -> mentions of places: the rules that read one stretch of Russian text.

Every rule here answers a class of false places seen in news: Vladimir the man, «Московский комсомолец», Киевское шоссе.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.phrases import Hit
from service.inference.places import CLEAR, INSTRUMENTAL, OWN, SUPPORTED, WORDLIKE, Kind, Mention, Phrase, Place
from service.inference.scenes import LEAD_WORDS, Event, with_scenes
from service.inference.surroundings import BEFORE_AN_INSTRUMENTAL, WATERS, Surroundings, names_goods
from service.inference.words import folded as folded_words

NAME, ALIAS, ABBREVIATION, ADJECTIVE, DEMONYM, BLOCK, EVENT = (int(kind) for kind in Kind)  # comparing enums is slow

COMMON_HEADS = tuple(map(folded_words, ("област", "кра", "республ", "округ")))
QUOTED = re.compile(r"[\"“„]([^\"“”„\n]{2,50})[\"”“]")
NAMED_WORDS = 5  # a quotation of more words is somebody's speech, not the name of a firm or a paper
FEWEST_GAPS_OF_SPEECH = 2  # «Онега», – говорится in the text of a ship
LONGEST_NAME = 51  # characters between the quotation marks
SPEECH_GOES_ON = (", –", ", —", ", -")
LIST_GAPS = frozenset({", ", " и ", " или ", " - ", " – ", " — ", "-", "–", "—", "/"})
WIDEST_GAP = max(map(len, LIST_GAPS))
BEFORE_A_COMPOUND, COMPOUND = frozenset("-_@#"), frozenset("-_")
BROKEN = re.compile(r"[,;:!?\n«»\"]|\. ")


Stretch = tuple[int, int, tuple[int, ...]]  # first word, end, the phrases of exactly these words


class Reader:
    """Reads one part of an article (title or body) at a time; holds no state between calls."""

    def __init__(self, places: Sequence[Place], phrases: Sequence[Phrase]) -> None:
        # plain lists by phrase number: attribute access on records costs a third of the time here
        self._kinds = [int(phrase.kind) for phrase in phrases]
        self._class_of_event = {i: phrase.doubt for i, phrase in enumerate(phrases) if phrase.kind == EVENT}
        self._places = [phrase.place for phrase in phrases]
        self._doubts = [phrase.doubt for phrase in phrases]
        self._levels = ["" if phrase.place < 0 else places[phrase.place].level for phrase in phrases]
        self._own = [phrase.place >= 0 and places[phrase.place].home == OWN for phrase in phrases]
        # the first fields of a mention that one phrase makes
        self._told = [
            ((phrase.place,), int(phrase.kind), phrase.doubt != CLEAR, phrase.doubt == SUPPORTED) for phrase in phrases
        ]
        # names that a capital letter makes a place: only the characters beside them have to be looked at
        self._plain = [phrase.kind <= ALIAS and phrase.doubt == CLEAR for phrase in phrases]
        self._nominatives = ["" if phrase.place < 0 else places[phrase.place].label for phrase in phrases]

    def find(self, text: str, folded: bytes, hits: Sequence[Hit], edges: NDArray[np.integer]) -> list[Mention]:
        """Mentions in order of position, not overlapping: of the hits at one word the longest that reads as a place.

        `folded` is the text as words are cut from it: one byte for each character; `edges` is where words start and
        end, in turn.
        """
        events, stretches = self._stretches(hits)
        if not stretches:
            return []
        wanted = [2 * one[0] for one in stretches]
        wanted += [2 * one[1] - 1 for one in stretches]
        positions = edges.take(wanted).tolist()
        mentions = self._read(text, folded, stretches, positions)
        if events and mentions and mentions[0].word < LEAD_WORDS:
            return with_scenes(text, folded, mentions, events, edges[: 2 * LEAD_WORDS].tolist())
        return mentions

    def _stretches(self, hits: Sequence[Hit]) -> tuple[list[Event], list[Stretch]]:
        """The lead's words of events; and what may be places, in order, of those at one word the longest first."""
        class_of = self._class_of_event
        events: list[Event] = []
        found: list[Stretch] = []
        before, its_end = -1, 0  # the last stretch
        for hit in hits:
            first, last, phrase = hit
            if phrase in class_of:
                if first < LEAD_WORDS:
                    events.append((first, class_of[phrase]))
                continue
            if first > before or (first == before and last < its_end):
                found.append((first, last, (phrase,)))
            elif first == before and last == its_end:
                found[-1] = (first, last, (*found[-1][2], phrase))
            else:  # the matcher goes along one path after the other
                return self._events(hits), self._sorted(hits)
            before, its_end = first, last
        return events, found

    def _events(self, hits: Sequence[Hit]) -> list[Event]:
        class_of = self._class_of_event
        return [(first, class_of[phrase]) for first, _, phrase in hits if phrase in class_of and first < LEAD_WORDS]

    def _sorted(self, hits: Sequence[Hit]) -> list[Stretch]:
        groups: dict[tuple[int, int], list[int]] = {}
        for first, last, phrase in hits:
            if phrase not in self._class_of_event:
                groups.setdefault((first, -last), []).append(phrase)
        return [(first, -last, tuple(groups[first, last])) for first, last in sorted(groups)]

    def _read(self, text: str, folded: bytes, stretches: Sequence[Stretch], positions: Sequence[int]) -> list[Mention]:
        """`positions`: where each stretch starts, then where each ends."""
        kinds, plain = self._kinds, self._plain
        mentions: list[Mention] = []
        guillemets, straight = "«" in text, '"' in text or "“" in text
        count = len(stretches)
        free = 0  # the first word that no mention has taken
        past = refused = -WIDEST_GAP - 1  # where the last place ended, and the last adjective that was none
        list_start = 0  # where the list of places starts
        for number, (first, last, group) in enumerate(stretches):
            if first < free:
                continue
            start, end = positions[number], positions[count + number]
            one = group[0]
            short = last - first == 1 == len(group)  # one word that may be one place
            capital = text[start].isupper()
            if not capital and len(group) == 1 and kinds[one] <= ABBREVIATION:
                continue
            if last - first > 1 and BROKEN.search(text, start, end):
                continue
            in_list = start - past <= WIDEST_GAP and text[past:start] in LIST_GAPS
            if not in_list:
                list_start = start
            before_hit = number + 1 < count and stretches[number + 1][0] == last
            read: Sequence[int] = group
            if short and plain[one]:
                if not _stands_alone(text, folded, start, end, in_list, before_hit):
                    continue
            elif short and not capital and kinds[one] == ADJECTIVE:
                if names_goods(folded, end, self._levels[one]):
                    continue
            else:
                near = Surroundings(text, folded, start, end, list_start, before_hit)
                read = self._meant(group, near, last - first > 1)
                if not read or (capital and start - refused <= WIDEST_GAP and text[refused:start] in LIST_GAPS):
                    refused = end if kinds[one] == ADJECTIVE else refused  # «на Тверской и Калужской улицах»
                    continue
            free = last
            if (
                kinds[read[0]] == BLOCK
                or (guillemets and _in_guillemets(text, start, end))
                or (straight and _in_straight_marks(text, start, end))
            ):
                continue
            mentions.append(self._mention(read, first, start, end))
            past = end
            if in_list and last - first > 1 and folded.startswith(COMMON_HEADS, folded.rfind(b" ", 0, end) + 1):
                _share_the_head(mentions, text)
        return mentions

    def _meant(self, group: Sequence[int], near: Surroundings, several_words: bool) -> Sequence[int]:
        """Of several phrases of the same words those that are read here; a block alone."""
        if len(group) == 1:
            return group if self._reads(group[0], near, several_words) else ()
        read = [phrase for phrase in group if self._reads(phrase, near, several_words)]
        if len(read) < 2:
            return read
        if own := [phrase for phrase in read if self._own[phrase]]:  # a newsroom's «Советский район» is no block
            return [*own, *(phrase for phrase in read if self._levels[phrase] and phrase not in own)]
        blocks = [phrase for phrase in read if self._kinds[phrase] == BLOCK]
        # «под Смоленском» is the city, though the word is the oblast's adjective as well
        return blocks or [phrase for phrase in read if self._doubts[phrase] == INSTRUMENTAL] or read

    def _mention(self, read: Sequence[int], first: int, start: int, end: int) -> Mention:
        if len(read) == 1:
            return Mention(*self._told[read[0]], first, start, end)
        places = tuple({self._places[phrase]: None for phrase in read})
        kind = min(self._kinds[phrase] for phrase in read)
        doubt = min(self._doubts[phrase] for phrase in read)
        return Mention(places, kind, doubt != CLEAR or len(places) > 1, doubt == SUPPORTED, first, start, end)

    def _reads(self, phrase: int, near: Surroundings, several_words: bool) -> bool:
        kind, doubt, level = self._kinds[phrase], self._doubts[phrase], self._levels[phrase]
        if kind == ADJECTIVE:
            return near.is_adjective(level)
        if kind == BLOCK:
            return True
        if kind == DEMONYM:  # «Чехов» at the head of a sentence is the writer
            return not near.capital or (doubt == CLEAR and near.opens_sentence())
        if not near.capital or near.is_part_of_compound():
            return False
        if kind == ABBREVIATION and not near.is_abbreviation():
            return False
        if level == "city":
            if several_words and not near.ends_capital():
                return False  # «сосновый бор», «минеральные воды» at the head of a sentence
            if near.previous() in WATERS:
                return False
        if doubt in (CLEAR, SUPPORTED):
            return True
        if doubt == WORDLIKE:
            return (not near.opens_sentence() or near.placed(self._own[phrase])) and not near.before_a_name()
        if near.before_a_quarter():
            return False
        if doubt == INSTRUMENTAL:
            return near.in_list or near.previous() in BEFORE_AN_INSTRUMENTAL
        placed = near.placed(self._own[phrase]) or near.owned(self._nominatives[phrase])
        return placed and not near.before_a_name()


def _stands_alone(text: str, folded: bytes, start: int, end: int, in_list: bool, before_hit: bool) -> bool:
    """A sure name is a place unless it is part of a compound («Спартак-Москва», «Россия-24») or a river."""
    if start and text[start - 1] in BEFORE_A_COMPOUND and not in_list:
        return False
    if end < len(text) and text[end] in COMPOUND and not before_hit and (after := text[end + 1 : end + 2]):
        return not (after.isupper() or after.isdigit())
    return start < 2 or text[start - 1] != " " or folded[folded.rfind(b" ", 0, start - 1) + 1 : start - 1] not in WATERS


def _in_guillemets(text: str, start: int, end: int) -> bool:
    """Short capitalised quotations are firms, papers, teams; a place inside one is part of a name."""
    opened = text.rfind("«", start - LONGEST_NAME if start > LONGEST_NAME else 0, start)
    if opened < 0 or text.find("»", opened, start) >= 0:
        return False
    closed = text.find("»", end, opened + LONGEST_NAME + 1)
    return closed >= 0 and text.find("«", end, closed) < 0 and _is_a_name(text, opened, closed)


def _in_straight_marks(text: str, start: int, end: int) -> bool:
    """The same where marks look alike at both ends: only counting from the first tells which opens."""
    before = text[start - LONGEST_NAME if start > LONGEST_NAME else 0 : start]
    if '"' not in before and "“" not in before and "„" not in before:
        return False
    return any(
        found.start() < start and end < found.end() and _is_a_name(text, found.start(), found.end() - 1)
        for found in QUOTED.finditer(text)
    )


def _is_a_name(text: str, opened: int, closed: int) -> bool:
    gaps = text.count(" ", opened, closed)
    if not text[opened + 1].isupper() or gaps >= NAMED_WORDS or "\n" in text[opened:closed]:
        return False
    # «Тверь ждёт гостей», – сказал он
    is_speech = (
        text[closed - 1] in ".!?…," or text.startswith(SPEECH_GOES_ON, closed + 1) or text.endswith(": ", 0, opened)
    )
    return not (is_speech and gaps >= FEWEST_GAPS_OF_SPEECH)


def _share_the_head(mentions: list[Mention], text: str) -> None:
    """«Тульской и Тверской областях»: adjectives listed before the head name their regions as fully as the last."""
    at = len(mentions) - 2
    while at >= 0 and text[mentions[at].end : mentions[at + 1].start] in LIST_GAPS and mentions[at].kind == ADJECTIVE:
        mentions[at] = mentions[at]._replace(kind=NAME)
        at -= 1
