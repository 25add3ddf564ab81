"""Names -> the forms that each of their words may have in a text, by pymorphy3: as training makes them of a label."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

from service.inference.words import FOREIGN_LETTER, words

if TYPE_CHECKING:
    import pymorphy3

FUNCTION_WORDS = frozenset({"PREP", "CONJ", "PRCL", "NPRO", "INTJ"})  # as pymorphy3 calls their parts of speech

COMMON = frozenset({"NOUN", "ADJF", "PRTF", "VERB", "INFN", "ADVB"}) | FUNCTION_WORDS
PROPER = frozenset({"Name", "Surn", "Patr", "Geox", "Orgn", "Trad", "Abbr"})

Forms: TypeAlias = tuple[str, ...]  # of one word
Name: TypeAlias = tuple[Forms, ...]


def declined(name: str) -> Name:
    """Takes 0.2 s and 30 MB the first time, then 0.1 ms a word. () of a name without a word that a text could hold."""
    found = words(name)
    if any(FOREIGN_LETTER in word for word in found):  # all letters that cp1251 lacks are one
        return ()
    return tuple(_forms(word.decode("cp1251")) for word in found)


def declined_all(names: Sequence[str]) -> tuple[Name, ...]:
    return tuple(dict.fromkeys(map(declined, names)))


def says_nothing(name: str) -> bool:
    """Whether it is a single letter or function words alone: in a text such words stand everywhere."""
    found = [word.decode("cp1251") for word in words(name)]
    if len("".join(found)) < 2:
        return True
    return all(_morphology().parse(word)[0].tag.POS in FUNCTION_WORDS for word in found)


def is_nominative(name: str) -> bool:
    """Whether each word stands as a dictionary has it: «Скания», not «Скании»."""
    found = [word.decode("cp1251") for word in words(name)]
    return all(_fold(_morphology().parse(word)[0].normal_form) == word for word in found)


def is_common(word: str) -> bool:
    """A capital letter alone makes no name of it: «Министерство», «Выборгском»; it does of «Путин»."""
    reading = _morphology().parse(_fold(word))[0]
    return reading.is_known and reading.tag.POS in COMMON and PROPER.isdisjoint(reading.tag.grammemes)


@cache
def _morphology() -> "pymorphy3.MorphAnalyzer":
    import pymorphy3  # a start need not wait for it

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=20_000)
def _forms(word: str) -> Forms:
    """Every form of every reading that has the lemma of the first one."""
    readings = _morphology().parse(word)
    lemma = _fold(readings[0].normal_form)
    same = [reading for reading in _morphology().parse(lemma) if _fold(reading.normal_form) == lemma]
    return tuple(sorted({_fold(form.word) for reading in same for form in reading.lexeme} | {lemma, word}))


def _fold(word: str) -> str:
    return word.lower().replace("ё", "е")
