"""WordPress's own export (WXR, «Инструменты → Экспорт»): published posts with their categories and tags.

Read as a stream by expat, so a file of gigabytes needs no memory. A document type is refused before anything in it is
read: WXR has none, and it is where entities are declared, the billion laughs among them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from xml.parsers import expat

from service.inference.article import LabelledArticle
from service.lines import open_lines
from training.readers import Rejects, Row

# Post types that are no articles; newsrooms give theirs names such as «news», so all others are read.
NO_ARTICLES = frozenset(
    {
        "attachment", "custom_css", "customize_changeset", "feedback", "nav_menu_item", "oembed_cache", "page",
        "product", "revision", "user_request", "wp_block", "wp_font_face", "wp_font_family", "wp_global_styles",
        "wp_navigation", "wp_template", "wp_template_part",
    }
)  # fmt: skip
NO_RUBRIC = frozenset({"без рубрики", "uncategorized"})
PRIMARY = "_yoast_wpseo_primary_category", "rank_math_primary_category"  # two plugins say which category counts
CATCH_ALL = 0.5  # a category on more of the posts than this, «Новости», says nothing beside another

_SHORTCODE = re.compile(r"\[/?[a-z][a-z0-9_-]*(?:\s[^\[\]]*)?\]")
_NOT_XML = bytes(set(range(32)) - {9, 10, 13})  # WordPress exports control characters that XML forbids


class WordPressError(Exception):
    """A file that is no export of WordPress, or one that must not be read."""


@dataclass
class _Item:
    """One <item>: the text of its plain elements by their local names, its labels and its custom fields."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)


class _Export:
    """expat's handlers. `items` collects what is finished; the reader takes it away."""

    def __init__(self, path: Path) -> None:
        self.items: list[_Item] = []
        self.host = ""
        self.terms: dict[str, str] = {}  # term id -> category
        self.is_export = False
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self._path = path
        self._item: _Item | None = None
        self._text: list[str] = []
        self._attributes: Mapping[str, str] = {}
        self._pair: dict[str, str] = {}  # of <wp:category> and <wp:postmeta>

    def _doctype(self, *_: object) -> None:
        raise WordPressError(f"{self._path} has a document type, which no export of WordPress has: it is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._text, self._attributes = [], attributes
        if name == "item":
            self._item = _Item(self.parser.CurrentLineNumber)
        elif name in ("wp:category", "wp:postmeta"):
            self._pair = {}

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _end(self, name: str) -> None:
        text, item = "".join(self._text).strip(), self._item
        self._text = []
        self.is_export |= name in ("wp:wxr_version", "wp:post_type")
        if name == "item" and item:
            self.items.append(item)
            self._item = None
        elif name in ("wp:meta_key", "wp:meta_value", "wp:term_id", "wp:cat_name"):
            self._pair[name] = text
        elif name == "wp:category":
            self.terms[self._pair.get("wp:term_id", "")] = self._pair.get("wp:cat_name", "")
        elif item is None:
            if name in ("link", "wp:base_blog_url") and text:
                self.host = urlsplit(text).hostname or self.host
        elif name == "wp:postmeta":
            item.meta[self._pair.get("wp:meta_key", "")] = self._pair.get("wp:meta_value", "")
        elif name == "category":
            labels = {"category": item.categories, "post_tag": item.tags}.get(self._attributes.get("domain", ""))
            if labels is not None and text:
                labels.append(text)
        else:
            item.fields.setdefault(name, text)


def read(path: Path, rejects: Rejects) -> Iterator[Row]:
    """One row for each published post. Raises WordPressError; a break in the middle ends the archive and is told."""
    export, items = _Export(path), []
    for item in _items(path, export, rejects):
        kind, status = item.fields.get("wp:post_type", "post"), item.fields.get("wp:status", "publish")
        if kind in NO_ARTICLES:
            rejects.add(path, item.line, f"no article but a {kind}")
        elif status != "publish" or item.fields.get("wp:post_password"):
            rejects.add(path, item.line, f"not published but {'protected' if status == 'publish' else status}")
        else:
            items.append(item)
    if not export.is_export:
        raise WordPressError(f"{path} is XML, but no export of WordPress: there is no wp:post_type in it")
    counts = Counter(category for item in items for category in set(item.categories))
    for item in items:
        yield Row(item.line, _article(item, export, counts, len(items)), {"categories": item.categories})


def _items(path: Path, export: _Export, rejects: Rejects) -> Iterator[_Item]:
    last = 1
    try:
        for number, line in open_lines(path):
            export.parser.Parse(b"\n" * (number - last) + line.translate(None, _NOT_XML))
            last = number
            yield from export.items
            export.items.clear()
        export.parser.Parse(b"", True)
    except expat.ExpatError as error:
        where = expat.errors.messages[error.code]
        rejects.add(path, error.lineno, f"not XML from here on: {where}")
        if not export.is_export:
            raise WordPressError(f"{path} is not XML: {where} on line {error.lineno}") from error


def _article(item: _Item, export: _Export, counts: Mapping[str, int], posts: int) -> LabelledArticle:
    fields = item.fields
    return LabelledArticle(
        id=fields.get("wp:post_id") or fields.get("guid"),
        title=fields.get("title"),
        lead=fields.get("excerpt:encoded") or None,
        body_html=_SHORTCODE.sub(" ", fields.get("content:encoded", "")) or None,
        source=export.host.removeprefix("www.") or None,
        url=fields.get("link"),
        published_at=_date(fields),
        rubric=_rubric(item, export, counts, posts),
        tags=tuple(item.tags),
    )


def _date(fields: Mapping[str, str]) -> str | None:
    """As the site's own clock had it; a post that was never dated says 0000-00-00."""
    dates = (fields.get("wp:post_date", ""), fields.get("wp:post_date_gmt", ""))
    return next((date for date in dates if date and not date.startswith("0000")), None)


def _rubric(item: _Item, export: _Export, counts: Mapping[str, int], posts: int) -> str | None:
    """The category that a plugin marks as the main one; else the most frequent one that is no catch-all."""
    named = [category for category in item.categories if category.casefold() not in NO_RUBRIC]
    for key in PRIMARY:
        if (primary := export.terms.get(item.meta.get(key, ""))) in named:
            return primary
    telling = [category for category in named if counts[category] <= CATCH_ALL * posts] or named
    return max(telling, key=lambda category: (counts[category], category), default=None)
