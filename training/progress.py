"""What a long run is doing: a live line on a terminal, plain lines elsewhere, always on stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Named steps one after another, each told with the time it took."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._name = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        self._name = name
        if self._status is not None:
            self._status.update(name)
            self._status.start()
        try:
            yield
        finally:
            if self._status is not None:
                self._status.stop()
        self._console.print(f"{name}: {time.monotonic() - began:.1f} s")

    def at(self, number: int, total: int) -> None:
        """How far the step is; seen on terminals only."""
        if self._status is not None:
            self._status.update(f"{self._name}: {number} of {total}")
