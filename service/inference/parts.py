"""One part of an artifact: arrays and plain data, to and from the bytes of a joblib file.

Writing is joblib's own pickler. Reading is ours, for three reasons: `import joblib` costs 124 ms after numpy, an eighth
of the second in which the service has to be ready; arrays become views of the very bytes whose checksum was compared,
mapped or in memory, so nothing can change between check and use; and a pickle may name nothing but arrays here, so
a hostile one can't run. `joblib.load` reads the same files, which a test asserts.
"""

import io
import math
import mmap
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

Content = bytes | mmap.mmap

_ATOMS = frozenset({type(None), bool, int, float, str, bytes})
_KEYS = frozenset({str, int, bytes})
_ARRAY_KINDS = frozenset("?biufSU")  # all but objects, which would be pickles within the pickle
_build: Callable[..., None] = pickle._Unpickler.dispatch[pickle.BUILD[0]]


class PartError(ValueError):
    """The bytes are not those of arrays and plain data."""


def pack(part: object) -> bytes:
    """The bytes of an uncompressed joblib file: equal parts give equal bytes. TypeError for what is not plain."""
    from joblib.numpy_pickle import NumpyPickler

    stream = io.BytesIO()
    pickler = NumpyPickler(stream, protocol=4)  # joblib's default moves with the Python version
    # Without a memo: with one, the bytes would tell whether two equal strings were one object in the writer's memory.
    pickler.fast = True
    pickler.dump(plain(part, "part"))
    return stream.getvalue()


def unpack(content: Content) -> object:
    """The part again. Its arrays are read-only views that keep `content` alive; a dict comes sorted by its keys."""
    try:
        return _Reader(content).load()
    except PartError:
        raise
    except Exception as error:
        # unpickling rubbish raises nearly anything: IndexError, KeyError, struct.error, UnicodeDecodeError ...
        raise PartError(f"{type(error).__name__}: {error}") from error


def plain(value: object, where: str) -> object:
    """`value` built anew of exact plain types, dicts sorted: what two equal values have in common."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is list:
        assert isinstance(value, list)
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if kind is dict:
        assert isinstance(value, dict)
        return {key: plain(value[key], f"{where}.{key}") for key in _sorted_keys(value, where)}
    if isinstance(value, np.ndarray):
        return _plain_array(value, where)
    raise TypeError(f"{where} is a {kind.__module__}.{kind.__qualname__}: an artifact holds arrays and plain data only")


def _sorted_keys(value: dict[Any, object], where: str) -> list[Any]:
    kinds = {type(key) for key in value}
    if len(kinds) > 1 or not kinds <= _KEYS:
        raise TypeError(f"{where} has keys that are not all str, all int or all bytes")
    return sorted(value)


def _plain_array(array: np.ndarray[Any, Any], where: str) -> np.ndarray[Any, Any]:
    if array.dtype.kind not in _ARRAY_KINDS or array.dtype.itemsize == 0:
        raise TypeError(f"{where} is an array of {array.dtype}: only numbers, bools and fixed-width strings are kept")
    return np.asarray(array).view(np.ndarray)  # a memmap's class would be written into the file


class _StoredArray:
    """Takes the place of joblib's NumpyArrayWrapper: what is known of an array whose bytes follow in the file."""

    shape: tuple[int, ...]
    order: str
    dtype: np.dtype[Any]
    numpy_array_alignment_bytes: int | None


class _Reader(pickle._Unpickler):
    """Python's own pickle machine, because the arrays' bytes lie between its instructions.

    The names a pickle may use are these three, and the class of arrays is only named, never called.
    """

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)
    names: ClassVar[dict[tuple[str, str], object]] = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): _StoredArray,
        ("numpy", "ndarray"): "numpy.ndarray",
        ("numpy", "dtype"): np.dtype,
    }
    stack: list[object]

    def __init__(self, content: Content) -> None:
        self.content = content
        self.file = io.BytesIO(content) if isinstance(content, bytes) else content
        self.file.seek(0)
        super().__init__(self.file)

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.names:
            raise PartError(f"it names {module}.{name}, which is neither an array nor plain data")
        return self.names[module, name]

    def load_build(self) -> None:
        _build(self)
        if isinstance(self.stack[-1], _StoredArray):
            self.stack[-1] = self._view(self.stack[-1])

    dispatch[pickle.BUILD[0]] = load_build

    def _view(self, stored: _StoredArray) -> np.ndarray[Any, Any]:
        """The array whose bytes come next: one byte with the length of the padding, the padding, the data."""
        if stored.dtype.hasobject:
            raise PartError("it holds an array of objects")
        count = math.prod(stored.shape)
        if stored.numpy_array_alignment_bytes is not None:
            padding = self.file.read(1)[0]
            self.file.seek(padding, io.SEEK_CUR)
        offset = self.file.tell()
        self.file.seek(count * stored.dtype.itemsize, io.SEEK_CUR)
        if count == 0:
            return np.empty(stored.shape, stored.dtype)
        flat: np.ndarray[Any, Any] = np.frombuffer(self.content, stored.dtype, count, offset)
        return flat.reshape(stored.shape[::-1]).T if stored.order == "F" else flat.reshape(stored.shape)
