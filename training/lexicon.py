"""Training articles -> the lemma table and the vocabulary of the feature path, as plain arrays.

Three steps, each a function: count words, ask pymorphy3 once for every form that can matter (what it says is kept for
the next run, see morphology.py), choose the features. Nothing here depends on dict or file order: the same rows give
the same bytes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import dawg
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from service.inference.features import BLOCKS, BODY, LEAD, TITLE, Stream, Tokens, stream_of
from service.inference.lemmas import STOP
from service.inference.text import Text
from service.inference.words import FOREIGN_LETTER, words
from training.config import Vocabulary
from training.morphology import forms_of, lemma_of, morphology, prepare_forms, prepare_lemmas

Array = npt.NDArray[np.generic]
Longs = npt.NDArray[np.int64]
CHUNK = 4_000  # articles whose pairs are counted at once: about 1 GB for long ones

SMALL = 2_000  # articles; below it frequencies say little, and every word counts

# Function words carry no topic. Leaving them out costs nothing in accuracy and a quarter of the features.
_FUNCTION_WORDS = """
и в во не что он на я с со как а то весь все она так его но да ты к у же вы за бы по её ее мы от из о об обо
это этот тот который быти быть они для свой при до такой или если ли ни уже только также тоже было чтобы себя
"""
STOP_LEMMAS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True)
class Lexicon:
    """Arrays for `service.inference.lemmas` and `service.inference.features`."""

    lemmas: dict[str, npt.NDArray[np.generic]]
    features: dict[str, npt.NDArray[np.generic]]


def for_articles(options: Vocabulary, articles: int) -> Vocabulary:
    """The same for a small archive: what four of 2,000 articles share, one or two of 300 do."""
    if articles >= SMALL:
        return options
    least = 1 if articles < SMALL // 4 else 2
    return replace(
        options,
        min_lemma_articles=min(options.min_lemma_articles, least),
        min_pair_articles=min(options.min_pair_articles, least + 1),
    )


class WordCounts:
    """All words of the training set, each form by a number, each article as two rows of numbers."""

    def __init__(self) -> None:
        self.forms: dict[bytes, int] = {b"": 0}
        self.articles: list[Tokens] = []

    def add(self, text: Text) -> None:
        self.articles.append(Tokens(self._numbers(words(text.title)), self._numbers(words(text.body))))

    def _numbers(self, of: Sequence[bytes]) -> npt.NDArray[np.int32]:
        forms = self.forms
        return np.fromiter((forms.setdefault(word, len(forms)) for word in of), np.int32, len(of))


def build(texts: Iterable[Text], patterns: Sequence[frozenset[str]], options: Vocabulary) -> Lexicon:
    """The lemma table and the features. Heavy on CPU: 15 s for 23,000 articles of one outlet.

    `patterns` are sets of word forms that names of places and tags are made of; forms of pattern p map to p.
    """
    counts = WordCounts()
    for text in texts:
        counts.add(text)
    options = for_articles(options, len(counts.articles))
    prepare_lemmas(form.decode("cp1251") for form in counts.forms if form and FOREIGN_LETTER not in form)
    readings = ["", *map(_lemma_of_bytes, list(counts.forms)[1:])]
    known = sorted({lemma for lemma in readings if lemma and lemma not in STOP_LEMMAS})
    number = {lemma: i for i, lemma in enumerate(known, 1)} | {"": 0} | dict.fromkeys(STOP_LEMMAS, STOP)
    of_form = np.fromiter((number[lemma] for lemma in readings), np.int32, len(readings))

    frequencies = _lemma_frequencies(counts.articles, of_form, len(known))
    kept = np.flatnonzero(frequencies.max(axis=0) >= options.min_lemma_articles)
    # the most frequent first: what an article touches then lies close together in every table, and in the CPU's cache
    kept = kept[np.argsort(-frequencies[:, kept].sum(axis=0), kind="stable")]
    renumbered = np.zeros(len(known) + 1, np.int32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    of_form = np.where(of_form > 0, renumbered[of_form], of_form).astype(np.int32)
    names = ["", *(known[i - 1] for i in kept)]

    pairs, pair_frequencies = _pair_frequencies(counts.articles, of_form, len(kept), options)
    pairs, pair_frequencies = _without_rare_names(pairs, pair_frequencies, names, options.rare_name_articles)
    features = _columns(len(counts.articles), frequencies[:, kept], pairs, pair_frequencies, options)
    return Lexicon(table(names, counts.forms, patterns), features)


def _lemma_of_bytes(form: bytes) -> str:
    return "" if FOREIGN_LETTER in form else lemma_of(form.decode("cp1251"))


def _lemma_frequencies(articles: Sequence[Tokens], of_form: npt.NDArray[np.int32], lemmas: int) -> Longs:
    """In how many articles each lemma stands, for each block: (blocks, lemmas + 1)."""
    frequencies = np.zeros((len(BLOCKS), lemmas + 1), np.int64)
    for stream in _streams(articles, of_form):
        for block, where in _by_block(stream).items():
            seen = np.unique((stream.section[where] >> 1) * (lemmas + 1) + stream.lemma[where])
            frequencies[block] += np.bincount(seen % (lemmas + 1), minlength=lemmas + 1)
    frequencies[:, 0] = 0
    return frequencies


def _pair_frequencies(
    articles: Sequence[Tokens], of_form: npt.NDArray[np.int32], lemmas: int, options: Vocabulary
) -> tuple[Longs, Longs]:
    """Pairs of neighbouring lemmas frequent enough in some block, ascending, and in how many articles they stand."""
    found: list[tuple[Longs, Longs]] = []
    base = (lemmas + 1) ** 2
    for stream in _streams(articles, of_form):
        pair = np.zeros(len(stream.lemma), np.int64)
        pair[:-1] = stream.lemma[:-1] * (lemmas + 1) + stream.lemma[1:]
        both = np.zeros(len(pair), np.bool_)
        both[:-1] = (stream.lemma[:-1] > 0) & (stream.lemma[1:] > 0)
        for block, where in _by_block(stream, pairs=True).items():
            opens = where[both[where]]
            seen = np.unique((stream.section[opens] >> 1) * base + pair[opens]) % base
            unique, count = np.unique(seen, return_counts=True)
            found.append((unique * len(BLOCKS) + block, count))
    keys, place = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([count for _, count in found]), minlength=len(keys)).astype(np.int64)
    frequent = counts >= options.min_pair_articles
    pairs = np.unique(keys[frequent] // len(BLOCKS))
    table = np.zeros((len(BLOCKS), len(pairs)), np.int64)
    table[keys[frequent] % len(BLOCKS), np.searchsorted(pairs, keys[frequent] // len(BLOCKS))] = counts[frequent]
    return pairs, table


def _streams(articles: Sequence[Tokens], of_form: npt.NDArray[np.int32]) -> Iterable[Stream]:
    for start in range(0, len(articles), CHUNK):
        yield stream_of(articles[start : start + CHUNK], of_form)


def _by_block(stream: Stream, *, pairs: bool = False) -> dict[int, Longs]:
    in_body = (stream.section & 1) == 1
    lead = stream.lead()[1 if pairs else 0]
    return {BODY: np.flatnonzero(in_body), TITLE: np.flatnonzero(~in_body), LEAD: lead}


def _without_rare_names(pairs: Longs, frequencies: Longs, names: Sequence[str], enough: int) -> tuple[Longs, Longs]:
    """Leaves out pairs of a first name and a surname that few articles hold: a model need not know private persons."""
    first, second = np.divmod(pairs, len(names))
    rare = np.flatnonzero(frequencies[BODY] < enough)
    drop = [i for i in rare.tolist() if _is_person(names[first[i]], names[second[i]])]
    keep = np.ones(len(pairs), np.bool_)
    keep[drop] = False
    return pairs[keep], frequencies[:, keep]


def _is_person(first: str, second: str) -> bool:
    one, other = _name_parts(first), _name_parts(second)
    return bool(one and other) and bool({"Name", "Patr"} & (one | other))


@cache
def _name_parts(lemma: str) -> frozenset[str]:
    """Which parts of a person's name a lemma can be: Name, Patr, Surn. What the dictionary lacks may be a surname."""
    readings = morphology().parse(lemma)
    parts = {part for reading in readings for part in ("Name", "Patr", "Surn") if part in reading.tag}
    if not morphology().word_is_known(lemma) and re.fullmatch("[а-я]+", lemma):
        parts.add("Surn")
    return frozenset(parts)


