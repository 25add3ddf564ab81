"""The sections of all protocols as one HTML page: what was asked and got first, then a section a protocol."""

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from training.protocols.section import Asked, Cell, Section
from training.report import environment

SHARES = re.compile(r"\b(?:Share|Right|Covered)\b")  # columns of shares, which people read as percents


def render(sections: Sequence[Section], *, about: Mapping[str, object]) -> str:
    """`about` are facts to print under the title, in order."""
    page = environment()
    page.filters |= {"shown": shown, "own_ids": own_ids, "wanted": wanted, "is_broad": is_broad, "in_pieces": in_pieces}
    asked = [one for section in sections for one in section.asked]
    return page.get_template("quality.html.j2").render(
        title="What was asked, what was got",
        about=about,
        sections=sections,
        asked=len(asked),
        kept=sum(one.kept for one in asked),
    )


def shown(cell: Cell, column: str = "") -> str:
    """Counts with separators, measures to three digits."""
    if cell is None:
        return "–"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{100 * cell:.1f}%" if SHARES.search(column) else f"{cell:.3f}".replace("-", "−")
    return cell


def in_pieces(cell: str) -> Markup:
    """Text of a narrow column: it may break before a bracket, not within an interval."""
    pieces = cell.split(" (")
    return Markup(" ").join(Markup("<b>{}</b>").format(one if i == 0 else f"({one}") for i, one in enumerate(pieces))


def wanted(one: Asked) -> str:
    """What was asked, in signs."""
    least = f"≥ {one.least:.3f}" if one.least is not None else ""
    most = f"≤ {one.most:.3f}" if one.most is not None else ""
    return f"{least}{most}".replace("-", "−")


def is_broad(svg: str) -> bool:
    """Whether a drawing wants the page's whole width: more than twice as wide as it is high."""
    size = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', svg)
    return size is not None and float(size[1]) > 2 * float(size[2])


def own_ids(svg: str, prefix: str) -> Markup:
    """A drawing whose ids no other drawing of the page has."""
    return Markup(re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{prefix}-", str(svg)))  # noqa: S704 - our own drawing
