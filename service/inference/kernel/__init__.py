"""The loops of the .c files here, where they were compiled; installing does that. Without them numpy answers, slower.

Each caller has both ways and tests hold them against each other. Calls keep the GIL: an article's loops take some
microseconds, less than handing the GIL over and getting it back.
"""

from ctypes import POINTER, PyDLL, Structure, c_char_p, c_double, c_int64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ABI = 3
PATH = Path(__file__).with_name("libkernel.so")
MEMO_BITS, KNOWN_BYTES = 16, 32  # of kernel.h: places of the memo of words, and the size of each


def _pointers(names: str) -> list[tuple[str, type[c_void_p]]]:
    return [(name, c_void_p) for name in names.split()]


def _numbers(names: str) -> list[tuple[str, type[c_int64]]]:
    return [(name, c_int64) for name in names.split()]


class Automaton(Structure):
    _fields_ = [*_pointers("units"), *_numbers("length classes"), *_pointers("memo")]


class Vocabulary(Structure):
    _fields_ = [
        *_pointers("lemma_of_class pairs perhaps column idf term_frequency weights"),
        *_numbers("lemmas pair_count hash_shift most_counted lead_words"),
        ("first_column", c_int64 * 3),
    ]


class Rubric(Structure):
    _fields_ = [*_pointers("weights bias"), *_numbers("classes")]


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


class Model(Structure):
    _fields_ = [
        ("automaton", Automaton),
        ("vocabulary", Vocabulary),
        ("rubric", Rubric),
        ("trie", Trie),
        ("tags", Tags),
    ]


class Article(Structure):
    _fields_ = [
        *(("text", c_char_p * 2), ("length", c_int64 * 2), ("words", c_int64 * 2)),
        *_pointers("edges classes cells spare columns values"),
        *_numbers("columns_found"),
        *_pointers("total rubric_margins tag_margins"),
        *(("hits", Hits * 2), ("in_title", c_int64 * 2)),
        *_pointers("slots namings candidates evidence log_odds"),
        *_numbers("candidates_found"),
    ]


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
    found.read_article.argtypes = (POINTER(Model), POINTER(Article))
    found.read_article.restype = c_int64
    return found


def half(array: npt.ArrayLike) -> npt.NDArray[np.float16]:
    """Weights as the loops take them, and where they were if they are so."""
    return np.ascontiguousarray(array, np.float16)


def addresses(*arrays: npt.NDArray[Any]) -> list[int]:
    """Where arrays lie that outlive their use in the loops."""
    assert all(array.flags.c_contiguous for array in arrays)
    return [array.ctypes.data for array in arrays]


library: PyDLL | None = _load()
