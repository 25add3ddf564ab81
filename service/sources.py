"""Outlets as their CMS calls them, and as the model knows them."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from service.inference.article import RequestWarning
from service.inference.decisions import ENOUGH_OF_A_SOURCE, outlet

NOT_CALIBRATED = "not_calibrated_for_source"
LONGEST = 64  # characters of a name that are compared


def unknown_source(source: str | None, outlets: Mapping[str, int]) -> RequestWarning | None:
    """Why nothing is `auto` for this source, where its sender can mend it: it is missing, or not as the model knows it.

    `outlets` are those that the model was calibrated on, with their articles; of one with too few there is nothing to
    say, nor of any where none has enough.
    """
    name = outlet(source)
    enough = tuple(each for each, count in outlets.items() if count >= ENOUGH_OF_A_SOURCE)
    if not enough or name in outlets:
        return None
    if not name:
        return RequestWarning("source_missing", "/source", enough[0] if len(enough) == 1 else None)
    return RequestWarning("source_unknown", "/source", _likely(name[:LONGEST], enough))


@lru_cache(maxsize=256)
def _likely(name: str, outlets: tuple[str, ...]) -> str | None:
    """Among hundreds of outlets this takes longer than the annotation."""
    return next(iter(get_close_matches(name, outlets, n=1)), None)
