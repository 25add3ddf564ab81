"""Work that falls into independent pieces, on all cores at once; the same results as one after the other."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import joblib

T = TypeVar("T")


def on_all_cores(function: Callable[..., T], calls: Sequence[tuple[Any, ...]], *, worth: bool) -> Iterator[T]:
    """`function(*call)` for each of them, in order, as they come. It takes processes of their own, some 2 s to start,
    which map large arrays instead of copying them; so it has to be `worth` that. Heavy on CPU."""
    if not worth or len(calls) < 2 or cores() < 2:
        yield from (function(*call) for call in calls)
        return
    parallel = joblib.Parallel(n_jobs=cores(), return_as="generator", max_nbytes="1M", mmap_mode="c")
    yield from parallel(joblib.delayed(function)(*call) for call in calls)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
