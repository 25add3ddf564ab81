"""Marks that the law demands of an article: recognised, listed, and no feature of it.

A mark says something about a name or about the publisher, never about the event: with it or without it the article is
the same. Every search starts from a rare word, so an article without marks pays some 10 µs, and any text linear time.
"""

import re
from collections.abc import Callable

from service.inference.legal_marks import STEMS, Mark, legal_marks

DATELINE, AGE, ADVERTISEMENT, ERID = "dateline", "age_limit", "advertisement", "erid"


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("".join(parts), re.IGNORECASE)


_ERID = _pattern(r"\berid\b\W{0,3}[a-z0-9]{5,60}\b")
_AGE_LIMIT = re.compile(r"\(?(?<![\w+.,-])(?:(?:16|18)\+(?![\w+])|(?:0|6|12)\+(?![\w+]|\s+[а-яё]))\)?")
_COMPANY = r"(?:ООО|АО|ПАО|ЗАО|ОАО|ИП|АНО|НКО|ФГУП|ГБУ|[Рр]екламодатель|erid|Erid|16\+|18\+|12\+)"
_ADVERTISEMENT = _pattern(
    r"(?:^|(?<=[\n.!?*+()])|(?<=[.!?*+)»] ))\W{0,3}на\s+правах\s+рекламы\b(?=\W{0,3}(?:\n|$|[.)*]))",
    r"|#реклама\b|\bрекламодатель\s*[:–—-][^\n]{0,200}",
    rf"|(?:^|(?<=[\n.!?*]))(?:[^\w\n]|_){{0,8}}реклама\W{{1,4}}(?-i:{_COMPANY})[^\n]{{0,200}}",
)
_ADVERTISES = ("еклам", "ЕКЛАМ")
_BEFORE, _BEHIND = 120, 500  # characters around them that «на правах рекламы» and a company's name may take
_ADVERTISEMENT_LINE = _pattern(
    r"^(?:\W|_){0,8}(?:реклама|промо|(?:партн[её]рский|рекламный|спонсорский)\s+(?:материал|пост|текст))(?:\W|_){0,8}$"
)


def marks(text: str, title: bool = False) -> list[Mark]:
    """All marks in the text but the dateline, in order, none over another."""
    found: list[Mark] = []
    for rare, stems, search in _SEARCHES:
        if rare in text and any(map(text.__contains__, stems)):
            found += search(text, title)
    return [_trimmed(text, mark) for mark in _apart(found)] if found else found


def _trimmed(text: str, mark: Mark) -> Mark:
    """Without the white space around it."""
    said = text[mark.start : mark.end]
    return Mark(mark.start + len(said) - len(said.lstrip()), mark.start + len(said.rstrip()), mark.kind)


def _apart(found: list[Mark]) -> list[Mark]:
    """In order; of two that overlap the wider one, grown to cover both."""
    found.sort(key=lambda mark: (mark.start, -mark.end))
    apart = found[:1]
    for mark in found[1:]:
        last = apart[-1]
        if mark.start >= last.end:
            apart.append(mark)
        elif mark.end > last.end:
            apart[-1] = Mark(last.start, mark.end, last.kind)
    return apart


def _places_of(text: str, *strings: str) -> list[int]:
    """Where any of the strings stands, in order."""
    found = []
    for string in strings:
        position = text.find(string)
        while position >= 0:
            found.append(position)
            position = text.find(string, position + 1)
    return sorted(found)


def _age_limits(text: str, title: bool) -> list[Mark]:
    """Only where a plus stands: looked for from every character, 8,000 words take 4 ms."""
    found: list[Mark] = []
    for plus in _places_of(text, "+"):
        tries = (_AGE_LIMIT.match(text, start) for start in range(max(0, plus - 3), plus))
        if match := next((one for one in tries if one and one.end() > plus), None):
            found.append(Mark(*match.span(), AGE))
    return found


def _simple(kind: str, pattern: re.Pattern[str]) -> Callable[[str, bool], list[Mark]]:
    return lambda text, title: [Mark(*found.span(), kind) for found in pattern.finditer(text)]


def _advertisements(text: str, title: bool) -> list[Mark]:
    windows: list[list[int]] = []  # only around the stems: 8,000 words take 18 ms
    for stem in _places_of(text, *_ADVERTISES):
        if windows and stem - _BEFORE <= windows[-1][1]:
            windows[-1][1] = stem + _BEHIND
        else:
            windows.append([max(0, stem - _BEFORE), stem + _BEHIND])
    found = [
        Mark(*match.span(), ADVERTISEMENT)
        for start, end in windows
        for match in _ADVERTISEMENT.finditer(text, start, end)
    ]
    start = 0
    for line in text.split("\n"):
        if len(line) < 60 and _ADVERTISEMENT_LINE.match(line):
            found.append(Mark(start, start + len(line), ADVERTISEMENT))
        start += len(line) + 1
    return found


# What to look for, when at all: first one character that is rare in Russian (0.1 µs), then stems (1 µs each).
_SEARCHES: tuple[tuple[str, tuple[str, ...], Callable[[str, bool], list[Mark]]], ...] = (
    ("", STEMS, legal_marks),
    ("+", ("0+", "6+", "2+", "8+"), _age_limits),
    ("d", ("erid", "Erid"), _simple(ERID, _ERID)),
    ("D", ("ERID",), _simple(ERID, _ERID)),
    ("", (*_ADVERTISES, "рский материал"), _advertisements),
)
SOUGHT = tuple(
    dict.fromkeys(stem for _, stems, _ in _SEARCHES for stem in stems)
)  # without any of them no mark is there
