"""An article's fields become a title and a body to take words from; every position leads back to the field as sent.

What is no feature of the article (tags, furniture of scraped pages, datelines, legal marks, links) is blanked, so that
the rest keeps its place. Each step first asks whether it can be needed at all: a plain article costs some 30 µs.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from service.inference import html, page
from service.inference.article import Article, Evidence, Notice
from service.inference.datelines import dateline
from service.inference.legal_marks import Mark
from service.inference.looks import EVERYTHING, LINK, MARKED, MARKUP, UNTIDY, look
from service.inference.notices import ADVERTISEMENT, DATELINE, ERID, marks
from service.inference.passage import Passage, plain
from service.inference.words import folded, written

BODY_LIMIT = 200_000  # characters; a longer text is answered for its beginning, with the reason `truncated`
MOST_NOTICES = 1_000  # are listed; all are blanked

_LINK = re.compile(r"\bhttps?://[^\s<>«»\"()\[\]]+")
_LONE_WORD = re.compile(r"(?:\W|_)*реклама(?:\W|_)*", re.IGNORECASE)


class Text(Struct, frozen=True):
    """What words are taken from. `body` is the lead, a line end and the text; without a lead just the text."""

    title: str
    body: str
    notices: tuple[Notice, ...]
    truncated: bool
    advertisement: bool
    title_passage: Passage
    lead_passage: Passage
    text_passage: Passage

    def locate(self, part: Literal["title", "body"], start: int, end: int) -> Evidence:
        """The stretch `[start, end)` of the title or body as it stands in the field that was sent.

        A stretch that runs from the lead into the text is answered for the lead.
        """
        passage = self.title_passage
        if part == "body":
            passage = self.lead_passage
            boundary = len(passage.text) + 1 if passage.text else 0
            if start >= boundary:
                passage, start, end = self.text_passage, start - boundary, end - boundary
        begin, finish = passage.as_sent(start, min(end, len(passage.text)))
        return Evidence(passage.field, begin, finish, passage.sent[begin:finish])


class Raw(NamedTuple):
    """An article's title and body in cp1251; not `exact` where it lacks a character: those are folded."""

    title: bytes
    body: bytes
    exact: bool


def read_all(articles: Sequence[Article]) -> list[tuple[Text, Raw]]:
    """Each as `read` does, and as words are cut from it."""
    fields = [field for one in articles for field in (one.title or "", one.lead or "", one.text or "")]
    texts = [written(field) if len(field) <= BODY_LIMIT else None for field in fields]
    looked = look(texts)
    found = []
    for number, article in enumerate(articles):
        at = 3 * number
        text = read(article, looked[at], looked[at + 1], looked[at + 2])
        # what cleaning has left as it was is not written anew
        title = texts[at] if text.title is fields[at] else written(text.title)
        body = texts[at + 2] if text.body is fields[at + 2] else written(text.body)
        if title is None or body is None:
            found.append((text, Raw(folded(text.title), folded(text.body), False)))
        else:
            found.append((text, Raw(title, body, True)))
    return found


def read(article: Article, of_title: int = EVERYTHING, of_lead: int = EVERYTHING, of_text: int = EVERYTHING) -> Text:
    """The whole way from the fields as sent to words: markup, characters, marks, page, dateline.

    The numbers say what there is to look at in each field, as `look` tells.
    """
    found_title, text = _body(article, of_text)
    title = _short_field("title", article.title, of_title)
    lead = _short_field("lead", article.lead, of_lead)
    if found_title and not title.text.strip():
        title = found_title

    notices: list[Notice] = []
    title, in_title = _without_marks(title, notices, of_title if title.text is article.title else EVERYTHING, True)
    lead, in_lead = _without_marks(lead, notices, of_lead if lead.text is article.lead else EVERYTHING)
    text, in_text = _without_marks(text, notices, of_text if text.text is article.text else EVERYTHING)

    if "\n" in text.text:
        headline, text = _without_furniture(text, title.text)
        title = headline or title
    if lead.text:
        lead = _without_dateline(lead, notices)
    text = _without_dateline(text, notices)

    room = BODY_LIMIT - len(lead.text) - 1 if lead.text else BODY_LIMIT
    cut = len(text.text) > room
    if cut:
        text = text.part(0, max(0, room))
    return Text(
        title=title.text,
        body=f"{lead.text}\n{text.text}" if lead.text else text.text,
        notices=tuple(notices[:MOST_NOTICES]),
        truncated=cut or any(len(passage.sent) > BODY_LIMIT and _is_cut(passage) for passage in (title, lead, text)),
        advertisement=in_title or in_lead or in_text,
        title_passage=title,
        lead_passage=lead,
        text_passage=text,
    )


