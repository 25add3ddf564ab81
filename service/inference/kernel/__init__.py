"""The loops of the .c files here, where they were compiled; installing does that. Without them numpy answers, slower.

Each caller has both ways and tests hold them against each other. Calls keep the GIL: an article takes 70 µs and a call
64 articles at most, no longer than the interpreter lets a thread run before another's turn.
"""

from ctypes import POINTER, PyDLL, Structure, c_char_p, c_double, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ABI = 8
PATH = Path(__file__).with_name("libkernel.so")
MEMO_BITS, KNOWN_BYTES = 15, 64  # of kernel.h: places of the memo of words, and the size of each
LONGEST_STRING, BUCKETS = 22, 1024  # of a Strings table
LONGEST_SOUGHT = 18
PLACE_FEATURES = 13
MENTION, FOUND, COUNTS = 10, 10, 6  # int32 in a Mention, in a Found, whose first two are its score, and in counts


def _pointers(names: str) -> list[tuple[str, type[c_void_p]]]:
    return [(name, c_void_p) for name in names.split()]


def _numbers(names: str) -> list[tuple[str, type[c_int64]]]:
    return [(name, c_int64) for name in names.split()]


class Automaton(Structure):
    _fields_ = [*_pointers("units"), *_numbers("length classes"), *_pointers("memo")]


class Vocabulary(Structure):
    _fields_ = [
        *_pointers("lemma_of_class pairs pairs_start perhaps column idf term_frequency weights"),
        *_numbers("lemmas pair_count hash_shift most_counted lead_words"),
        ("first_column", c_int64 * 3),
    ]


class Rubric(Structure):
    _fields_ = [
        *_pointers("weights bias slope offset"),
        *_numbers("classes"),
        *(("sharpness", c_double), ("top", c_double * 3)),
        *_numbers("untouched"),
    ]


class Trie(Structure):
    _fields_ = [
        *_pointers("opens patterns_start patterns edges_start edge_pattern edge_node phrases_start phrases root"),
        *_numbers("places"),
    ]


class Hits(Structure):
    _fields_ = [*_pointers("hits"), *_numbers("room found")]


class Tags(Structure):
    _fields_ = [
        *_pointers("start weights bias trained precision words ranker tag_of_phrase part_of_name log1p"),
        *_numbers("tags first_phrase most_counted first_words most_candidates"),
        ("least_margin", c_double),
    ]


class Strings(Structure):
    _fields_ = [*_pointers("strings start"), *_numbers("count")]


class Places(Structure):
    _fields_ = [
        *(("said", Strings), ("gaps", Strings), ("endings", Strings)),
        *_pointers("marks fold kind doubt place level own home abroad parent area above_start above rank"),
        *_pointers("population label_start labels weights"),
        *_numbers("opening larger"),
    ]


class Model(Structure):
    _fields_ = [
        ("automaton", Automaton),
        ("vocabulary", Vocabulary),
        ("rubric", Rubric),
        ("trie", Trie),
        ("tags", Tags),
        ("places", Places),
    ]


class Article(Structure):
    _fields_ = [
        *_numbers("letters"),
        *(("raw", c_void_p * 2), ("text", c_void_p * 2), ("length", c_int64 * 2), ("words", c_int64 * 2)),
        *_pointers("edges classes cells spare columns values"),
        *_numbers("columns_found"),
        *_pointers("total rubric_margins tag_margins"),
        *(("hits", Hits * 2), ("in_title", c_int64 * 2)),
        *_pointers("slots namings candidates evidence log_odds"),
        *_numbers("candidates_found"),
        *_pointers("stretches phrases events mentions"),
        ("mentions_found", c_int64 * 2),
        *_pointers("named told listed places"),
        *_numbers("places_found"),
        *_pointers("places_slots places_said places_known"),
    ]


class Batch(Structure):
    _fields_ = [
        *_pointers("raw length exact"),
        *_numbers("articles done"),
        *_pointers("near least counts margins probabilities ranked scores tags log_odds places spans"),
        *_numbers("tags_room places_room spans_room tags_found places_found spans_found wide"),
    ]


class Looks(Structure):
    _fields_ = [*_pointers("characters pairs sought"), *_numbers("count near")]


def _load() -> PyDLL | None:
    try:
        found = PyDLL(str(PATH))
    except OSError:
        return None
    if found.kernel_abi() != ABI:
        return None  # compiled from other sources: numpy is right
    found.classes_of_words.argtypes = (POINTER(Automaton), c_char_p, c_int64, c_void_p, c_void_p)
    found.classes_of_words.restype = c_int64
    found.tf_idf.argtypes = (POINTER(Vocabulary), c_int64, *[c_void_p] * 7)
    found.tf_idf.restype = None
    found.find_names.argtypes = (POINTER(Trie), c_void_p, c_int64, POINTER(Hits))
    found.find_names.restype = None
    found.look_at.argtypes = (POINTER(Looks), POINTER(c_char_p), POINTER(c_int64), c_int64, POINTER(c_int32))
    found.look_at.restype = None
    found.read_articles.argtypes = (POINTER(Model), POINTER(Article), POINTER(Batch))
    found.read_articles.restype = c_int64
    found.rank.argtypes = (c_void_p, c_int64, c_void_p, c_void_p)
    found.rank.restype = None
    found.find_places.argtypes = (POINTER(Places), c_void_p, POINTER(Article))
    found.find_places.restype = None
    return found


def half(array: npt.ArrayLike) -> npt.NDArray[np.float16]:
    """Weights as the loops take them, and where they were if they are so."""
    return np.ascontiguousarray(array, np.float16)


def addresses(*arrays: npt.NDArray[Any]) -> list[int]:
    """Where arrays lie that outlive their use in the loops."""
    assert all(array.flags.c_contiguous for array in arrays)
    return [array.ctypes.data for array in arrays]


library: PyDLL | None = _load()
