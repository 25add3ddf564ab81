"""How far long work has come, on stderr: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

INTERVAL = 10.0  # seconds between two plain lines


class Report(Protocol):
    def __call__(self, done: int, share: float | None = None, /) -> None:
        """`done` items so far, and what share of the work that is, where it is known: then the time left is told."""


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """The total need not be known: what comes from a pipe or is compressed has to be read to be counted."""
    with _bar(what) if sys.stderr.isatty() else _lines(what) as report:
        yield report


@contextmanager
def _bar(what: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    started = monotonic()
    count, rate = TextColumn("{task.completed:,.0f} " + what), TextColumn("{task.fields[rate]}")
    columns = (SpinnerColumn(), count, BarColumn(), rate, TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None, rate="", left="")

        def report(done: int, share: float | None = None) -> None:
            total = done / share if share else None
            bar.update(task, completed=done, total=total, rate=_rate(done, started), left=_left(share, started))

        yield report


@contextmanager
def _lines(what: str) -> Iterator[Report]:
    started = told = monotonic()
    done = 0

    def report(so_far: int, share: float | None = None) -> None:
        nonlocal told, done
        done = so_far
        if monotonic() - told >= INTERVAL:
            told = monotonic()
            _tell(", ".join(filter(None, (f"{done} {what}", _rate(done, started), _left(share, started)))))

    yield report
    _tell(f"{done} {what} in {monotonic() - started:.1f} s")


def _rate(done: int, started: float) -> str:
    return f"{done / max(monotonic() - started, 0.001):,.0f} a second"


def _left(share: float | None, started: float) -> str:
    if not share:
        return ""
    seconds = round((monotonic() - started) * (1 - share) / share)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
