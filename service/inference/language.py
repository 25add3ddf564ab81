"""Is this Russian? A rule on letters and known words: a language detector costs more than the rest of the reading.

Neighbours give themselves away by letters: і ї є ґ ў ј љ њ ђ ћ џ never stand in Russian, and Bulgarian writes ъ where
Russian has it only before е, ю and я. The rest is left to the share of known words, which the look-up of lemmas gives
for free.
"""

from collections.abc import Sequence

ENOUGH_WORDS = 5  # with fewer, Cyrillic is taken for Russian
_LOOKED_AT = 400  # words; more change nothing

_CYRILLIC = bytes(range(0xE0, 0x100)) + "ђѓѕіїјљњћќўџґє".encode("cp1251")
_OF_NEIGHBOURS = "ђѓѕіїјљњћќўџґє".encode("cp1251") + b"\x98"
_ONLY_RUSSIAN = "ыэ".encode("cp1251")  # Belarusian has them too, and gives itself away by і and ў
_HARD_SIGN = "ъ".encode("cp1251")
_HARD_SIGN_IN_RUSSIAN = tuple(
    pair.encode("cp1251") for pair in ("ъе", "ъю", "ъя", "ъэ", "ъ ")
)  # the last: «Коммерсантъ»
_LATIN = bytes(range(0x61, 0x7B))

# Frequent words of Ukrainian, Belarusian, Bulgarian and Serbian, for headlines that happen to lack such letters.
_FOREIGN_WORDS = frozenset(
    """
    що або був було були бути щоб вже якщо який яка яке року
    аб гэта што каб таксама паводле яго яе але якое якая якія
    са беше бяха който която което които това този тази тези във със преди като още бъде бъдат каза заяви
    је био који која које због након
    """.encode("cp1251").split()
)


def surely_russian(words: int, known: float | None) -> bool:
    """Whether the share of known words alone tells, also when an epigraph is in Ukrainian."""
    return known is not None and known > 0.8 and words >= ENOUGH_WORDS


def foreign(words: Sequence[bytes], known: float | None = None) -> bool:
    """Whether words (as `words.words` gives them) are of another language than Russian.

    `known` is the share of them that a Russian word list knows; without it short texts in a kindred language may pass.
    """
    if surely_russian(len(words), known):
        return False
    words = words[:_LOOKED_AT]
    letters = b" ".join(words) + b" "
    cyrillic = _count(letters, _CYRILLIC)
    latin = _count(letters, _LATIN)
    strange = _count(letters, _OF_NEIGHBOURS)
    if cyrillic + latin + strange == 0:
        return False  # numbers and emoji are no language at all
    if len(words) < ENOUGH_WORDS:
        return cyrillic == 0
    if cyrillic < 0.2 * (cyrillic + latin) or cyrillic < 8:
        return True
    if strange > (0.012 if cyrillic < 300 else 0.03) * cyrillic:  # a long text may quote a neighbour
        return True
    hard_signs = letters.count(_HARD_SIGN) - sum(map(letters.count, _HARD_SIGN_IN_RUSSIAN))
    if hard_signs > 0.006 * cyrillic:
        return True
    russian = _count(letters, _ONLY_RUSSIAN)
    telling = sum(word in _FOREIGN_WORDS for word in words)
    if telling >= 2 and telling > 0.04 * len(words) and telling > russian:
        return True
    if known is not None and len(words) >= 2 * ENOUGH_WORDS and cyrillic > latin:
        return known < (0.35 if russian else 0.5)
    return False


def _count(letters: bytes, which: bytes) -> int:
    return len(letters) - len(letters.translate(None, which))
