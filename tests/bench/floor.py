"""The same unigram work in C: what no Python around the loops can get under. Compiled when it is needed."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from service.inference.article import Article
from service.inference.words import TABLE, words
from tests.bench.material import Material
from tests.bench.peers import whole

SOURCE = Path(__file__).with_name("floor.c")
LETTERS = 28  # of floor.c: longer words are not in its table
BITS = 21  # places of the table: some 400,000 words

Array = npt.NDArray[np.generic]


class Floor:
    """Knows the words of all articles, those it is measured on included, as far as their lemma is a feature."""

    def __init__(self, material: Material) -> None:
        self._library = ctypes.PyDLL(str(compiled(material.folder)))
        ours = material.annotator()
        seen = sorted({word for row in material.rows for word in words(row.whole) if len(word) <= LETTERS})
        lemma = ours.lemmas.lemma_of_class[ours.lemmas.classes(b" ".join(seen))]
        keys = ours.features.keys
        of_bodies = keys[keys <= ours.features.lemmas]  # the first block, and of it what is no pair
        column = np.searchsorted(of_bodies, lemma).clip(0, len(of_bodies) - 1)
        is_known = (lemma > 0) & (of_bodies[column] == lemma)
        known = np.array(seen, f"S{LETTERS}")[is_known]
        self._slots = np.zeros(1 << BITS, np.dtype([("word", f"S{LETTERS}"), ("column", np.int32)]))
        self._slots["column"] = -1
        self._call("fill", self._slots, 64 - BITS, len(known), known, column[is_known].astype(np.int32))
        self._idf = ours.features._idf[: len(of_bodies)].copy()
        self._weights = ours.rubric.rows(np.arange(len(of_bodies), dtype=np.int32))
        self._classes = self._weights.shape[1]
        self._counts, self._columns = np.zeros((2, len(of_bodies)), np.int32)
        self._fold = np.frombuffer(TABLE, np.uint8)
        self._totals = np.zeros(self._classes, np.float32)
        self.facts = {"words": len(known), "columns": len(of_bodies)}

    def __call__(self, articles: Sequence[Article]) -> list[int]:
        best = []
        for article in articles:
            text = whole(article).encode("cp1251", "replace")
            self._call(
                "margins",
                text,
                len(text),
                self._fold,
                self._slots,
                64 - BITS,
                self._idf,
                self._weights,
                self._classes,
                self._counts,
                self._columns,
                self._totals,
            )
            best.append(int(self._totals.argmax()))
        return best

    def _call(self, name: str, *arguments: Array | bytes | int) -> None:
        function = getattr(self._library, name)
        function.restype = None
        function(
            *(
                ctypes.c_void_p(one.ctypes.data)
                if isinstance(one, np.ndarray)
                else ctypes.c_int64(one)
                if isinstance(one, int)
                else one
                for one in arguments
            )
        )


def compiled(folder: Path) -> Path:
    """As setup.py compiles the kernel, but for this very CPU: it is to be hard to beat."""
    target = folder / "floor.so"
    if not target.exists() or target.stat().st_mtime < SOURCE.stat().st_mtime:
        cache = {name: str(folder / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
        command = [sys.executable, "-m", "ziglang", "cc", "-std=c11", "-O3", "-march=native", "-fPIC", "-shared"]
        subprocess.run([*command, "-o", str(target), str(SOURCE), "-lm"], check=True, env={**os.environ, **cache})
    return target
