"""Figures in Russian prose, for pages that editors read."""


def percent(share: float | None, digits: int = 0) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f}".replace(".", ",") + "\u00a0%"


def count(value: int) -> str:
    """12 345 with spaces that don't break."""
    return f"{value:,}".replace(",", "\u00a0")


def plural(value: int, one: str, few: str, many: str) -> str:
    """«1 статья, 2 статьи, 5 статей»."""
    tens, ones = value % 100, value % 10
    form = many if 10 < tens < 20 else one if ones == 1 else few if 1 < ones < 5 else many
    return f"{count(value)}\u00a0{form}"
