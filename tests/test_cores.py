"""What is fitted on all cores is what one core would have fitted."""

import numpy as np
import pytest
from scipy import sparse

from training import fit
from training.cores import on_all_cores
from training.fit import RubricTask, fit_rubric, fit_tags

ARTICLES, COLUMNS, TAGS = 400, 3_000, 40


@pytest.fixture
def rows() -> sparse.csr_array:
    return sparse.random_array(
        (ARTICLES, COLUMNS), density=0.05, rng=np.random.default_rng(0), dtype=np.float32
    ).tocsr()


@pytest.mark.slow
def test_tags_are_the_same_on_one_core_and_on_all(rows: sparse.csr_array, monkeypatch: pytest.MonkeyPatch) -> None:
    tagged = sparse.random_array((ARTICLES, TAGS), density=0.1, rng=np.random.default_rng(1), dtype=np.float32).tocsr()
    everyone = np.ones(ARTICLES, np.bool_)
    found = []
    for worth in (10**9, 0):
        monkeypatch.setattr(fit, "WORTH_ALL_CORES", worth)
        done: list[int] = []
        found.append(
            fit_tags(
                rows, tagged, lambda _: everyone, range(TAGS),
                C=0.5, weights_per_tag=100, max_negatives=100, seed=0, done=done.append,
            )
        )  # fmt: skip
        assert done[-1] == TAGS
    one, all_ = found
    for name in ("start", "tag", "weight", "bias"):
        assert np.array_equal(getattr(one, name), getattr(all_, name)), name
    assert len(one.weight) > TAGS


@pytest.mark.slow
def test_rubrics_are_the_same_on_one_core_and_on_all(rows: sparse.csr_array) -> None:
    labels = np.random.default_rng(2).integers(0, 4, ARTICLES)
    weights = np.ones(ARTICLES, np.float32)
    tasks = [RubricTask(rows, labels, 4, weights, strength, 0.8, 0) for strength in (0.1, 1.0)]
    alone, together = (list(on_all_cores(fit_rubric, tasks, worth=worth)) for worth in (False, True))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.weights, other.weights)
        assert np.array_equal(one.bias, other.bias)
