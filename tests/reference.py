"""The feature path as a textbook has it: a regular expression, pymorphy3, one TfidfVectorizer a block, stacked.

Slow and independent of `service.inference.features`: it shares the vocabulary and the list of stop words, nothing else.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import pymorphy3
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from service.inference.features import BLOCKS, Features
from service.inference.lemmas import Lemmas
from service.inference.text import Text
from training.lexicon import STOP_LEMMAS

WORD = re.compile(r"[^\W_]+")
LEAD_WORDS = 40


@cache
def lemma(word: str) -> str:
    return str(analyzer().parse(word)[0].normal_form).replace("ё", "е")


@cache
def analyzer() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer(lang="ru")


@cache
def base_letter(character: str) -> str:
    """A letter that cp1251 lacks as its base letter, where it has one: é -> e."""
    try:
        character.encode("cp1251")
    except UnicodeEncodeError:
        base = unicodedata.normalize("NFKD", character)[0]
        return base if base.isascii() and base.isalnum() else character
    return character


def lemmas_of(text: str) -> list[str]:
    plain = "".join(map(base_letter, text)).lower().replace("ё", "е")
    return [found for word in WORD.findall(plain) if (found := lemma(word)) not in STOP_LEMMAS]


def unigrams_and_pairs(lemmas: Sequence[str]) -> list[str]:
    return [*lemmas, *(f"{one} {two}" for one, two in pairwise(lemmas))]


class Reference:
    """`columns` of the features, in order, are the vocabulary; the rest is learnt from the training texts anew."""

    def __init__(self, features: Features, lemmas: Lemmas, train: Sequence[Text]) -> None:
        names = lemmas.names()
        self._weights = (1.0, 0.6, 0.3)
        self._vectorizers = []
        block_size = features.features + 1
        for number, block in enumerate(BLOCKS):
            keys = [key - number * block_size for key in features.keys if key // block_size == number]
            terms = [term(key, features, names) for key in keys]
            vectorizer = TfidfVectorizer(
                analyzer=unigrams_and_pairs, vocabulary={name: i for i, name in enumerate(terms)}, sublinear_tf=True
            )
            vectorizer.fit([self._block(text, block) for text in train])
            self._vectorizers.append(vectorizer)

    def matrix(self, texts: Sequence[Text]) -> sparse.csr_matrix:
        blocks = [
            vectorizer.transform([self._block(text, block) for text in texts]) * weight
            for vectorizer, block, weight in zip(self._vectorizers, BLOCKS, self._weights, strict=True)
        ]
        return normalize(sparse.hstack(blocks).tocsr())

    @staticmethod
    def _block(text: Text, block: str) -> list[str]:
        if block == "title":
            return lemmas_of(text.title)
        lemmas = lemmas_of(text.body)
        return lemmas[:LEAD_WORDS] if block == "lead" else lemmas


def term(feature: int, features: Features, names: Sequence[str]) -> str:
    """The lemma or the pair of lemmas behind a feature."""
    if feature <= features.lemmas:
        return names[feature]
    first, second = divmod(int(features.pairs[feature - features.lemmas - 1]), features.lemmas + 1)
    return f"{names[first]} {names[second]}"
