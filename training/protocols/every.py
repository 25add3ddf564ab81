"""Every protocol by its name, and how to run several at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from training.progress import Progress
from training.protocols.section import Section

PROTOCOLS = (
    "outlet_over_time",
    "across_outlets",
    "few_labels",
    "regions",
    "tags",
    "profiles",
    "foreign",
    "stream",
)  # modules, in the order of the page


def all_of(names: Sequence[str], folder: Path, jobs: int) -> Sequence[Sequence[Section]]:
    """In the order of the names; each on one core, `jobs` of them at a time."""
    if jobs == 1:
        return [sections_of(name, folder) for name in names]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(sections_of, names, repeat(folder)))


def sections_of(name: str, folder: Path) -> Sequence[Section]:
    """What one protocol finds. Minutes of CPU."""
    found = run_of(name)(folder, Progress())
    return [found] if isinstance(found, Section) else found


def run_of(name: str) -> Callable[[Path, Progress], Section | Sequence[Section]]:
    run: Callable[[Path, Progress], Section | Sequence[Section]] = import_module(f"training.protocols.{name}").run
    return run
