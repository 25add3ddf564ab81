"""A passage: cleaned text of one field with the way back to the field as it was sent.

Cleaning blanks rather than cuts, so nearly every passage is one chunk that maps onto itself. Where characters must go
(accents, soft hyphens, tags inside words) or change in number (entities), the text is a row of chunks, each either a
plain copy of a stretch of the field or a stand-in for one.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable

from msgspec import Struct

Span = tuple[int, int]
Piece = tuple[str, int, int]  # text, and the stretch of the field that it stands for

# Dropped: NUL, soft hyphen, zero-width and bidirectional marks, word joiner, BOM, variation selectors.
_DROPPED = "\0\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
_MARKS = "\u0300-\u036f"
_UNTIDY = re.compile(rf"[^{_DROPPED}{_MARKS}][{_MARKS}]+|[{_DROPPED}{_MARKS}]+")

# One `in` costs 0.1 µs, a character class searched through 250 words 14: only the usual suspects are asked for, and
# where one is found all the others go too.
_SUSPECTS = "\u0301\u00ad\u200b\ufeff\u0306\u0308\u200e\u200d\u2060\u200c\u200f\u0300\u202c\u2069\0"
_NO_LETTER = re.compile(rf"[{_DROPPED}{_MARKS}]")

_LINE_ENDS = str.maketrans({"\r": "\n", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n"})


class Passage(Struct, frozen=True):
    """`text[starts[i]:starts[i+1]]` stands for `sent[froms[i]:tos[i]]`, character for character where lengths agree."""

    field: str
    sent: str
    text: str
    starts: list[int]
    froms: list[int]
    tos: list[int]

    def as_sent(self, start: int, end: int) -> Span:
        """The stretch of the field that `text[start:end]` came from."""
        if len(self.starts) == 1 and self.tos[0] - self.froms[0] == len(self.text):  # nearly every passage
            begin = self.froms[0]
            return begin + start, begin + max(start, end)
        first = self._chunk(start)
        last = self._chunk(max(start, end - 1))
        begin = self.froms[first]
        finish = self.tos[last]
        if self._is_copy(first):
            begin += start - self.starts[first]
        if self._is_copy(last):
            finish = self.froms[last] + end - self.starts[last]
        return begin, max(begin, finish)

    def blanked(self, spans: Iterable[Span]) -> "Passage":
        """The same passage with spaces where the spans (sorted, apart) were; line ends stay."""
        text = self.text
        kept: list[str] = []
        position = 0
        for start, end in spans:
            hole = text[start:end]
            kept += text[position:start], " " * len(hole) if "\n" not in hole else re.sub(r"[^\n]", " ", hole)
            position = end
        if not kept:
            return self
        return Passage(self.field, self.sent, "".join(kept) + text[position:], self.starts, self.froms, self.tos)

    def part(self, start: int, end: int) -> "Passage":
        """`text[start:end]` as a passage of its own."""
        return join(self.field, self.sent, self.pieces(start, end))

    def pieces(self, start: int, end: int) -> list[Piece]:
        """`text[start:end]` as pieces, cut where chunks end."""
        found: list[Piece] = []
        chunk = self._chunk(start)
        while start < end:
            stop = self.starts[chunk + 1] if chunk + 1 < len(self.starts) else len(self.text)
            if start == self.starts[chunk] and stop <= end:
                found.append((self.text[start:stop], self.froms[chunk], self.tos[chunk]))
            else:
                found.append((self.text[start : min(stop, end)], *self.as_sent(start, min(stop, end))))
            start, chunk = stop, chunk + 1
        return found

    def _chunk(self, position: int) -> int:
        return max(0, bisect_right(self.starts, position) - 1)

    def _is_copy(self, chunk: int) -> bool:
        end = self.starts[chunk + 1] if chunk + 1 < len(self.starts) else len(self.text)
        return end - self.starts[chunk] == self.tos[chunk] - self.froms[chunk]


def plain(field: str, sent: str, limit: int) -> Passage:
    """At most `limit` characters of the field, tidied: the usual case is a passage that maps onto itself."""
    text = sent[:limit]
    return tidy(Passage(field, sent, text, [0], [0], [len(text)]))


def join(field: str, sent: str, pieces: Iterable[Piece]) -> Passage:
    """Pieces, in order, as one passage."""
    texts, starts, froms, tos = [], [], [], []
    length = 0
    for text, begin, finish in pieces:
        if text:
            texts.append(text)
            starts.append(length)
            froms.append(begin)
            tos.append(finish)
            length += len(text)
    if not texts:
        return Passage(field, sent, "", [0], [0], [0])
    return Passage(field, sent, "".join(texts), starts, froms, tos)


def tidy(passage: Passage) -> Passage:
    """Without invisible characters and accents, й and ё in one piece, NBSP as a space, line ends as \\n."""
    text = passage.text
    if "\xa0" in text:
        passage = _same_length(passage, text.replace("\xa0", " "))
    if "\r" in text or "\u2028" in text or "\x0b" in text:
        passage = _same_length(passage, text.replace("\r\n", " \n").translate(_LINE_ENDS))
    if any(map(text.__contains__, _SUSPECTS)):
        return _composed(passage)
    return passage


def _same_length(passage: Passage, text: str) -> Passage:
    return Passage(passage.field, passage.sent, text, passage.starts, passage.froms, passage.tos)


def _composed(passage: Passage) -> Passage:
    text = passage.text
    pieces: list[Piece] = []
    position = 0
    for found in _UNTIDY.finditer(text):
        start, end = found.span()
        pieces += passage.pieces(position, start)
        pieces.append((_letter(found.group()), *passage.as_sent(start, end)))
        position = end
    pieces += passage.pieces(position, len(text))
    return join(passage.field, passage.sent, pieces)


def _letter(untidy: str) -> str:
    """The letter that a base and its combining marks make, or nothing.

    Only the first marks are looked at: normalising a million of them takes quadratic time.
    """
    composed = unicodedata.normalize("NFC", untidy[:4])[0]
    return "" if _NO_LETTER.match(composed) else composed
