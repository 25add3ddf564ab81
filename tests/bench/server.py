"""A server as it is started on a machine, and what its processes cost: CPU seconds and memory, from /proc."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import msgspec

from service.inference import artifact
from service.loading import open_registry
from service.settings import Settings

TICKS = os.sysconf("SC_CLK_TCK")
LISTENING = re.compile(r"listening on http://\S+:(\d+)")
RUBRICATOR = (sys.executable, "-m", "service")
SERVER_CORE = 0
PATIENCE = 60.0  # seconds for a start


class NotAvailableError(Exception):
    """The server ended before it listened: what it said."""


class Server:
    """`ready` are the seconds from its process's start to the line that says so."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, ready: float) -> None:
        self.process, self.port, self.ready = process, port, ready

    def processes(self) -> list[int]:
        """Its own and all that it started, itself first."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                stat = path.read_text()
            except OSError:
                continue  # ended meanwhile
            parents[int(path.parent.name)] = int(stat.rpartition(")")[2].split()[1])
        found = [self.process.pid]
        for process in found:
            found += [child for child, parent in parents.items() if parent == process]
        return found

    def cpu(self) -> float:
        """Seconds of all its processes so far."""
        return sum(map(cpu_of, self.processes()))

    def memory(self) -> list[tuple[float, float]]:
        """RSS and PSS of each of its processes, MB."""
        return [_memory(process) for process in self.processes()]


def cpu_of(process: int) -> float:
    """Seconds so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(process: int) -> tuple[float, float]:
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    kb = {name: int(value) for name, value in re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.MULTILINE)}
    return kb["Rss"] / 1024, kb["Pss"] / 1024


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], core: int | None = SERVER_CORE) -> Iterator[Server]:
    """The command as a server, on one core unless `core` is None; it ends with the block. Raises NotAvailableError."""
    whole = [*pinned(core), *command]
    began = time.monotonic()
    with TemporaryFile("w+") as errors:  # a pipe that nobody reads would fill and stop it
        process = subprocess.Popen(
            whole, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert process.stdout
            while line := process.stdout.readline():
                if found := LISTENING.search(line):
                    break
            else:
                process.wait()
                errors.seek(0)
                raise NotAvailableError(errors.read().strip().rpartition("\n")[2])
            yield Server(process, int(found[1]), time.monotonic() - began)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def pinned(core: int | None) -> list[str]:
    """What to put before a command to keep it on a core."""
    if core is None or not shutil.which("taskset"):
        return []
    available = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(available[core % len(available)])]


@contextmanager
def rubricator(home: Path, workers: int = 1, core: int | None = SERVER_CORE) -> Iterator[Server]:
    """`rubricator serve` over this home, as in production: metrics, request ids and all."""
    several = ["--workers", str(workers)] if workers > 1 else []
    with running([*RUBRICATOR, "serve", "--port", "0", *several], {"RUBRICATOR_HOME": str(home)}, core) as server:
        yield server


@contextmanager
def home_with(model: Path, versions: int = 1) -> Iterator[tuple[Path, list[str]]]:
    """A home whose registry has the model, active, as so many versions that differ in their card alone."""
    with TemporaryDirectory() as folder:
        home = Path(folder, "home")
        registry = open_registry(Settings(home=home))
        read = artifact.read(model)
        manifest = msgspec.to_builtins(read.manifest)
        del manifest["format"], manifest["files"]
        names = []
        for number in range(versions):
            made = Path(folder, f"model{number}")
            artifact.write(made, read.parts, manifest, f"{read.card}\n{number}\n", compress=False)
            names.append(registry.add(made, reason="benchmark"))
        registry.activate(names[0], reason="benchmark")
        yield home, names
