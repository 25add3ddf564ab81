"""Word form -> lemma, by one look-up in a table baked at training time.

pymorphy3 costs 13 µs a known form and 40 µs and more an unknown one: several milliseconds an article. So training asks
it once for every form whose lemma is a feature or part of a name, and stores the answers in a minimal automaton
(DAWG): 2 ms to load, a few megabytes, as fast as a dict. A form's value there is its *class*: the lemma that features
see (pymorphy3's first reading), and the patterns of names that it fits, of which it may have several («Кирова» is a
form of Киров and of Кирова). Class i is lemma i for all lemmas; later classes fit patterns; 0 is everything else.
"""

from collections.abc import Mapping, Sequence
from ctypes import byref
from functools import cached_property

import dawg
import numpy as np
import numpy.typing as npt

from service.inference import kernel

Ints = npt.NDArray[np.int32]

STOP = -1  # the lemma of stop words: they are left out before pairs are formed
WIDE = 15_000  # classes: from here on an ordinary Russian text is mostly known words
MEMO_LIMIT = 50_000  # forms kept in the dict before the automaton; Zipf's law makes it hit 19 times of 20


class Lemmas:
    """The look-up table. `classes` is the hot path."""

    def __init__(self, parts: Mapping[str, npt.NDArray[np.generic]], *, predict_unknown: bool = False) -> None:
        """`parts` are arrays: `automaton` (bytes of a DAWG, keys in cp1251), `lemma` (a class; `STOP` for stop words),
        `patterns_start` and `patterns` (patterns of class i are `patterns[patterns_start[i]:patterns_start[i + 1]]`),
        `names` (lemmas by id, joined by newlines, cp1251).

        With `predict_unknown`, forms outside the table go through pymorphy3's predictor at first sight (some 50 µs
        each). It changes one token in a thousand, so services leave it off.
        """
        self._automaton: bytes = parts["automaton"].tobytes()
        self.lemma_of_class: Ints = np.asarray(parts["lemma"], np.int32)
        self.patterns_start: Ints = np.asarray(parts["patterns_start"], np.int32)
        self.patterns: Ints = np.asarray(parts["patterns"], np.int32)
        self._names = parts["names"]
        self.wide = len(self.lemma_of_class) >= WIDE
        self._predictor = _Predictor(self.names()) if predict_unknown else None
        self.predicts = predict_unknown
        self._units = np.frombuffer(self._automaton, np.uint32, offset=4)  # after their number
        self._known = np.zeros((1 << kernel.MEMO_BITS) * kernel.KNOWN_BYTES + kernel.KNOWN_BYTES, np.uint8)
        units, known = kernel.addresses(self._units, self._known)
        known += -known % kernel.KNOWN_BYTES  # a place in the memo is a line of the cache
        self.compiled = kernel.Automaton(units, len(self._units), len(self.lemma_of_class), known)

    def classes(self, folded: bytes) -> Ints:
        """Class of each word of a folded text, 0 where the word means nothing to the model."""
        if kernel.library is None or self.predicts:
            words = folded.split()
            return np.fromiter(map(self._memo.__getitem__, words), np.int32, len(words))
        classes, edges = np.empty((len(folded) + 1) // 2, np.int32), np.empty(len(folded) + 1, np.int32)
        found = kernel.library.classes_of_words(
            byref(self.compiled), folded, len(folded), edges.ctypes.data, classes.ctypes.data
        )
        return classes[:found].copy()

    @cached_property
    def _memo(self) -> "_Memo":
        automaton = dawg.IntDAWG()
        automaton.frombytes(self._automaton)
        return _Memo(automaton, self._predictor)

    def names(self) -> list[str]:
        """Lemmas by id; id 0 is the empty string."""
        return self._names.tobytes().decode("cp1251").split("\n")


class _Memo(dict[bytes, int]):
    """Form -> class. Misses ask the automaton; when full it starts afresh, which bounds memory and costs 1 ms."""

    def __init__(self, automaton: "dawg.IntDAWG", predictor: "_Predictor | None") -> None:
        super().__init__()
        self._find = automaton.get
        self._predict = predictor

    def __missing__(self, word: bytes) -> int:
        found: int = self._find(word, 0)
        if not found and self._predict is not None:
            found = self._predict(word)
        if len(self) >= MEMO_LIMIT:
            self.clear()
        self[word] = found
        return found


class _Predictor:
    """pymorphy3 for forms that the table does not hold."""

    def __init__(self, names: Sequence[str]) -> None:
        import pymorphy3  # 0.2 s and 30 MB, only for those who ask for it

        self._morph = pymorphy3.MorphAnalyzer(lang="ru")
        self._id = {name: number for number, name in enumerate(names) if name}

    def __call__(self, word: bytes) -> int:
        form = word.decode("cp1251", "replace")
        return self._id.get(self._morph.parse(form)[0].normal_form.replace("ё", "е"), 0)