def _columns(
    articles: int, lemma_frequencies: Longs, pairs: Longs, pair_frequencies: Longs, options: Vocabulary
) -> dict[str, Array]:
    none = np.zeros((len(BLOCKS), 1), np.int64)
    wanted = np.concatenate(
        (
            none,
            np.where(lemma_frequencies >= options.min_lemma_articles, lemma_frequencies, 0),
            np.where(pair_frequencies >= options.min_pair_articles, pair_frequencies, 0),
        ),
        axis=1,
    ).ravel()
    if options.max_features and np.count_nonzero(wanted) > options.max_features:
        wanted[np.argsort(-wanted, kind="stable")[options.max_features :]] = 0
    frequency = wanted[wanted > 0]
    return {
        "lemmas": np.array(lemma_frequencies.shape[1]),
        "pairs": pairs,
        "present": np.packbits(wanted > 0),
        "idf": (np.log((1 + articles) / (1 + frequency)) + 1).astype(np.float32),
        "weights": np.array([1.0, options.title_weight, options.lead_weight]),
    }


def table(names: Sequence[str], seen: Mapping[bytes, int], patterns: Sequence[frozenset[str]]) -> dict[str, Array]:
    """The automaton and the classes behind it."""
    number = {name: i for i, name in enumerate(names) if name} | dict.fromkeys(STOP_LEMMAS, STOP)
    fits: dict[str, list[int]] = {}
    for pattern, forms in enumerate(patterns):
        for form in forms:
            fits.setdefault(form, []).append(pattern)
    candidates = {form.decode("cp1251") for form in seen if form and FOREIGN_LETTER not in form} | set(fits)
    prepare_forms(number)
    for name in number:
        candidates |= forms_of(name)
    prepare_lemmas(candidates)

    classes: dict[tuple[int, tuple[int, ...]], int] = {(i, ()): i for i in range(len(names))}
    entries = []
    for form in sorted(candidates):
        meaning = (number.get(lemma_of(form), 0), tuple(fits.get(form, ())))
        if meaning != (0, ()):
            try:
                key = form.encode("cp1251")
            except UnicodeEncodeError:
                continue
            entries.append((key, classes.setdefault(meaning, len(classes))))
    meanings = list(classes)
    return {
        "automaton": np.frombuffer(dawg.IntDAWG(entries).tobytes(), np.uint8),
        "lemma": np.array([lemma for lemma, _ in meanings], np.int32),
        "patterns_start": np.cumsum([0, *(len(fit) for _, fit in meanings)], dtype=np.int32),
        "patterns": np.array([pattern for _, fit in meanings for pattern in fit], np.int32),
        "names": np.frombuffer("\n".join(names).encode("cp1251"), np.uint8),
    }
