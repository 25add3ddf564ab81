"""Fits the linear models of the rubric and tag heads."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from service.inference.features import Matrix
from training.cores import on_all_cores

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
TOLERANCE = 0.01  # of a tag's model: its margins move in the fourth digit, and half of the steps are saved
ENOUGH_EXAMPLES = 20  # of a tag, for a model to be relied on
NEGATIVES_OF_FEW, WEIGHTS_OF_FEW = 1200, 200  # for a tag with fewer
PIECE = 16  # tags fitted in one go
WORTH_ALL_CORES = 5_000_000  # tags times articles: some 10 s of CPU
HARD_SHARE = 3  # one of so many negatives is a hard one: near the tag's centroid


@dataclass(frozen=True)
class Linear:
    """Weights (columns, labels) and a bias a label."""

    weights: Floats
    bias: Floats

    def margins(self, rows: sparse.csr_array) -> Floats:
        margins: Floats = np.asarray(rows @ self.weights + self.bias, np.float32)
        return margins


def csr(matrix: Matrix) -> sparse.csr_array:
    """As scipy's; liblinear wants 32-bit indices, which are enough for ten million articles."""
    start = matrix.start.astype(np.int32)
    return sparse.csr_array((matrix.values, matrix.columns, start), shape=(len(start) - 1, matrix.width))


def as_large(C: float, articles: int, standing_for: int) -> float:
    """The C with which weights fitted on `articles` claim as much as those on the `standing_for` that will answer.

    At one C, weights fitted on more articles give larger margins, more so than they are right: on fontanka's 2022 a
    refit on the latest two months as well claimed .014 more than before over the truth; with C * n^-0.6 they are even.
    """
    return C * (standing_for / articles) ** 0.6 if articles else C


class RubricTask(NamedTuple):
    """What `fit_rubric` is given."""

    rows: sparse.csr_array
    labels: npt.NDArray[np.integer]
    classes: int
    weights: Floats
    C: float
    power: float
    seed: int


def fit_rubric(
    rows: sparse.csr_array,
    labels: npt.NDArray[np.integer],
    classes: int,
    weights: Floats,
    C: float,
    power: float,
    seed: int,
) -> Linear:
    """One-vs-rest linear SVM; a class weighs (n_max / n)^power, which lifts small rubrics without drowning in them.

    Full balance (power 1) costs 2.5 points of accuracy, none costs the small rubrics. 20 s for 100,000 articles.
    """
    count = np.bincount(labels, minlength=classes)
    if np.count_nonzero(count) < 2:  # a fold of a tiny archive
        return Linear(np.zeros((rows.shape[1], classes), np.float32), np.full(classes, -1.0, np.float32))
    weight = {c: float((count.max() / n) ** power) for c, n in enumerate(count.tolist()) if n}
    model = _svm(C, seed, class_weight=weight)
    model.fit(rows, labels, sample_weight=weights)
    weights_by_class = np.zeros((rows.shape[1], classes), np.float32)
    bias = np.full(classes, -1.0, np.float32)
    if len(model.classes_) == 2:  # liblinear then fits one model, for the second class
        weights_by_class[:, model.classes_] = np.stack((-model.coef_[0], model.coef_[0]), axis=1)
        bias[model.classes_] = (-model.intercept_[0], model.intercept_[0])
    else:
        weights_by_class[:, model.classes_] = model.coef_.T
        bias[model.classes_] = model.intercept_
    return Linear(weights_by_class, bias)


@dataclass(frozen=True)
class TagWeights:
    """Weights by column: column c has those of `start[c]:start[c + 1]`; untrained tags have none and a bias of -1."""

    start: Longs
    tag: npt.NDArray[np.int32]
    weight: Floats
    bias: Floats


def fit_tags(
    rows: sparse.csr_array,
    tagged: sparse.csr_array,
    usable: Callable[[int], npt.NDArray[np.bool_]],
    trained: Sequence[int],
    *,
    C: float,
    weights_per_tag: int,
    max_negatives: int,
    seed: int,
    done: Callable[[int], None] = lambda _: None,
) -> TagWeights:
    """A linear SVM for each tag of `trained`, against articles of outlets that use the tag (`usable(tag)`, a row mask).

    Where there are many negatives, a third are those nearest to the positives' centroid and the rest are drawn: the
    same average precision in a 27th of the time. Only the heaviest weights are kept: about 1,000 a tag lose nothing. A
    tag of few examples needs fewer of both.
    """
    by_tag = tagged.tocsc()
    positives = {tag: np.sort(by_tag.indices[by_tag.indptr[tag] : by_tag.indptr[tag + 1]]) for tag in trained}
    options = _TagOptions(C, weights_per_tag, max_negatives, seed)
    calls = [
        (
            rows.data,
            rows.indices,
            rows.indptr,
            rows.shape,
            [(tag, positives[tag], usable(tag)) for tag in piece],
            options,
        )
        for piece in _pieces(trained)
    ]
    entries: list[tuple[Longs, int, Floats]] = []
    bias = np.full(tagged.shape[1], -1.0, np.float32)
    for fitted in on_all_cores(_fit_piece, calls, worth=len(trained) * rows.shape[0] >= WORTH_ALL_CORES):
        for tag, kept, weights, intercept in fitted:
            entries.append((kept, tag, weights))
            bias[tag] = intercept
        done(len(entries))
    return _by_column(entries, bias, rows.shape[1])


