"""The peer of the tag head: what a first attempt with scikit-learn looks like, on the same lemmas."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from service.inference.features import tokenise
from service.inference.lemmas import Lemmas
from service.inference.text import Text
from training.protocols.peers.raw_words import FEWEST_EXAMPLES

FEWEST_ARTICLES = 3  # of a lemma


class Tagged(NamedTuple):
    texts: Sequence[Text]
    tags: Sequence[frozenset[int]]


Scored = tuple[int, float, bool]  # a tag, its margin, whether it is answered


def one_vs_rest(
    lemmas: Lemmas, train: Tagged, validation: Tagged, test: Sequence[Text], tags: int
) -> list[list[Scored]]:
    """Every tag with FEWEST_EXAMPLES, the highest margin first, for each test article."""
    words = [_lemmas(lemmas, texts) for texts in (train.texts, validation.texts, test)]
    earlier = _margins(words[0], train.tags, words[1], tags)
    threshold = _threshold(earlier, _incidence(validation.tags, tags).toarray() > 0)
    margins = _margins(words[0] + words[1], [*train.tags, *validation.tags], words[2], tags)
    order = np.argsort(-margins, axis=1, kind="stable")
    return [
        [(tag, float(row[tag]), bool(row[tag] >= threshold)) for tag in ranked if np.isfinite(row[tag])]
        for row, ranked in zip(margins, order.tolist(), strict=True)
    ]


def _lemmas(lemmas: Lemmas, texts: Sequence[Text]) -> list[str]:
    """Lemmas as words of a text; a stop word is none."""
    return [
        " ".join(str(lemma) for lemma in lemmas.lemma_of_class[np.concatenate((one.title, one.body))] if lemma > 0)
        for one in tokenise(texts, lemmas)
    ]


def _margins(
    train: Sequence[str], tags: Sequence[frozenset[int]], asked: Sequence[str], count: int
) -> npt.NDArray[np.float64]:
    """(articles asked, tags); minus infinity for a tag with fewer than FEWEST_EXAMPLES."""
    vectorizer = TfidfVectorizer(min_df=FEWEST_ARTICLES, analyzer=str.split)
    rows, labels = vectorizer.fit_transform(train), _incidence(tags, count)
    used = np.flatnonzero(np.asarray(labels.sum(axis=0)).ravel() >= FEWEST_EXAMPLES)
    model = OneVsRestClassifier(LinearSVC(random_state=0)).fit(rows, labels[:, used])
    margins = np.full((len(asked), count), -np.inf)
    margins[:, used] = model.decision_function(vectorizer.transform(asked))
    return margins


def _incidence(tags: Sequence[frozenset[int]], count: int) -> sparse.csr_matrix:
    of = [(row, tag) for row, of_one in enumerate(tags) for tag in sorted(of_one)]
    rows, columns = zip(*of, strict=True)
    # not int8: the label binarizer of scikit-learn numbers the tags in the matrix's own type, and wraps at 127
    return sparse.csr_matrix((np.ones(len(of), np.int64), (rows, columns)), shape=(len(tags), count))


def _threshold(margins: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> float:
    """The margin with the best micro-F1."""
    order = np.argsort(-margins, axis=None, kind="stable")
    hits = np.cumsum(right.ravel()[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + right.sum())
    return float(margins.ravel()[order[int(f1.argmax())]])
