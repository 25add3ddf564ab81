"""scipy's loops against numpy's."""

import numpy as np
import pytest

from service.inference.sparse import weighted_sum


@pytest.mark.parametrize("rows", [0, 1, 7, 200])
def test_the_c_loops_give_what_numpy_gives(rows: int) -> None:
    random = np.random.default_rng(rows)
    matrix = random.normal(size=(500, 90)).astype(np.float32) * (random.random((500, 90)) < 0.1)
    start = np.concatenate(([0], np.cumsum(np.count_nonzero(matrix, axis=1)))).astype(np.int32)
    index = np.nonzero(matrix)[1].astype(np.int32)
    weight = matrix[np.nonzero(matrix)]
    chosen = np.sort(random.choice(500, rows, replace=False)).astype(np.int32)
    values = random.normal(size=rows).astype(np.float32)
    found = weighted_sum(start, index, weight, chosen, values, 90)
    assert np.allclose(found, values @ matrix[chosen], atol=1e-5)