class _TagOptions(NamedTuple):
    C: float
    weights_per_tag: int
    max_negatives: int
    seed: int


def _pieces(trained: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(trained), PIECE):
        yield trained[start : start + PIECE]


def _fit_piece(
    data: Floats, indices: npt.NDArray[np.int32], start: npt.NDArray[np.int32], shape: tuple[int, int],
    tags: Sequence[tuple[int, Longs, npt.NDArray[np.bool_]]], options: _TagOptions,
) -> list[tuple[int, Longs, Floats, float]]:  # fmt: skip
    """Of each tag its columns, their weights and its bias. The rows come as arrays, which processes share."""
    rows = sparse.csr_array((data, indices, start), shape=shape)
    near = _nearness(rows, [positives for _, positives, _ in tags])
    return [_fit_tag(rows, tag, positives, usable, near[i], options) for i, (tag, positives, usable) in enumerate(tags)]


def _nearness(rows: sparse.csr_array, positives: Sequence[Longs]) -> Floats:
    """Of each tag how near all rows are to the centroid of its own: (tags, rows). All tags by one product, which reads
    the rows once."""
    lengths = [len(own) for own in positives]
    of_tag = np.repeat(np.arange(len(positives)), lengths)
    share = np.repeat(1.0 / np.array(lengths), lengths).astype(np.float32)
    means = sparse.csr_array((share, (of_tag, np.concatenate(positives))), shape=(len(positives), rows.shape[0]))
    near: Floats = (rows @ (means @ rows).T.toarray()).T
    return near


def _fit_tag(
    rows: sparse.csr_array, tag: int, positives: Longs, usable: npt.NDArray[np.bool_], near: Floats,
    options: _TagOptions,
) -> tuple[int, Longs, Floats, float]:  # fmt: skip
    few = len(positives) < ENOUGH_EXAMPLES
    most = min(options.max_negatives, NEGATIVES_OF_FEW) if few else options.max_negatives
    positive = np.zeros(rows.shape[0], np.bool_)
    positive[positives] = True
    generator = np.random.default_rng((options.seed, tag))  # of its own: whatever else is fitted, and where
    chosen = np.sort(np.concatenate((positives, _negatives(near, positive, usable, most, generator))))
    own, columns = _columns_of(rows[chosen], positive[chosen])
    if not len(columns):  # texts without a known word
        return tag, columns, np.zeros(0, np.float32), -1.0
    model = _svm(options.C, options.seed, tolerance=TOLERANCE)
    model.fit(own, positive[chosen])
    coefficients = model.coef_[0].astype(np.float32)
    kept = np.flatnonzero(coefficients)
    most = min(options.weights_per_tag, WEIGHTS_OF_FEW) if few else options.weights_per_tag
    if len(kept) > most:
        kept = np.sort(kept[np.argsort(-np.abs(coefficients[kept]), kind="stable")[:most]])
    return tag, columns[kept], coefficients[kept], float(model.intercept_[0])


def _columns_of(rows: sparse.csr_array, positive: npt.NDArray[np.bool_]) -> tuple[sparse.csr_array, Longs]:
    """The rows with those columns alone that a positive has, and which they are.

    A word that no article of the tag has can only speak against it: such weights are small, and nine of ten would not
    be kept. Without them a fit takes a third of the time.
    """
    columns = np.unique(rows[positive].indices).astype(np.int64)
    number = np.full(rows.shape[1], -1, np.int32)
    number[columns] = np.arange(len(columns), dtype=np.int32)
    renumbered = number[rows.indices]
    there = np.flatnonzero(renumbered >= 0)
    start = np.searchsorted(there, rows.indptr).astype(np.int32)
    shape = (rows.shape[0], len(columns))
    return sparse.csr_array((rows.data[there], renumbered[there], start), shape=shape), columns


def _negatives(
    near: Floats,
    positive: npt.NDArray[np.bool_],
    usable: npt.NDArray[np.bool_],
    at_most: int,
    generator: np.random.Generator,
) -> Longs:
    negative = np.flatnonzero(usable & ~positive)
    if len(negative) <= at_most:
        return negative
    hard = negative[np.argsort(-near[negative], kind="stable")[: at_most // HARD_SHARE]]
    others = np.setdiff1d(negative, hard, assume_unique=True)
    return np.concatenate((hard, generator.choice(others, at_most - len(hard), replace=False)))


def _by_column(entries: Sequence[tuple[Longs, int, Floats]], bias: Floats, width: int) -> TagWeights:
    if not entries:
        return TagWeights(np.zeros(width + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), bias)
    column = np.concatenate([columns for columns, _, _ in entries])
    tag = np.repeat([tag for _, tag, _ in entries], [len(columns) for columns, _, _ in entries]).astype(np.int32)
    weight = np.concatenate([weights for _, _, weights in entries])
    order = np.lexsort((tag, column))
    start = np.concatenate(([0], np.cumsum(np.bincount(column, minlength=width))))
    return TagWeights(start, tag[order], weight[order], bias)


def _svm(C: float, seed: int, class_weight: dict[int, float] | None = None, tolerance: float = 1e-4) -> LinearSVC:
    return _Quiet(C=C, class_weight=class_weight, random_state=seed, tol=tolerance, max_iter=2000)


class _Quiet(LinearSVC):  # type: ignore[misc]
    """A LinearSVC that stops at max_iter without a word: by then the margins move in the fourth digit."""

    def fit(self, *args: object, **options: object) -> "_Quiet":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(*args, **options)
        return self
