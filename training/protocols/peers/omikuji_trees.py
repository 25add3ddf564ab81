"""omikuji: trees of linear classifiers for very many labels (Parabel, Prabhu et al. 2018), on tf-idf of raw words."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from training.protocols.peers.peer import Answers, Learnable, Model, Options, Peer, numbered
from training.protocols.peers.tag_peer import RANKED, Ranking, Tagged, TagModel, TagPeer

MIN_ARTICLES = 2  # of a word: the defaults of Annif, where omikuji is used most


def train(rows: sparse.csr_array, labels: Sequence[Sequence[int]], count: int) -> Any:
    """A model of rows with the numbers of their labels, `count` different ones; it reads no row without either."""
    import omikuji

    chosen = [i for i, own in enumerate(labels) if own and rows.indptr[i] < rows.indptr[i + 1]]
    rows = rows[chosen]
    with TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        with path.open("w", encoding="ascii") as file:
            file.write(f"{rows.shape[0]} {rows.shape[1]} {count}\n")
            file.writelines(
                f"{','.join(map(str, labels[i]))} {row}\n" for i, row in zip(chosen, _rows(rows), strict=True)
            )
        with silence():
            return omikuji.Model.train_on_data(str(path), n_threads=1)


@contextmanager
def silence() -> Iterator[None]:
    """It logs to stdout and draws a bar a row to stderr, from below Python, and can't be told not to."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(stream) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        yield
    finally:
        for stream, back in zip((1, 2), kept, strict=True):
            os.dup2(back, stream)
            os.close(back)
        os.close(nowhere)


def _rows(rows: sparse.csr_array) -> Iterator[str]:
    for first, last in zip(rows.indptr, rows.indptr[1:], strict=False):
        pairs = zip(rows.indices[first:last].tolist(), rows.data[first:last].tolist(), strict=True)
        yield " ".join(f"{column}:{value:.6g}" for column, value in pairs)


def ranked(model: Any, rows: sparse.csr_array, first: int) -> Iterator[list[tuple[int, float]]]:
    """Numbers of the likeliest labels of each row with their scores."""
    for start, end in zip(rows.indptr, rows.indptr[1:], strict=False):
        pairs = zip(rows.indices[start:end].tolist(), rows.data[start:end].tolist(), strict=True)
        yield model.predict(list(pairs), beam_size=max(10, first), top_k=first)


def vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(min_df=MIN_ARTICLES)


def _learn(learnt: Learnable, _: Options) -> Model:
    names, numbers = numbered(learnt.labels)
    words = vectorizer()
    model = train(sparse.csr_array(words.fit_transform(learnt.texts)), [[i] for i in numbers], len(names))

    def answer(texts: Sequence[str]) -> Answers:
        best = [(found or [(0, 0.0)])[0] for found in ranked(model, sparse.csr_array(words.transform(texts)), 1)]
        return Answers([names[i] for i, _ in best], np.array([score for _, score in best], np.float64))

    return answer


OMIKUJI = Peer("omikuji", _learn, is_repeatable=False)


def _learn_tags(learnt: Tagged, _: Options) -> TagModel:
    names, numbers = learnt.numbered()
    words = vectorizer()
    model = train(sparse.csr_array(words.fit_transform(learnt.texts)), numbers, len(names))

    def answer(texts: Sequence[str]) -> list[Ranking]:
        found = ranked(model, sparse.csr_array(words.transform(texts)), RANKED)
        return [[(names[i], score) for i, score in one] for one in found]

    return answer


OMIKUJI_TAGS = TagPeer("omikuji", _learn_tags)
