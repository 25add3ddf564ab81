"""Marks of foreign agents and banned organisations, told from news about the same laws.

«Минюст внёс его в реестр иноагентов» is an event and stays, «Иванов (внесён в реестр иноагентов)» carries a mark. So
marks are looked for where they stand: in brackets, after an asterisk, as a sentence of their own or set off in the
middle of one. Only «признан иноагентом» is taken for a mark everywhere but in a title: it nearly always is one.

Everything starts from a rare stem and looks a bounded way around it, so that any text takes linear time.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from service.inference.passage import Span

AGENT, BANNED = "foreign_agent", "banned_organisation"


class Mark(NamedTuple):
    start: int
    end: int
    kind: str


_MOST_VAIN = 300  # traces of a text that lead to no mark: an article has a dozen, and each costs up to a millisecond


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("".join(parts), re.IGNORECASE)


_RUSSIA = r"(?:РФ(?![^\W_])|Росси[ия]\b|Российской\s+Федерации|(?:нашей|этой)\s+стране|стране\b)"
_IN_RUSSIA = rf"(?:(?:в|на\s+территории)\s+{_RUSSIA})"
_FOREIGN_AGENT = r"(?:ино-?агент\w*|иностранн\w+\s+агент\w*|«?иноагент\w*»?)"
_EXTREMIST = r"(?:экстремистск\w++|террористическ\w++|нежелательн\w++)"
_FORBIDDEN = r"запрещ[её]н\w*+"
_ORGANISATION = r"(?:организаци|группировк|движени|объединени|сообществ|соцсет|социальн\w+\s+сет|компани|сети\b|сеть\b)"
_LISTED = r"(?:признан|вн[её]с[её]н|включ[её]н|объявлен|причисл[её]н|занес[её]н)\w*+"

_LISTED_BY = rf"(?:{_LISTED}|(?:признал|включил|объявил)[аи]?\b|вн[её]с(?:л[аи])?\b)"

_PARTICIPLE = r"(?:вн[её]с[её]нн|включ[её]нн|объявленн)\w+"

# What makes a bracket, a footnote or a sentence of its own a mark.
_SAYS_AGENT = _pattern(
    rf"{_LISTED_BY}[^.;\n]{{0,90}}?{_FOREIGN_AGENT}|функци\w+\s+{_FOREIGN_AGENT}|реестр\w*[^.;\n]{{0,40}}?{_FOREIGN_AGENT}",
    rf"|(?:СМИ|лиц\w|статус\w*|издани\w|организаци\w|проект\w?|явля\w+)[\s,–—-]{{1,3}}{_FOREIGN_AGENT}",
    rf"|^\W*(?:{_IN_RUSSIA}\W+)?{_FOREIGN_AGENT}(?:\W+{_IN_RUSSIA})?\W*$",
)
_SAYS_BANNED = _pattern(
    rf"{_FORBIDDEN}\W+(?:\w+\W+){{0,5}}?{_IN_RUSSIA}|{_IN_RUSSIA}\W+(?:\w+\W+){{0,4}}?{_FORBIDDEN}",
    rf"|{_LISTED_BY}[^.;\n]{{0,90}}?(?:{_EXTREMIST}|террорист\w*|экстремист\w*)",
    rf"|перечень\s+(?:террорист|экстремист|нежелательн)|^\W*(?:{_EXTREMIST}\W+){{1,2}}{_ORGANISATION}",
    rf"|^\W*{_FORBIDDEN}\W*$|{_ORGANISATION}\w*\s+{_FORBIDDEN}|деятельность\s+(?:\w+\W+){{0,4}}?{_FORBIDDEN}",
)
_GOES_ALONG = _pattern(r"^\W*(?:принадлеж|владел|вход(?:ит|ят)\s+в|прим(?:\.|ечани)|террористическ|экстремистск)")
_LEGAL_OPENING = _pattern(
    rf"\((?:также|ранее|был[аои]?|оба|обе|все|{_IN_RUSSIA}|\W)*(?:{_LISTED}|{_FORBIDDEN}|{_FOREIGN_AGENT}|{_EXTREMIST}|{_ORGANISATION}",
    r"|в\s+реестр|принадлеж|деятельность|СМИ\b|НКО\b|физ|юр|лицо)",
)

# A word of the law anywhere: where to look around for a mark. For text in lower case, and each way begins with a letter
# of its own: so `re` looks for these letters first, which takes a third of the time.
_TRACE = re.compile(
    r"ино-?агент\w*|иностранн\w+\s+агент\w*|«иноагент\w*»?|запрещ[её]н\w*+|экстремистск\w++|террористическ\w++"
    r"|нежелательн\w++|террорист|экстремист"
)
_CASELESS_TRACE = _pattern(_TRACE.pattern)

# Marks in the running sentence: participles set off by commas or put before the name. Before each, what has to be there
# in lower case: the patterns try every character, some 30 µs a window.
_IN_SENTENCE: tuple[tuple[tuple[str, ...], str, re.Pattern[str]], ...] = (
    (("-иноагент", "–иноагент"), AGENT, _pattern(r"[-–]иноагент(?:ка|ки|ке|ку|а|у|ом|е|ы)?(?=\s+[«\"]?(?-i:[А-ЯЁ]))")),
    (
        ("агент",),
        AGENT,
        _pattern(rf"\b(?:признан\w*|{_PARTICIPLE})\s+(?:\w+\s+){{0,4}}?{_FOREIGN_AGENT}(?:\s+{_IN_RUSSIA})?"),
    ),
    (
        ("агент",),
        AGENT,
        _pattern(rf"(?:(?<=, )|(?<=[–—] )){_LISTED}\s+(?:\w+\s+){{0,4}}?{_FOREIGN_AGENT}(?:\s+{_IN_RUSSIA})?"),
    ),
    (("выполняющ",), AGENT, _pattern(rf"\bвыполняющ\w+\s+функци\w+\s+{_FOREIGN_AGENT}")),
    (
        ("признанн", "запрещенн", "запрещённ"),
        BANNED,
        _pattern(
            rf"\bпризнанн\w+\s+(?:{_IN_RUSSIA}\s+)?{_EXTREMIST}(?:\s+организаци\w+)?(?:\s+и\s+запрещ[её]нн\w+)?",
            rf"(?:\s+{_IN_RUSSIA})?|\bзапрещ[её]нн\w+\s+{_IN_RUSSIA}(?=[^.\n]{{0,40}}?(?:{_ORGANISATION}|{_EXTREMIST}|[«\"]))",
            r"|(?:(?<=[»\"*], )|(?<=(?:организаци|группировк)[ийюе], )|(?<=организаций, )|(?<=группировок, ))",
            rf"запрещ[её]нн\w+\s+{_IN_RUSSIA}",
            rf"|\bзапрещ[её]нн\w+\s+{_IN_RUSSIA}(?:\s+(?:{_EXTREMIST}\s+)?(?:организаци|группировк)\w+)",
        ),
    ),
)
# In a title only what is set off by a comma or dash: «Певец признан иноагентом» is the news itself.
_SET_OFF = re.compile(r"[,–—*-]\s*.?$|[-–]$")

_DISCLAIMER = _pattern(
    r"\W{0,5}(?:настоящ|данн)\w+\s+(?:материал|сообщени|информаци)\w*[^\n]{0,120}?(?:произвед|созда|распростран)[^\n]{0,300}?",
    r"иностранн\w+\s+(?:агент|средств)\w*[^\n]{0,400}",
)

# A stem of the law, and what must stand near it, so that no «агентство» or «признан лучшим» is looked at closely.
NEEDED: dict[str, tuple[str, ...]] = {
    "агент": ("ноагент", "но-агент", "остранн"),
    "АГЕНТ": ("ИНОАГЕНТ", "ИНОСТРАНН"),
    "апрещ": ("РФ", "Росси", "стране", "организац", "*"),
    "признан": ("агент", "кстремис", "еррорис", "желательн"),
    "перечен": ("кстремис", "еррорис", "желательн"),
    "желательн": ("организац",),
    "террористов": ("несен", "несён", "ключен", "ключён"),
}
STEMS = tuple(NEEDED)


def legal_marks(text: str, title: bool) -> list[Mark]:
    """Marks of foreign agents and banned organisations."""
    found: list[Mark] = []
    vain = 0
    for start, end in _windows(text):
        line = text.rfind("\n", 0, start) + 1
        while 0 <= line < end:
            if disclaimer := _DISCLAIMER.match(text, line):
                found.append(Mark(*disclaimer.span(), AGENT))
            line = text.find("\n", line, end) + 1 or end
        reached = start
        lower = text[start:end].lower()
        for trace_start, trace_end in _traces(text, start, end, lower):
            if trace_start >= reached and vain < _MOST_VAIN:
                vain += 1
                for mark in _around(text, trace_start, trace_end):
                    found.append(mark)
                    reached = mark.end
                    vain -= 1
        for needed, kind, pattern in _IN_SENTENCE:
            if any(map(lower.__contains__, needed)):
                found += [
                    Mark(*match.span(), kind)
                    for match in pattern.finditer(text, start, end)
                    if not title or _SET_OFF.search(text, max(0, match.start() - 3), match.start() + 1)
                ]
    return found


def _traces(text: str, start: int, end: int, lower: str) -> Iterator[Span]:
    """Words of the law in a window; `lower` is the window in lower case."""
    if len(lower) == min(end, len(text)) - start:
        for trace in _TRACE.finditer(lower):
            yield start + trace.start(), start + trace.end()
    else:  # «İ» becomes two characters
        yield from (trace.span() for trace in _CASELESS_TRACE.finditer(text, start, end))


def _windows(text: str) -> list[Span]:
    """Where to look closely: stretches around stems of the law, in order and apart."""
    stretches = []
    for stem, needed in NEEDED.items():
        position = text.find(stem)
        while position >= 0:
            start, end = max(0, position - NEAR), position + NEAR
            near = text[start:end]
            if any(map(near.__contains__, needed)):
                stretches.append((start, end))
            position = text.find(stem, position + len(stem))
    windows: list[Span] = []
    for start, end in sorted(stretches):
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def _around(text: str, start: int, end: int) -> Iterator[Mark]:
    """Marks of the bracket, the footnote or the short sentence around a trace of the law."""
    bracket = _bracket(text, start, end)
    if bracket:
        yield from _in_bracket(text, *bracket)
        return
    for enclosing in (_footnote, _definition, _sentence):
        span = enclosing(text, start, end)
        if span and (kind := BANNED if enclosing is _definition else _kind(text[span[0] : span[1]])):
            yield Mark(*span, kind)
            return


def _kind(words: str) -> str | None:
    if _SAYS_AGENT.search(words):
        return AGENT
    return BANNED if _SAYS_BANNED.search(words) else None


NEAR = 120  # characters around a stem that a mark's own wording may take
_REACH = 250  # how far around a trace its bracket or footnote may stretch


def _bracket(text: str, start: int, end: int) -> Span | None:
    opened = text.rfind("(", max(0, start - _REACH), start)
    if opened < 0 or text.rfind(")", opened, start) > 0 or text.rfind("\n", opened, start) > 0:
        return None
    closed = text.find(")", end, end + _REACH)
    if closed < 0:
        return None
    inner = text.find("(", end, closed)  # «(организация (движение) запрещена)»: one bracket inside is let be
    if inner > 0:
        closed = text.find(")", closed + 1, closed + _REACH)
    return (opened, closed + 1) if closed > 0 else None


_CLAUSE = re.compile(r"[^,;–—]+")


def _in_bracket(text: str, opened: int, end: int) -> Iterator[Mark]:
    """The clauses of a bracket that are words of the law: of «(ИГ, запрещена в РФ)» the name stays."""
    inside = text[opened + 1 : end - 1]
    kind = _kind(inside)
    if not kind:
        return
    if _LEGAL_OPENING.match(text, opened, end):
        yield Mark(opened, end, kind)
        return
    clauses = [(found.start(), found.end(), found.group()) for found in _CLAUSE.finditer(inside)]
    legal = [bool(_kind(words) or _GOES_ALONG.search(words) or _CASELESS_TRACE.search(words)) for *_, words in clauses]
    if all(legal) or not any(legal):
        yield Mark(opened, end, kind)
        return
    for (start, stop, _), is_legal in zip(clauses, legal, strict=True):
        if is_legal:
            yield Mark(opened + 1 + start, opened + 1 + stop, kind)


_SENTENCE_END = re.compile(r"[.!?](?=\s|$|[*«А-ЯЁ])|\n|(?<=\s)[*¹²³]")
_NEXT_SENTENCE = re.compile(r"[а-яё»\")][.!?]\s+[А-ЯЁ«]")
_BOLD = re.compile(r"\*\*(?=\S)[^\n*]{1,400}\*\*")  # a messenger's markup, not a note
_STARS = "*¹²³"
_NOTE_STARS = re.compile(r"(?:^|(?<=[\s.!?_]))(?:\*{1,8}|[¹²³])(?=[\s_–—-]*[«\"]?[А-ЯЁA-Zа-яё])")


def _footnote(text: str, start: int, end: int) -> Span | None:
    """«* Организация запрещена в РФ.»: from the asterisk to the end of the sentence."""
    line = max(text.rfind("\n", max(0, start - _REACH), start) + 1, start - _REACH, 0)
    if not any(map(text[line : start + 1].__contains__, _STARS)):
        return None
    stars = max(_NOTE_STARS.finditer(text, line, start + 1), key=re.Match.start, default=None)
    if not stars or _NEXT_SENTENCE.search(text, stars.end() + 2, start):
        return None
    finish = _SENTENCE_END.search(text, end, end + 2 * _REACH)
    stop = finish.start() if finish else min(len(text), end + 2 * _REACH)
    if _BOLD.match(text, stars.start()):
        return None
    return stars.start(), stop


_DEFINITION = _pattern(
    rf"\W{{0,20}}(?:[«\"][^\n»\"]{{2,60}}[»\"]\W{{0,20}}(?:\([^()\n]{{2,40}}\)\W{{0,20}})?(?:и\s+)?){{1,5}}[–—-]\s*(?:{_EXTREMIST}\s+)?{_ORGANISATION}",
    rf"\w*,?\s*(?:деятельность\s+котор\w+\s+)?{_FORBIDDEN}[^\n.]{{0,200}}",
)


def _definition(text: str, start: int, end: int) -> Span | None:
    """«„Имярек“ — террористическая группировка, запрещённая в РФ»: a line that says what the article need not."""
    line = text.rfind("\n", max(0, start - _REACH), start) + 1
    found = _DEFINITION.match(text, line) if line or start < _REACH else None
    return found.span() if found and found.end() >= end else None


_OWN_SENTENCE = _pattern(
    rf"\W*(?:{_LISTED}|{_FORBIDDEN}|(?:деятельность\s+)?{_ORGANISATION}\w*\s+(?:{_LISTED}|{_FORBIDDEN}|{_IN_RUSSIA}))"
)


def _sentence(text: str, start: int, end: int) -> Span | None:
    """«Признан иноагентом.», «Организация запрещена в РФ.»: a sentence with nothing but the mark."""
    edges = ("\n", ". ", "! ", "? ")
    opened = max((text.rfind(edge, max(0, start - 80), start) + len(edge) for edge in edges), default=0)
    if opened <= 2 and start > 80:
        return None
    opened = opened if opened > 2 else 0
    finish = _SENTENCE_END.search(text, end, end + 120)
    stop = finish.start() if finish else len(text)
    if stop - opened > 120 or not _OWN_SENTENCE.match(text, opened, stop):
        return None
    return (opened, stop) if _BARE_MARK.fullmatch(text, opened, stop) else None


_BARE_MARK = _pattern(
    rf"\W*(?:(?:деятельность|{_ORGANISATION}\w*|{_LISTED}|{_FORBIDDEN}|{_IN_RUSSIA}|{_FOREIGN_AGENT}|{_EXTREMIST}|реестр\w*",
    r"|минюст\w*|в|и|как|на|его|её|е[её]|РФ|росси\w*|перечень|список|террорист\w*|экстремист\w*|власт\w+|решени\w+|суд\w*|по)\W+){1,14}",
)
