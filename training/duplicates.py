"""Near-duplicates: articles that share half of their four-word runs get one group, so that no split parts them.

100,000 articles take half a minute, most of it words.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
from rensa import RMinHash
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from service.inference.article import Article
from service.inference.text import read
from service.inference.words import words

RUN = 4  # words
PERMUTATIONS = 128
SIMILARITY = 0.5  # Jaccard
BAND = 4  # equal values in a row make a candidate: 32 bands of 4 find a pair of similarity .5 with probability .87
NEIGHBOURS = 50  # candidates in one band are compared with so many next to them; larger heaps are boilerplate

Numbers = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.int64]

_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def groups(articles: Sequence[Article], keys: Sequence[str]) -> list[str]:
    """For each article the smallest key of the near-duplicates it belongs to: its own if there are none."""
    runs = [_runs(article) for article in articles]
    filled = np.flatnonzero([len(run) > 0 for run in runs])
    if len(filled) < 2:
        return list(keys)
    pairs = filled[_similar(_digests([runs[i] for i in filled]))]
    ones = np.ones(len(pairs), np.int8)
    graph = sparse.coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(keys), len(keys)))
    _, cluster = connected_components(graph, directed=False)
    smallest: dict[int, str] = {}
    for key, number in zip(keys, cluster.tolist(), strict=True):
        smallest[number] = min(key, smallest.get(number, key))
    return [smallest[number] for number in cluster.tolist()]


def _runs(article: Article) -> Numbers:
    """One number for each four words in a row; a shorter text is one run, an empty one none."""
    text = read(article)
    hashes = np.fromiter(map(crc32, words(text.title + "\n" + text.body)), np.uint64)
    if len(hashes) == 0:
        return hashes
    length = min(RUN, len(hashes))
    mixed = np.zeros(len(hashes) - length + 1, np.uint64)
    for i in range(length):
        mixed = (mixed ^ hashes[i : len(hashes) - length + 1 + i]) * _ODD
        mixed ^= mixed >> _SHIFT
    return mixed


def _digests(runs: Sequence[Numbers]) -> npt.NDArray[np.uint32]:
    starts = np.concatenate(([0], np.cumsum([len(run) for run in runs]))).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(runs), starts, PERMUTATIONS, 0)
    return np.array(matrix.to_rows(), np.uint32)


def _similar(digests: npt.NDArray[np.uint32]) -> Pairs:
    """Pairs of rows whose digests agree in half of their values. rensa's own index would find one row at a time."""
    found = [np.empty((0, 2), np.int64)]
    for candidates in _candidates(digests):
        agree = (digests[candidates[:, 0]] == digests[candidates[:, 1]]).mean(axis=1)
        found.append(candidates[agree >= SIMILARITY])
    return np.unique(np.concatenate(found), axis=0)


def _candidates(digests: npt.NDArray[np.uint32]) -> Iterator[Pairs]:
    """Pairs of rows that are equal in a band."""
    for start in range(0, PERMUTATIONS, BAND):
        band = np.ascontiguousarray(digests[:, start : start + BAND]).view(np.uint64)
        order = np.lexsort(band.T)
        ordered = band[order]
        for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
            equal = np.flatnonzero((ordered[step:] == ordered[:-step]).all(axis=1))
            if len(equal) == 0:
                break
            yield np.sort(np.stack((order[equal], order[equal + step]), axis=1), axis=1)
