"""pymorphy3, one for the whole process, and the spelling that everything is compared in."""

from functools import cache

import pymorphy3


@cache
def morphology() -> pymorphy3.MorphAnalyzer:
    """Takes 0.2 s and 30 MB the first time."""
    return pymorphy3.MorphAnalyzer(lang="ru")


def fold(text: str) -> str:
    """Lower case, ё as е."""
    return text.lower().replace("ё", "е")
