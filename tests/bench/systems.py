"""Systems side by side: each in a process of its own, as it would be deployed, in turns on the same articles.

In turns, so that a slow moment of the machine hits all; on one core, one thread, CPU time. What counts are ratios: of
each article the time of one system through that of another, then the median over the articles.
"""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from service.inference.article import Article
from tests.bench.material import Material

TURN = 50  # articles of one system before the next one's turn
CORE = 0

Answers = Callable[[Sequence[Article]], Any]
Build = Callable[[Material], Answers]
Seconds = npt.NDArray[np.float64]


class System:
    """`build` is called in the new process; its answer to articles is what is timed."""

    def __init__(self, build: Build, material: Material) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_work, args=(build, material, other), daemon=True)
        self._process.start()
        other.close()
        self.facts: dict[str, Any] = self._connection.recv()

    def seconds(self, articles: Sequence[Article], size: int) -> list[float]:
        """CPU time of each group of `size` articles, one call each."""
        self._connection.send((articles, size))
        times: list[float] = self._connection.recv()
        return times

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.send(None)
        self._process.join()


def pin(core: int) -> None:
    """This process to one core, where the system lets it and there are several."""
    available = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {available[core % len(available)]})


def _work(build: Build, material: Material, parent: Connection) -> None:
    pin(CORE)
    system = build(material)
    gc.collect()
    gc.freeze()  # as a service does after its start; all gain by it
    parent.send(getattr(system, "facts", {}))
    while (asked := parent.recv()) is not None:
        articles, size = asked
        times = []
        for start in range(0, len(articles), size):
            group = articles[start : start + size]
            began = time.process_time_ns()
            system(group)
            times.append((time.process_time_ns() - began) / 1e9)
        parent.send(times)


def in_turns(
    systems: Mapping[str, Build], material: Material, articles: Sequence[Article], warm_up: int, size: int = 1
) -> tuple[dict[str, Seconds], dict[str, Mapping[str, Any]]]:
    """Seconds of each group by system, in the order of the articles, the warm-up left out; and what systems tell."""
    with ExitStack() as ends:
        running = {name: ends.enter_context(System(build, material)) for name, build in systems.items()}
        for one in running.values():
            one.seconds(articles[:warm_up], size)
        times: dict[str, list[float]] = {name: [] for name in running}
        turn = max(TURN, size)
        for start in range(warm_up, len(articles), turn):
            for name, one in running.items():
                times[name] += one.seconds(articles[start : start + turn], size)
        facts: dict[str, Mapping[str, Any]] = {name: one.facts for name, one in running.items()}
    return {name: np.array(own) for name, own in times.items()}, facts


def ratio(slow: Seconds, fast: Seconds) -> float:
    """How many times as fast, the median over the articles."""
    return float(np.median(slow / fast))
