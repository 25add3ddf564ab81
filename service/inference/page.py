"""Scraped pages: which lines are the site's furniture, and which one is the headline.

The rules know habits of Russian news sites, not sites. They look at whole lines only, never inside a paragraph, and
each says enough to be sure: a word that also heads chapters («Экономика») counts only above the article or in a menu.
Measured over the corpora, real articles lose next to nothing.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from service.inference.furniture import ANY_PATTERN, INNER_PATTERNS, MENU, RELATED, RUBRICS
from service.inference.passage import Span
from service.inference.words import words

LONGEST_LINE = 170  # longer lines are paragraphs; only notices are as long as one
LONGEST_NOTICE = 900
LONGEST_HEADLINE = 220
MOST_RELATED = 10


class Layout(NamedTuple):
    title: Span | None
    furniture: list[Span]


class Line(NamedTuple):
    start: int
    end: int
    words: str  # lower case, without what stands around the first and last letter


_COOKIE = re.compile(r"cookie|куки\b|кукис|файл\w+ куки", re.IGNORECASE)
_CONSENT = re.compile(
    r"продолжая|мы\s+используем|(?:наш|эт|данн)\w*\s+(?:веб-?)?сайт|сайт\s+использует|оставаясь\s+на|\baccept\b",
    re.IGNORECASE,
)
_COOKIES = ("ookie", "OOKIE", "уки")
_SPEECH = re.compile(r"[#«,\"]|[.!?;]\s*$")
_ENDS_A_SENTENCE = re.compile(r"[.!…;:,]\W{0,4}$")
_AROUND = " \t\xa0.,:;!?…*_#>»«›→↓↑•·|/\\-–—()[]{}\"'`~=+▪▫■□●○◆►▶️🔹🔸✔👉❗⚡"


def layout(text: str, title: str | None) -> Layout:
    """Furniture of a text with several lines, and its headline when no title came with it."""
    lines = _split(text)
    cookies = any(map(text.__contains__, _COOKIES))
    dropped = [_is_furniture(line, text, cookies) for line in lines]
    _drop_rubrics(lines, dropped, text)
    _drop_related(lines, dropped, text)
    headline = None if title else _headline(lines, dropped, text)
    sample = title or (text[slice(*headline)] if headline else "")
    for index in _repeats(lines, sample, text):
        dropped[index] = dropped[index] or (lines[index].start, lines[index].end) != headline
    return Layout(headline, [(line.start, line.end) for line, drop in zip(lines, dropped, strict=True) if drop])


def _split(text: str) -> list[Line]:
    """Lines that have something in them."""
    lines, start = [], 0
    for line in text.split("\n"):
        end = start + len(line)
        if line and not line.isspace():
            lines.append(Line(start, end, line.strip(_AROUND).lower() if len(line) <= LONGEST_LINE else ""))
        start = end + 1
    return lines


def _is_furniture(line: Line, text: str, cookies: bool) -> bool:
    if cookies and line.end - line.start <= LONGEST_NOTICE and _is_notice(text[line.start : line.end]):
        return True
    if not line.words:
        return False
    if _names(line, MENU, text) or ANY_PATTERN.fullmatch(line.words):
        return True
    return any(stem in line.words and pattern.fullmatch(line.words) for stem, pattern in INNER_PATTERNS)


def _names(line: Line, table: frozenset[str], text: str) -> bool:
    """Whether the line is one of the table, as a link and not as a line of verse or a hashtag."""
    return line.words in table and not _SPEECH.search(text, line.start, line.end)


def _is_notice(line: str) -> bool:
    return bool(_COOKIE.search(line) and _CONSENT.search(line))


def _is_paragraph(line: Line, text: str) -> bool:
    return line.end - line.start > LONGEST_HEADLINE or bool(
        _ENDS_A_SENTENCE.search(text, max(line.start, line.end - 6), line.end)
    )


def _drop_rubrics(lines: list[Line], dropped: list[bool], text: str) -> None:
    """Names of rubrics above the article, and everywhere in menus of three or more."""
    run: list[int] = []
    above = True
    for index, line in enumerate(lines):
        is_rubric = _names(line, RUBRICS, text)
        if is_rubric and above:
            dropped[index] = True
        above = above and line.end - line.start < 100
        if is_rubric or _names(line, MENU, text):
            run.append(index)
            if len(run) >= 3:
                for member in run[-3:]:  # those before are dropped already
                    dropped[member] = True
        else:
            run = []


def _drop_related(lines: list[Line], dropped: list[bool], text: str) -> None:
    """Headings of link lists and the headlines under them, up to the next paragraph."""
    left = 0
    for index, line in enumerate(lines):
        if line.words in RELATED:
            dropped[index] = True
            left = MOST_RELATED
        elif left and not dropped[index]:
            if _is_paragraph(line, text):
                left = 0
            else:
                dropped[index] = True
                left -= 1


def _headline(lines: list[Line], dropped: list[bool], text: str) -> Span | None:
    """The first line of the article, when it reads like a headline and a text follows."""
    rest = [line for line, drop in zip(lines, dropped, strict=True) if not drop]
    if len(rest) < 2 or _is_paragraph(rest[0], text) or " " not in rest[0].words:
        return None
    return rest[0].start, rest[0].end


def _repeats(lines: list[Line], title: str, text: str) -> Iterator[int]:
    """Which lines say the title once more, punctuation aside."""
    if not title or title.isspace():
        return
    sample = words(title)
    for index, line in enumerate(lines):
        if abs(line.end - line.start - len(title)) < 20 and words(text[line.start : line.end]) == sample:
            yield index
