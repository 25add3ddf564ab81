"""Is this Russian? A rule on letters and known words: a language detector costs more than the rest of the reading.

Neighbours give themselves away by letters: і ї є ґ ў ј љ њ ђ ћ џ never stand in Russian, and Bulgarian writes ъ where
Russian has it only before е, ю and я. The rest is left to the share of known words, which the look-up of lemmas gives
for free. Of Debian's translations, in pieces of 3 to 60 words, this tells .97 of the Ukrainian, .99 of the English and
.65 of the Bulgarian; of Russian titles and first sentences in twelve corpora it takes at most .002 for foreign.
"""

from collections.abc import Sequence

FEWEST_WORDS = 3  # with fewer, Cyrillic is taken for Russian: «Київ»
FEW_WORDS = 10  # of so few the share of known ones tells little: «Нова школа у центрі» has two of four
_LOOKED_AT = 400  # words; more change nothing
_OPENING = 1_000  # letters that tell whether a text is in Latin ones

_CYRILLIC = bytes(range(0xE0, 0x100)) + "ђѓѕіїјљњћќўџґє".encode("cp1251")
_ELSEWHERE = b"\x98"  # any letter that cp1251 hasn't
_OF_NEIGHBOURS = "ђѓѕіїјљњћќўџґє".encode("cp1251") + _ELSEWHERE
_ONLY_RUSSIAN = "ыэ".encode("cp1251")  # Belarusian has them too, and gives itself away by і and ў
_HARD_SIGN = "ъ".encode("cp1251")
_HARD_SIGN_IN_RUSSIAN = tuple(
    pair.encode("cp1251") for pair in ("ъе", "ъю", "ъя", "ъэ", "ъ ")
)  # the last: «Коммерсантъ»
_LATIN = bytes(range(0x61, 0x7B))
_FIRST_CYRILLIC = 0x80  # in cp1251

# What joins words: half of any sentence.
_ENGLISH_WORDS = frozenset(
    b"the a an of to and in on at for with by from as is was were are be will that has its it his her their after over"
    b" what why how not than about said s".split()
)
_RUSSIAN_WORDS = frozenset("и в на с по не что за от у из о к для как это а но до его при".encode("cp1251").split())

# Endings of Ukrainian that no Russian word has.
_FOREIGN_ENDINGS = tuple(
    """
    ський ського ському ська ської ську ською цький цького цька цької
    ння тися ють
    """.encode("cp1251").split()
)

# Frequent words of Ukrainian, Belarusian, Bulgarian and Serbian, for headlines that happen to lack such letters.
_FOREIGN_WORDS = frozenset(
    """
    що або був було були бути щоб вже якщо який яка яке року
    аб гэта што каб таксама паводле яго яе але якое якая якія
    са беше бяха който която което които това този тази тези във със преди като още бъде бъдат каза заяви
    је био који која које због након
    """.encode("cp1251").split()
)


def surely_russian(opening: bytes, words: int, known: float | None) -> bool:
    """Whether the share of known words alone tells, also when an epigraph is in Ukrainian. `opening`: some first words.

    Half of the words of an English sentence may be known: names of bands, firms and games are words of news.
    """
    if known is None or known <= 0.8 or words < FEW_WORDS:
        return False
    return 2 * _count(opening[:_OPENING], _LATIN) < len(opening[:_OPENING])


def foreign(words: Sequence[bytes], known: Sequence[bool] | None = None) -> bool:
    """Whether words (as `words.words` gives them) are of another language than Russian.

    `known` says of each whether a Russian word list knows it; without it short texts in a kindred language may pass.
    """
    words = words[:_LOOKED_AT]
    letters = b" ".join(words) + b" "
    cyrillic = _count(letters, _CYRILLIC)
    latin = _count(letters, _LATIN)
    strange = _count(letters, _OF_NEIGHBOURS)
    # «α-вируса», «中国»: letters of no alphabet with Cyrillic beside all stand as the same byte
    symbols = sum(len(word) for word in words if not word.strip(_ELSEWHERE))
    if cyrillic > symbols:
        strange -= symbols
    if cyrillic + latin + strange == 0:
        return False  # numbers and emoji are no language at all
    if cyrillic < 0.2 * (cyrillic + latin):
        return len(words) >= FEWEST_WORDS or cyrillic == 0
    if cyrillic < latin and _reads_as_english(words):
        return True
    if len(words) < FEWEST_WORDS:
        return False
    share = _share_known(words, known) if known is not None else None
    telling = sum(map(_tells, words))
    russian = _count(letters, _ONLY_RUSSIAN)
    if len(words) < FEW_WORDS and _short_and_foreign(telling, russian, share):
        return True
    if strange > (0.012 if cyrillic < 300 else 0.03) * cyrillic:  # a long text may quote a neighbour
        return True
    hard_signs = letters.count(_HARD_SIGN) - sum(map(letters.count, _HARD_SIGN_IN_RUSSIAN))
    if hard_signs > 0.006 * cyrillic:
        return True
    if telling >= 2 and telling > 0.04 * len(words) and telling > russian:
        return True
    if share is not None and len(words) >= FEW_WORDS and cyrillic > latin:
        return share < (0.35 if russian else 0.5)
    return False


def _reads_as_english(words: Sequence[bytes]) -> bool:
    """«Russia's Госдума passes a bill on taxes»: what joins the words is English, whatever is quoted."""
    english = sum(word in _ENGLISH_WORDS for word in words)
    return english >= 2 and english > 3 * sum(word in _RUSSIAN_WORDS for word in words)


def _share_known(words: Sequence[bytes], known: Sequence[bool]) -> float:
    """Of the words in Cyrillic: names of firms and games are strange to any list."""
    ours = [is_known for word, is_known in zip(words, known, strict=False) if word[0] >= _FIRST_CYRILLIC]
    return sum(ours) / max(1, len(ours))


def _short_and_foreign(telling: int, russian: int, share_known: float | None) -> bool:
    """A headline's words are few, so one that can't be Russian counts, and more so among unknown ones."""
    unknown = share_known is not None and share_known <= (0.6 if telling else 0.4)
    return (unknown and (telling > 0 or not russian)) or telling >= max(2, russian)


def _tells(word: bytes) -> bool:
    """Whether a word can't be Russian by its letters, or is a frequent one of a neighbour."""
    return (
        word in _FOREIGN_WORDS
        or (word.strip(_ELSEWHERE) and word != word.translate(None, _OF_NEIGHBOURS))
        or word.endswith(_FOREIGN_ENDINGS)
        or (_HARD_SIGN in word and not any(pair in word for pair in _HARD_SIGN_IN_RUSSIAN) and word[-1:] != _HARD_SIGN)
    )


def _count(letters: bytes, which: bytes) -> int:
    return len(letters) - len(letters.translate(None, which))
