"""Rows of a sparse matrix times a few values: scipy's C loops, without scipy's imports.

numpy alone takes nine passes over the gathered weights: 200 µs for an article and 2,000 trained tags of 1,000 weights.
`import scipy.sparse` would cost some 0.2 s of the second that a start may take, so the one extension module is loaded
by itself. Its functions are internals of scipy: the lock pins them, a test holds them against numpy.
"""

import importlib.util
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


def _sparsetools() -> ModuleType:
    scipy = importlib.util.find_spec("scipy")
    if scipy is None or scipy.origin is None:
        raise ImportError("scipy is missing: install the locked requirements")
    [path] = (Path(scipy.origin).parent / "sparse").glob("_sparsetools.*")
    name = "scipy.sparse._sparsetools"
    loader = ExtensionFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


_tools = _sparsetools()


def weighted_sum(start: Ints, index: Ints, weight: Floats, rows: Ints, values: Floats, width: int) -> Floats:
    """The sum of `values[i]` times row `rows[i]`, as `width` numbers.

    Row r has `weight[start[r]:start[r + 1]]` at the columns `index[start[r]:start[r + 1]]`.
    """
    lengths = start[rows + 1] - start[rows]
    ends = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(lengths, out=ends[1:])
    columns = np.empty(int(ends[-1]), np.int32)
    weights = np.empty(int(ends[-1]), np.float32)
    _tools.csr_row_index(len(rows), rows, start, index, weight, columns, weights)
    total = np.zeros(width, np.float32)
    _tools.csc_matvec(width, len(rows), ends, columns, weights, values, total)
    return total
