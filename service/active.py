"""The model that answers: loaded at the start, exchanged while requests run, never worse than the last good one."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Generic, NamedTuple, Self, TypeVar

from service.inference.artifact import ArtifactError
from service.registry import Registry, RegistryError

ACTIVE = "active"
OTHERS = 2  # further versions kept in memory for `?model=`: the one before and the one to come
INTERVAL = 0.25  # seconds between two looks at the registry, each one stat

M = TypeVar("M")


class _Held(NamedTuple, Generic[M]):
    version: str
    model: M


class ActiveModel(Generic[M]):
    """A request takes `current` once, at its start, and keeps it to the end; so a swap never splits an answer.

    The constructor loads: the active version, or the nearest earlier one that can be loaded, with `problem` saying
    why. It raises ArtifactError when there is none.
    """

    problem: str | None = None

    def __init__(self, registry: Registry, load: Callable[[Path], M]) -> None:
        self._registry = registry
        self._load = load
        self._seen = registry.stamp()  # before the look, so that a change in between is seen by the next refresh
        self._others: OrderedDict[str, M] = OrderedDict()
        self._loading = Lock()
        self._closed = Event()
        self._watcher: Thread | None = None
        self._held = self._first_good()

    @property
    def current(self) -> M:
        return self._held.model

    @property
    def version(self) -> str:
        """For display; an answer names the version of the model that it took."""
        return self._held.version

    def get(self, version: str = ACTIVE) -> M:
        """Any version, loaded when needed: slow the first time, so not for the event loop."""
        held = self._held
        if version in (ACTIVE, held.version):
            return held.model
        with self._loading:
            if version not in self._others:
                self._keep(_Held(version, self._registry.load(version, self._load)))
            self._others.move_to_end(version)
            return self._others[version]

    def refresh(self) -> None:
        """Takes over what was activated since; loads in the calling thread. On failure the last good one stays."""
        with self._loading:
            stamp = self._registry.stamp()
            if stamp == self._seen:
                return
            self._seen = stamp
            try:
                self._take_over(self._registry.active())
            except ArtifactError as error:
                self.problem = f"still answering with {self._held.version}: {error}"
            else:
                self.problem = None

    def watch(self, interval: float = INTERVAL) -> Self:
        """Refreshes in a thread of its own until `close`."""
        self._watcher = Thread(target=self._watch, args=(interval,), name="registry-watcher", daemon=True)
        self._watcher.start()
        return self

    def close(self) -> None:
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watch(self, interval: float) -> None:
        while not self._closed.wait(interval):
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - whatever happens to the disk, the watch goes on
                self.problem = f"the registry can't be watched: {type(error).__name__}: {error}"
                self._seen = object()  # so that the next look is a full one, and takes the problem back

    def _take_over(self, version: str | None) -> None:
        if version is None:
            raise RegistryError("no version is active: see `rubricator models list`")
        if version == self._held.version:
            return
        model = self._others.pop(version, None)
        if model is None:
            model = self._registry.load(version, self._load)
        before, self._held = self._held, _Held(version, model)  # one assignment: no request sees half of it
        self._keep(before)

    def _keep(self, held: _Held[M]) -> None:
        self._others[held.version] = held.model
        while len(self._others) > OTHERS:
            self._others.popitem(last=False)

    def _first_good(self) -> _Held[M]:
        problems = []
        try:
            active = [version] if (version := self._registry.active()) else []
        except RegistryError as error:
            problems.append(str(error))  # the journal still tells what it was
            active = []
        for version in dict.fromkeys([*active, *self._registry.history()]):
            try:
                held = _Held(version, self._registry.load(version, self._load))
            except ArtifactError as error:
                problems.append(f"{version}: {error}")
                continue
            if problems:
                self.problem = f"answering with {version} instead; {'; '.join(problems)}"
            return held
        raise RegistryError("; ".join(["no model can be loaded", *problems]))