def _body(article: Article, holds: int) -> tuple[Passage | None, Passage]:
    """The text, or else the HTML, as one passage; and the title where the markup names one."""
    if article.text and not article.text.isspace():
        if not (holds & MARKUP and html.is_markup(article.text)):
            return None, _plain("text", article.text, BODY_LIMIT + 1, holds)
        return html.visible("text", article.text, BODY_LIMIT + 1)
    if article.body_html:
        return html.visible("body_html", article.body_html, BODY_LIMIT + 1)
    return None, plain("text", article.text or "", BODY_LIMIT)


def _short_field(field: str, sent: str | None, holds: int) -> Passage:
    """Title and lead: usually plain, but copied from pages with entities and a tag or two."""
    if not sent:
        return Passage(field, "", "", [0], [0], [0])
    if holds & MARKUP and html.is_markup(sent):
        return html.visible(field, sent, BODY_LIMIT).body
    return _plain(field, sent, BODY_LIMIT, holds)


def _plain(field: str, sent: str, limit: int, holds: int) -> Passage:
    if holds & UNTIDY:
        return plain(field, sent, limit)
    text = sent[:limit]
    return Passage(field, sent, text, [0], [0], [len(text)])


def _without_marks(passage: Passage, notices: list[Notice], holds: int, is_title: bool = False) -> tuple[Passage, bool]:
    """The passage with marks and links blanked, and whether a mark says that all this is an advertisement."""
    text = passage.text
    if not text or not holds & (MARKED | LINK):
        return passage, False
    found = marks(text, is_title)
    if found:
        notices += [_notice(passage, mark) for mark in found[:MOST_NOTICES]]
        passage = passage.blanked([(mark.start, mark.end) for mark in found])
    if "://" in text:
        passage = passage.blanked([link.span() for link in _LINK.finditer(passage.text)])
    return passage, bool(found) and _advertises(text, found)


def _advertises(text: str, found: list[Mark]) -> bool:
    """A lone «Реклама» between other lines is a page's label of something else; first or last it speaks of the text."""
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    return any(
        mark.kind == ERID
        or (
            mark.kind == ADVERTISEMENT
            and (mark.start <= first or mark.end >= last or not _LONE_WORD.fullmatch(text, mark.start, mark.end))
        )
        for mark in found
    )


def _without_furniture(text: Passage, title: str) -> tuple[Passage | None, Passage]:
    """The headline, when no title came and the text has one, and the text without it and the page's furniture."""
    headline, furniture = page.layout(text.text, title if title.strip() else None)
    if not headline:
        return None, text.blanked(furniture)
    return text.part(*headline), text.blanked(sorted([headline, *furniture]))


def _without_dateline(passage: Passage, notices: list[Notice]) -> Passage:
    span = dateline(passage.text)
    if not span:
        return passage
    notices.append(_notice(passage, Mark(*span, DATELINE)))
    return passage.blanked([span])


def _notice(passage: Passage, mark: Mark) -> Notice:
    return Notice(mark.kind, passage.field, *passage.as_sent(mark.start, mark.end))


def _is_cut(passage: Passage) -> bool:
    """Whether the end of a very long field was not read at all."""
    return passage.tos[-1] < len(passage.sent.rstrip()) and len(passage.text) >= BODY_LIMIT
