"""Finding the tags of HTML and the elements they make, in linear time and with their places in the source."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from service.inference.passage import Span

TAG_LIMIT = 70_000  # half a second of reading in all; no page written for people comes near


def _names(table: str) -> frozenset[str]:
    return frozenset(table.split())


_INLINE = _names(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q s samp small
    span strike strong sub sup time tt u var wbr
    """
)
BLOCK = _names(
    """
    address article aside blockquote body br button caption center dd details div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html iframe img input li main nav
    object ol option p picture pre section select source summary svg table tbody td textarea tfoot th
    thead title tr ul video
    """
)
_SILENT = _names(
    """
    link meta noscript script style template
    """
)  # may stand inside a word
# Their content is nobody's text; it may hold anything, so it ends at the closing tag and nowhere else.
_UNREAD = _names(
    """
    script style noscript template svg iframe textarea head
    """
)
FURNITURE = _names(
    """
    nav footer aside form button figcaption select
    """
)
_LANDMARKS = FURNITURE | {"header", "article", "main", "h1", "p", "li", "blockquote", "h2", "h3"}
_KNOWN = _INLINE | BLOCK | _SILENT
_LIKE_A_TAG = re.compile(r"<(?:/?([a-zA-Z][a-zA-Z0-9]{0,10})(?=[\s/>])[^<>]*>|!--|!(?:doctype|DOCTYPE)\b)")
_TAG = re.compile(r"""<(?:(/?)([a-zA-Z][a-zA-Z0-9:-]*)([^"'<>]*+>)?|!--|[!?])""")
# Possessive, so that an unclosed quote fails at once instead of trying every shorter way.
_TAG_REST = re.compile(r"""(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_LONGEST_TAG = 300_000  # a picture written into its attribute


class Tag(NamedTuple):
    name: str
    closes: bool
    start: int
    end: int


class Element(NamedTuple):
    """What stands between an opening tag and its closing tag; `span` takes the tags in."""

    name: str
    span: Span
    inside: Span


def has_tags(text: str) -> bool:
    return any(found[1] is None or found[1].lower() in _KNOWN for found in _LIKE_A_TAG.finditer(text))


def tags_of(source: str) -> Iterator[Tag]:
    """The tags in order; comments, declarations and unread elements come as tags of their own, with no name."""
    position = 0
    unclosed: set[str] = set()
    for _ in range(TAG_LIMIT):
        found = _TAG.search(source, position)
        if not found:
            return
        start = found.start()
        name = (found[2] or "").lower()
        position = found.end() if found[3] else _end_of_tag(source, found)
        yield Tag(name, bool(found[1]), start, position)
        if name in _UNREAD and not found[1] and name not in unclosed:
            closing = _closing(name).search(source, position)
            if closing or name in ("script", "style"):
                end = closing.end() if closing else len(source)
                yield Tag("", False, position, end)
                position = end
            else:
                unclosed.add(name)
    yield Tag("", False, position, len(source))


def _end_of_tag(source: str, found: re.Match[str]) -> int:
    """Just behind the tag or comment; the end of the source when it never ends, as browsers have it."""
    if source.startswith("<!--", found.start()):
        end = source.find("-->", found.start() + 2)
        return end + 3 if end >= 0 else len(source)
    if rest := _TAG_REST.match(source, found.end(), found.end() + _LONGEST_TAG):
        return rest.end()
    end = source.find(">", found.end())
    return end + 1 if end >= 0 else len(source)


@lru_cache(maxsize=len(_UNREAD))
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(r"</head\b[^<>]*>|(?=<body\b)" if name == "head" else rf"</{name}\b[^<>]*>", re.IGNORECASE)


def elements_of(tags: Iterable[Tag]) -> list[Element]:
    """Closed elements that say what a part of the page is, in the order of their ends."""
    open_tags: dict[str, list[Tag]] = {}
    found = []
    for tag in tags:
        if tag.name not in _LANDMARKS:
            continue
        waiting = open_tags.setdefault(tag.name, [])
        if not tag.closes:
            waiting.append(tag)
        elif waiting:
            opening = waiting.pop()
            found.append(Element(tag.name, (opening.start, tag.end), (opening.end, tag.start)))
    return found
