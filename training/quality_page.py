"""The sections of all protocols as one HTML page: what was asked and got first, then a section a protocol."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from training.protocols.section import Asked, Cell, Section
from training.report import environment


class Method(NamedTuple):
    """The page's title, what is counted in its sections, and how it was measured, as HTML."""

    title: str
    counted: str
    told: str


SHARES = re.compile(r"\b(?:Share|Right|Covered)\b")  # columns of shares, which people read as percents


METHOD = Method(
    "What was asked, what was got",
    "test articles",
    "By <code>make quality</code>, on splits that are written down in training/protocols, each by date or by a hash "
    "that keeps near-duplicates together. Every answer of ours came through the code that answers newsrooms, from the "
    "article without its labels. Options were chosen on validation articles, never on these; the seed is fixed.",
)


def render(sections: Sequence[Section], *, about: Mapping[str, object], method: Method = METHOD) -> str:
    """`about` are facts to print under the title, in order."""
    page = environment()
    page.filters |= {"shown": shown, "own_ids": own_ids, "wanted": wanted, "is_broad": is_broad, "in_pieces": in_pieces}
    asked = [one for section in sections for one in section.asked]
    return page.get_template("quality.html.j2").render(
        title=method.title,
        method=method._replace(told=Markup(method.told)),  # noqa: S704 - our own words
        about=about,
        sections=sections,
        asked=len(asked),
        kept=sum(one.kept for one in asked),
    )


def shown(cell: Cell, column: str = "") -> str:
    """Counts with separators, measures to three digits behind the point; large ones are told apart by those before."""
    if cell is None:
        return "–"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{100 * cell:.1f}%" if SHARES.search(column) else _measure(cell)
    return cell


def _measure(value: float) -> str:
    return f"{value:,.{3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0}f}".replace("-", "−")


def in_pieces(cell: str) -> Markup:
    """Text of a narrow column: it may break before a bracket, not within an interval."""
    pieces = cell.split(" (")
    return Markup(" ").join(Markup("<b>{}</b>").format(one if i == 0 else f"({one}") for i, one in enumerate(pieces))


def wanted(one: Asked) -> str:
    """What was asked, in signs."""
    least = f"≥ {_measure(one.least)}" if one.least is not None else ""
    most = f"≤ {_measure(one.most)}" if one.most is not None else ""
    return f"{least}{most}"


def is_broad(svg: str) -> bool:
    """Whether a drawing wants the page's whole width: more than twice as wide as it is high."""
    size = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', svg)
    return size is not None and float(size[1]) > 2 * float(size[2])


def own_ids(svg: str, prefix: str) -> Markup:
    """A drawing whose ids no other drawing of the page has."""
    return Markup(re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{prefix}-", str(svg)))  # noqa: S704 - our own drawing
