"""Versions of the model on disk: which there are, which one is active, and how that came about.

    HOME/registry/versions/20231031-0a1b2c3d/   an artifact, never changed once it is there
    HOME/registry/active.json                   the latest activation, replaced as a whole: the one truth
    HOME/registry/journal.jsonl                 everything that was done, appended
    HOME/registry/lock                          held while any of it is written

Reading needs no lock and no right to write. Nothing is ever deleted here, least of all what can't be read.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from service.inference import artifact
from service.inference.artifact import AlteredError, ArtifactError
from service.inference.beside import file_beside, remove_leftovers

BASELINE = "baseline"
M = TypeVar("M")

_VERSION = re.compile(r"(\d{8}|undated)-[0-9a-f]{8}")


class RegistryError(ArtifactError):
    """The registry can't do what was asked; the message says why and what to do."""


class UnknownVersionError(RegistryError):
    """There is no such version."""


class Event(msgspec.Struct, frozen=True):
    """A line of the journal. `at` is UTC; `previous` is the version that was active before."""

    at: str
    action: Literal["add", "activate", "rollback"]
    version: str
    previous: str | None
    reason: str
    actor: str


class Version(msgspec.Struct, frozen=True):
    """A directory of the registry; `problem` says why it can't be used, as far as a quick look tells."""

    version: str
    path: Path
    active: bool
    problem: str | None = None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Registry:
    """`load` is what the service does with a model before it answers with it: verify, read, self-test.

    A directory's name is the version that it is to answer under, also in the case of `baseline`.
    """

    def __init__(
        self,
        home: Path,
        baseline: Path | None = None,
        load: Callable[[Path], object] = artifact.read,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._directory = home / "registry"
        self._versions = self._directory / "versions"
        self._active = self._directory / "active.json"
        self._journal = self._directory / "journal.jsonl"
        self.gates = self._directory / "gates"  # how each challenger compared with the model in use, VERSION.json
        self._baseline = baseline
        self._load = load
        self._clock = clock

    def versions(self) -> list[Version]:
        """All there are, the baseline first, then by name; those that can't be used with their problem."""
        active = self._active_or_none()
        paths = [self._baseline] if self._baseline is not None else []
        if self._versions.is_dir():
            paths += sorted(path for path in self._versions.iterdir() if not path.name.startswith("."))
        return [self._look_at(path, active) for path in paths]

    def path(self, version: str) -> Path:
        """The directory of a version. The name is checked first: it may come from a URL."""
        if version == BASELINE and self._baseline is not None:
            return self._baseline
        path = self._versions / version
        if not _VERSION.fullmatch(version) or path.is_symlink() or not path.is_dir():
            raise UnknownVersionError(f"there is no version {version!r} here: see `rubricator models list`")
        return path

    def active(self) -> str | None:
        """The version that should answer; None when nothing was activated and there is no baseline."""
        event = self._pointer()
        return event.version if event else self._first()

    def activations(self) -> list[Event]:
        """Every activation and rollback, oldest first."""
        return [event for event in self._events() if event.action != "add"]

    def added(self) -> dict[str, str]:
        """When each version was added, ISO 8601 in UTC. The baseline never was."""
        return {event.version: event.at for event in reversed(self._events()) if event.action == "add"}

    def history(self) -> list[str]:
        """What is active, what was active before, and so on, the baseline last: rolling back goes this way."""
        stack = [first] if (first := self._first()) else []
        for event in self.activations():
            while event.action == "rollback" and len(stack) > 1 and stack[-1] != event.version:
                stack.pop()
            if not stack or stack[-1] != event.version:
                stack.append(event.version)
        return stack[::-1]

    def stamp(self) -> object:
        """Changes with every activation; costs one stat."""
        try:
            status = self._active.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def load(self, version: str, load: Callable[[Path], M]) -> M:
        """The version through `load`, every failure of which comes out as an ArtifactError."""
        path = self.path(version)
        if version != BASELINE:
            _check_holds(path, version)
        try:
            return load(path)
        except ArtifactError:
            raise
        except Exception as error:
            message = f"{path} can't be loaded ({type(error).__name__}: {error}): retrain or roll back"
            raise ArtifactError(message) from error

    def verify(self, version: str) -> None:
        """Loads the version as the service would; raises what is wrong with it. Heavy: reads and tests all of it."""
        self.load(version, self._load)

    def add(self, directory: Path, *, reason: str = "", actor: str = "") -> str:
        """Copies an artifact into the registry, verified, and returns its version; a second time changes nothing."""
        version = artifact.version_of(directory)
        target = self._versions / version
        with self._locked():
            if target.exists():
                _check_holds(target, version)
                artifact.read(target)
                artifact.copy_signature(directory, target)
            else:
                artifact.copy(directory, target)
                self._append(self._event("add", version, reason, actor))
        return version

    def activate(self, version: str, reason: str = "", actor: str = "") -> Event:
        """Makes `version` the active one, after verifying it. Activating the active one again makes services reload."""
        with self._locked():
            return self._switch("activate", version, reason, actor)

    def rollback(self, reason: str = "", actor: str = "") -> Event:
        """Back to what was active before; versions that can't be used any more are passed over."""
        problems = ""
        with self._locked():
            for version in self.history()[1:]:
                try:
                    return self._switch("rollback", version, reason, actor)
                except ArtifactError as error:
                    problems += f"; {version}: {error}"
        raise RegistryError(f"there is no earlier version to go back to: activate one by its name{problems}")

    def _switch(self, action: Literal["activate", "rollback"], version: str, reason: str, actor: str) -> Event:
        self.verify(version)
        event = self._event(action, version, reason, actor)
        # in this order: should we die in between, the next writer finds the event in active.json and journals it
        with file_beside(self._active) as file:
            file.write(msgspec.json.encode(event) + b"\n")
        self._append(event)
        return event

    def _event(self, action: Literal["add", "activate", "rollback"], version: str, reason: str, actor: str) -> Event:
        at = self._clock().isoformat(timespec="microseconds")
        return Event(at, action, version, self._active_or_none(), reason, actor)

    def _first(self) -> str | None:
        return BASELINE if self._baseline is not None else None

    def _look_at(self, path: Path, active: str | None) -> Version:
        name = BASELINE if path == self._baseline else path.name
        try:
            self.path(name)
            if name != BASELINE:
                _check_holds(path, name)
            artifact.inspect(path)
            problem = None
        except (ArtifactError, OSError) as error:
            problem = str(error)
        return Version(name, path, name == active, problem)

    def _pointer(self) -> Event | None:
        try:
            return msgspec.json.decode(self._active.read_bytes(), type=Event)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RegistryError(f"{self._active} can't be read ({error}): activate a version again") from error

    def _active_or_none(self) -> str | None:
        try:
            return self.active()
        except RegistryError:
            return None

    def _events(self) -> list[Event]:
        """The journal, and the latest activation if its writer died before it was journalled."""
        return [*self._journalled(), *self._not_journalled()]

    def _journalled(self) -> list[Event]:
        events = []
        for line in self._journal_bytes().splitlines():
            # half a line is from a writer that died; it stays, and is passed over
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                events.append(msgspec.json.decode(line, type=Event))
        return events

    def _not_journalled(self) -> list[Event]:
        try:
            latest = self._pointer()
        except RegistryError:
            return []
        return [latest] if latest and latest not in self._journalled() else []

    def _append(self, event: Event) -> None:
        written = self._journal_bytes()
        is_torn = bool(written) and not written.endswith(b"\n")
        try:
            with self._journal.open("ab") as file:
                file.write((b"\n" if is_torn else b"") + msgspec.json.encode(event) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RegistryError(f"{self._journal} can't be written ({error}): make room or set its rights") from error

    def _journal_bytes(self) -> bytes:
        try:
            return self._journal.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise RegistryError(f"{self._journal} can't be read ({error}): set its rights or move it away") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over processes; the lock goes with its process, so a killed one leaves none."""
        self._versions.mkdir(parents=True, exist_ok=True)
        with (self._directory / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            remove_leftovers(self._directory)
            remove_leftovers(self._versions)
            for event in self._not_journalled():
                self._append(event)
            yield


def _check_holds(path: Path, version: str) -> None:
    """That the manifest amounts to the version it is stored under; reads the manifest alone."""
    if (found := artifact.version_of(path)) != version:
        raise AlteredError(f"{path} holds {found}: find out who put it there, and don't use it")
