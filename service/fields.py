"""Fields that no one reads, and what their sender probably meant.

A CMS that sends `body` for `text` would otherwise get answers made from the title, and nobody would know.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from service.inference.article import Article, Current, CurrentLabel, RequestWarning

LIMIT = 20  # warnings for one article: the answer must not grow with the rubbish in the request
LONGEST = 64  # characters of a field's name that are looked at and repeated

_ARTICLE = frozenset(Article.__struct_fields__)
_CURRENT = frozenset(Current.__struct_fields__)
_LABEL = frozenset(CurrentLabel.__struct_fields__)


class _WithCurrent(msgspec.Struct, frozen=True):
    """So that an error says where in the article it is."""

    current: dict[str, Any] | None = None


_with_current = msgspec.json.Decoder(_WithCurrent)

# what a labelled article has on top: known, but labels of an article to be annotated come in `current`
_LABELS = {"rubric": "current.rubric", "regions": "current.regions", "tags": "current.tags"}
_LABELLED = _LABELS.keys() | {"extra", "entities"}

# usual names, without case, hyphens and underscores
_USUAL = {
    "text": "body content articletext fulltext articlebody maintext plaintext story copy message",
    "body_html": "html bodyhtml contenthtml htmlbody richtext markup",
    "title": "headline heading header name caption subject",
    "lead": "summary announce announcement anons description subtitle subheading teaser abstract intro lede excerpt",
    "published_at": "date published publishedon pubdate publicationdate datetime datepublished timestamp createdat",
    "source": "outlet publisher site newspaper media sourcename domain",
    "url": "link href uri permalink canonical canonicalurl",
    "id": "articleid uid uuid guid key docid documentid newsid",
    "stage": "status state",
    "current": "labels existing annotations",
    "current.rubric": "category section topic rubrics rubricid",
    "current.regions": "region places geo locations",
    "current.tags": "tag keyword keywords topics",
}
_USUAL_CURRENT = {"rubric": "category section rubrics", "regions": "region places geo", "tags": "tag keywords topics"}
_USUAL_LABEL = {"label": "name title text value", "by": "author source setby origin", "id": "uid key slug"}


def _by_name(usual: Mapping[str, str]) -> dict[str, str]:
    return {name: field for field, names in usual.items() for name in names.split()}


_MEANT, _MEANT_CURRENT, _MEANT_LABEL = map(_by_name, (_USUAL, _USUAL_CURRENT, _USUAL_LABEL))


def unknown_fields(sent: Mapping[str, msgspec.Raw]) -> tuple[RequestWarning, ...]:
    """A warning for each field that is not read, in the order sent, at most 20. `sent` is known to be an article."""
    if sent.keys() <= _ARTICLE and "current" not in sent:
        return ()
    return tuple(islice(_warnings(sent), LIMIT))


def _warnings(sent: Mapping[str, msgspec.Raw]) -> Iterator[RequestWarning]:
    for name in sent:
        if name in _LABELLED:
            yield RequestWarning("label_not_read", f"/{name}", _LABELS.get(name))
    yield from _unknown((name for name in sent if name not in _LABELLED), _ARTICLE, _MEANT, "")
    if "current" in sent and (current := _with_current.decode(b'{"current":%b}' % sent["current"]).current):
        yield from _unknown_in_current(current)


def _unknown_in_current(current: Mapping[str, Any]) -> Iterator[RequestWarning]:
    yield from _unknown(current, _CURRENT, _MEANT_CURRENT, "/current")
    if rubric := current.get("rubric"):
        yield from _unknown(rubric, _LABEL, _MEANT_LABEL, "/current/rubric")
    for kind in ("regions", "tags"):
        for index, label in enumerate(current.get(kind) or ()):
            yield from _unknown(label or (), _LABEL, _MEANT_LABEL, f"/current/{kind}/{index}")


def _unknown(
    names: Iterable[str], known: frozenset[str], meant: Mapping[str, str], at: str
) -> Iterator[RequestWarning]:
    for name in names:
        if name not in known:
            shown = name[:LONGEST].replace("~", "~0").replace("/", "~1")  # RFC 6901
            yield RequestWarning("unknown_field", f"{at}/{shown}", _guess(name[:LONGEST], known, meant))


def _guess(name: str, known: frozenset[str], meant: Mapping[str, str]) -> str | None:
    squeezed = name.lower().replace("_", "").replace("-", "")
    if squeezed in meant:
        return meant[squeezed]
    from difflib import get_close_matches  # 5 ms that a start need not wait for

    fields = {field.rpartition(".")[2]: field for field in (*meant.values(), *known)}
    close = get_close_matches(name.lower(), sorted(fields), n=1, cutoff=0.7)
    return fields[close[0]] if close else None
