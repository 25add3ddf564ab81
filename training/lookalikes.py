"""Latin letters among Cyrillic ones, and the reverse: «Cпорт» with a Latin C is «Спорт» to every reader."""

import re

from training.labels import WORD

# h, k, m, t look like their twins as capitals only, but archives write labels in lower case: «tу-154» of RT
CYRILLIC = str.maketrans("ABCEHKMOPTXaceopxyhkmt", "АВСЕНКМОРТХасеорхункмт")
LATIN = str.maketrans("АВСЕНКМОРТХасеорху", "ABCEHKMOPTXaceopxy")
OF_CYRILLIC, OF_LATIN = re.compile("[А-ЯЁа-яё]"), re.compile("[A-Za-z]")


def in_one_alphabet(label: str) -> str:
    """Each word that mixes the alphabets in one of them: Cyrillic where all its Latin letters have a twin there, Latin
    where all its Cyrillic ones have. «IT-рынок» is two words, and «Xбокс9Z» is left as it is."""
    return WORD.sub(_one, label)


def _one(match: re.Match[str]) -> str:
    word = match.group()
    if not (OF_CYRILLIC.search(word) and OF_LATIN.search(word)):
        return word
    if not OF_LATIN.search(cyrillic := word.translate(CYRILLIC)):
        return cyrillic
    if not OF_CYRILLIC.search(latin := word.translate(LATIN)):
        return latin
    return word
