"""HTML to visible text, where every character still knows its place in the source.

No parser library keeps source offsets through entities, so this works on the tags that `html_tags` finds, one after
another, without building a tree. Tests hold its words against selectolax. What browsers do with broken markup matters
here only as far as no word may be lost: an element that is never closed is treated as if it were not there.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from service.inference.html_tags import BLOCK, FURNITURE, Element, Tag, elements_of, has_tags, tags_of
from service.inference.passage import Passage, Piece, Span, join, tidy

SOURCE_LIMIT = 2_000_000  # characters


_OF_A_PAGE = re.compile(r"<(?:!doctype|html|head|body|title|article|main)\b", re.IGNORECASE)

_REAL_ENTITY = re.compile(r"&(?:#\d{2,7}|#[xX][0-9a-fA-F]{2,6}|[a-zA-Z]{2,8}\d{0,2});")
_ENTITY = re.compile(r"&(?:#[xX][0-9a-fA-F]{1,6}|#\d{1,7}|[a-zA-Z][a-zA-Z0-9]{1,31});?")

_META = re.compile(r"<meta\b[^<>]{0,2000}>", re.IGNORECASE)
_OG_TITLE = re.compile(r"""\b(?:property|name)\s*=\s*["']?og:title\b""", re.IGNORECASE)
_CONTENT = re.compile(r"""\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]{0,200}>([^<]{1,1000})", re.IGNORECASE)
_SITE_NAME = re.compile(r"\s(?:[|–—•»/-]|::)\s[^|–—•»/]{2,50}$")


class Document(NamedTuple):
    title: Passage | None
    body: Passage


def is_markup(text: str) -> bool:
    """Whether a text field holds real tags or entities; a lone «<» or «&» is just a character."""
    return ("<" in text and has_tags(text)) or ("&" in text and bool(_REAL_ENTITY.search(text)))


def visible(field: str, sent: str, limit: int) -> Document:
    """Title, if the markup names one, and at most `limit` visible characters of the body."""
    source = sent[:SOURCE_LIMIT]
    if not has_tags(source):
        return Document(None, tidy(join(field, sent, _decoded(source, 0, len(source), limit))))
    tags = list(tags_of(source))
    elements = elements_of(tags)
    heading = _heading(elements)
    kept = _kept(source, elements, heading)
    lines = any(tag.name in ("p", "div", "li", "td", "h1", "h2", "section", "article") for tag in tags)
    body = tidy(join(field, sent, _text(source, tags, kept, limit, wrapped=lines)))
    if heading:
        title = tidy(join(field, sent, _text(source, tags, [heading.inside], limit, wrapped=True)))
        return Document(title.blanked(found.span() for found in re.finditer(r"\n", title.text)), body)
    return Document(_named_title(field, sent, source), body)


# Choosing ------------------------------------------------------------------------------------------------------------


def _heading(elements: list[Element]) -> Element | None:
    """The first h1, better one inside the article than the site's name above it."""
    headings = sorted(element for element in elements if element.name == "h1")
    containers = _merged(element.span for element in elements if element.name in ("article", "main"))
    for heading in headings[:20]:
        if any(start < heading.span[0] < end for start, end in containers):
            return heading
    return headings[0] if headings else None


def _kept(source: str, elements: list[Element], heading: Element | None) -> list[Span]:
    """What holds the article: the largest <article> or <main>, else the paragraphs of a page; less furniture."""
    skipped = _furniture(elements)
    if heading:
        skipped.append(heading.span)
    if not _OF_A_PAGE.search(source):
        return _without([(0, len(source))], skipped)
    for name in ("article", "main"):
        if found := [element for element in elements if element.name == name]:
            start, end = max((element.inside for element in found), key=lambda span: span[1] - span[0])
            return _without([(start, end)], skipped)
    skipped += [element.span for element in elements if element.name == "header"]
    paragraphs = sorted(element.span for element in elements if element.name == "p")
    if sum(end - start for start, end in paragraphs) < 200:
        return _without([(0, len(source))], skipped)
    first, last = paragraphs[0][0], paragraphs[-1][1]
    paragraphs += [
        element.span
        for element in elements
        if element.name in ("li", "blockquote", "h2", "h3") and first < element.span[0] < last
    ]
    return _without(_merged(paragraphs), skipped)


def _furniture(elements: list[Element]) -> list[Span]:
    """Menus, asides and forms; but not a form around the whole page, as some engines have it."""
    contents = sorted(element.span[0] for element in elements if element.name in ("article", "main", "h1", "p"))
    spans = []
    for element in elements:
        start, end = element.span
        holds_content = bisect_right(contents, end) > bisect_right(contents, start)
        if element.name in FURNITURE and not (element.name == "form" and holds_content):
            spans.append(element.span)
    return spans


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _without(spans: list[Span], skipped: Iterable[Span]) -> list[Span]:
    """The spans less the skipped ones; all sorted and apart."""
    holes = _merged(skipped)
    left = []
    for span in spans:
        start, end = span
        index = max(0, bisect_right(holes, (start, start)) - 1)
        while index < len(holes) and holes[index][0] < end:
            hole_start, hole_end = holes[index]
            if hole_start > start:
                left.append((start, hole_start))
            start = max(start, hole_end)
            index += 1
        if start < end:
            left.append((start, end))
    return left


# Text ----------------------------------------------------------------------------------------------------------------


def _text(source: str, tags: list[Tag], kept: list[Span], limit: int, wrapped: bool) -> list[Piece]:
    """Visible pieces of the kept stretches: block tags end a line, other tags leave nothing behind.

    `wrapped`: the source has blocks, so line ends inside them are just white space.
    """
    pieces: list[Piece] = []
    left = limit
    starts = [tag.start for tag in tags]
    for start, end in kept:
        if pieces:
            pieces.append(("\n", start, start))
        position = start
        for index in range(max(0, bisect_right(starts, start - 1)), len(tags) + 1):
            tag = tags[index] if index < len(tags) and tags[index].start < end else None
            stop = tag.start if tag else end
            if position < stop:
                for text, begin, finish in _decoded(source, position, stop, left):
                    pieces.append((text.replace("\n", " ") if wrapped else text, begin, finish))
                    left -= len(text)
            if left <= 0 or tag is None:
                break
            if tag.name in BLOCK and not (pieces and pieces[-1][0] == "\n"):
                pieces.append(("\n", tag.start, tag.end))
                left -= 1
            position = tag.end
    return pieces


def _decoded(source: str, start: int, end: int, limit: int) -> list[Piece]:
    """`source[start:end]` with its entities read, as pieces of at most `limit` characters together."""
    if source.find("&", start, end) < 0:
        end = min(end, start + limit)
        return [(source[start:end], start, end)]
    pieces: list[Piece] = []
    position = start
    for found in _ENTITY.finditer(source, start, end):
        character = _unescaped(found.group())
        if not character:
            continue
        pieces.append((source[position : found.start()], position, found.start()))
        pieces.append((character, found.start(), found.end()))
        position = found.end()
        if len(pieces) > 2 * limit:
            break
    else:
        pieces.append((source[position:end], position, end))
    return list(_cut(pieces, limit))


def _cut(pieces: Iterable[Piece], limit: int) -> Iterator[Piece]:
    for text, start, end in pieces:
        if limit <= 0:
            return
        yield (text, start, end) if len(text) <= limit else (text[:limit], start, start + limit)
        limit -= len(text)


@lru_cache(maxsize=4096)
def _unescaped(entity: str) -> str:
    """The characters of an entity, or nothing for what only looks like one."""
    characters = html.unescape(entity)
    return characters if characters != entity else ""


# Titles that the page only names -------------------------------------------------------------------------------------


def _named_title(field: str, sent: str, source: str) -> Passage | None:
    """og:title, else <title> without the site's name at its end."""
    if "<meta" in source:
        for meta in _META.finditer(source, 0, 200_000):
            content = _CONTENT.search(meta.group())
            if content and _OG_TITLE.search(meta.group()):
                start, end = content.span(1 if content[1] is not None else 2)
                return tidy(join(field, sent, _decoded(source, meta.start() + start, meta.start() + end, 1000)))
    found = _TITLE.search(source, 0, 200_000)
    if not found:
        return None
    start, end = found.span(1)
    site = _SITE_NAME.search(source, start, end)
    return tidy(join(field, sent, _decoded(source, start, site.start() if site else end, 1000)))
