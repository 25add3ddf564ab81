"""`rubricator retag`: articles a second on two cores by the clock, memory of all its processes, what a resume costs."""

import filecmp
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import numpy as np

from tests.bench.command import CommandError
from tests.bench.material import Material
from tests.bench.mixes import Mixer
from tests.bench.scale import Scale, pick
from tests.bench.server import RUBRICATOR
from training.progress import Progress
from training.protocols.section import Asked, Cell, Section, Table

MILLION = 1_000_000
DIFFERENT = 50_000  # mixes; more articles are the same again under other ids
WORKERS = (1, 2)
SETTLED = 0.3  # of the run, from where on memory must stay
KILLED_AT = 0.5  # of the shards
LOOK = 0.2  # seconds between two looks at the memory


class Run(NamedTuple):
    """`cpu` are seconds of all processes, `memory` is their PSS in MB, at every look."""

    seconds: float
    cpu: float
    memory: Sequence[float]


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Four minutes; with 1,000,000 articles half an hour."""
    few, many = pick(scale, smoke=(100, 2_500), usual=(2_000, 32_000), full=(2_000, 62_000))
    rounds = pick(scale, smoke=1, usual=5, full=5)
    most = pick(scale, smoke=many, usual=many, full=MILLION)
    seconds: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    cpu: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    starts: list[float] = []
    with TemporaryDirectory(dir=material.folder) as name:
        folder = Path(name)
        files = {count: folder / f"{count}.jsonl" for count in {few, many, most}}
        with progress.step(f"{most:,} articles"):
            write(files, Mixer(material, "test", "spare"))
        with progress.step(f"{many:,} articles, {rounds} times with 1 and 2 workers"):
            for _ in range(rounds):
                for workers in WORKERS:
                    short, long = (
                        retagged(files[count], folder, material.model, *_workers(workers)) for count in (few, many)
                    )
                    starts.append(short.seconds)
                    seconds[workers].append((long.seconds - short.seconds) / (many - few))
                    cpu[workers].append((long.cpu - short.cpu) / (many - few))
        with progress.step(f"memory over {most:,} articles"):
            whole = retagged(files[most], folder, material.model, *_workers(2))
        with progress.step("killed and resumed"):
            killed, resumed = _killed_and_resumed(files[most], folder, material.model)
            same = filecmp.cmp(folder / "out.jsonl", folder / "killed.jsonl", shallow=False)
    rate = {workers: 1 / float(np.median(own)) for workers, own in seconds.items()}
    scaling = float(np.median([one / two / 2 for one, two in zip(*seconds.values(), strict=True)]))
    lost = killed + resumed - whole.seconds
    peak = max(whole.memory)
    settled = whole.memory[int(SETTLED * len(whole.memory)) :]
    half = len(settled) // 2
    growth = float(np.median(settled[half:]) / np.median(settled[:half]) - 1) if half else 0.0
    later = "" if most == MILLION else f"measured with --scale full; of {most:,} articles"
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"{workers}", rate[workers], 1e6 * float(np.median(cpu[workers])), 1 / max(own), 1 / min(own))
        for workers, own in seconds.items()
    )
    return Section(
        "retag",
        "Archives retagged",
        f"Mixes of held-out sentences, 250 words, JSON lines in and out, rubric, regions and 2,000 tags, by the clock. "
        f"What {many - few:,} articles more take, so the start of {float(np.median(starts)):.1f} s is not in it; "
        f"1 and 2 workers take turns. Load of the machine at the end: {os.getloadavg()[0]:.1f}. "
        f"Beyond {DIFFERENT:,} articles the texts repeat.",
        most,
        (
            Asked("articles a second, 2 workers", rate[2], least=7_000),
            Asked("2 workers, share of twice the rate of one", scaling, least=0.85),
            Asked(f"{MILLION:,} articles: PSS of all processes, MB", peak, most=600, note=later),
            Asked(
                "memory of the second half of the run over that of the first",
                growth if scale != "smoke" else None,
                most=0.03,
                note=later,
            ),
            Asked(
                f"{MILLION:,} articles: killed at half and resumed, share of time lost",
                lost / (MILLION / rate[2]),
                most=0.02,
                note=later and f"{lost:.1f} s more than undisturbed, of the {MILLION / rate[2]:.0f} s for a million",
            ),
            Asked("the resumed result is that of an undisturbed run", float(same), least=1),
        ),
        (Table("rubricator retag", ("Workers", "articles/s", "µs of CPU", "least", "most"), rows),),
    )


def write(files: dict[int, Path], mixer: Mixer) -> None:
    most = max(files)
    mixes = [msgspec.json.encode(one) for one in mixer.articles(min(most, DIFFERENT), seed=5)]
    for count, path in files.items():
        with path.open("wb") as file:
            for i in range(count):
                line, again = mixes[i % DIFFERENT], i // DIFFERENT
                file.write((line.replace(b'{"id":"', b'{"id":"%d-' % again, 1) if again else line) + b"\n")


def _workers(count: int) -> tuple[str, str]:
    return "--workers", str(count)


def _command(file: Path, model: Path, *more: str) -> list[str]:
    asked = ("--heads", "rubric,regions,tags", "--accept", "review", "--yes", "--model", str(model))
    return [*RUBRICATOR, "retag", str(file), *more, *asked]


def _started(command: Sequence[str], folder: Path, home: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "RUBRICATOR_HOME": str(folder / home)}
    with (folder / "told").open("wb") as told:
        return subprocess.Popen(command, env=environment, stdout=told, stderr=told, start_new_session=True)


def retagged(file: Path, folder: Path, model: Path, *engine: str) -> Run:
    """`engine` are the command's options for it. Raises CommandError."""
    memory: list[float] = []
    began = time.monotonic()
    process = _started(_command(file, model, str(folder / "out.jsonl"), *engine), folder, "home")
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        if time.monotonic() - began > LOOK * len(memory):
            memory.append(sum(map(_pss, _processes(process.pid))))
        time.sleep(0.01)
    seconds = time.monotonic() - began
    _, status, used = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    _check(process, folder)
    return Run(seconds, used.ru_utime + used.ru_stime, memory)


def _killed_and_resumed(file: Path, folder: Path, model: Path) -> tuple[float, float]:
    """Seconds of the run that was killed and of the one that went on."""
    command = _command(file, model, str(folder / "killed.jsonl"), *_workers(2), "--resume")
    shards = max(1, file.stat().st_size >> 22)
    began = time.monotonic()
    process = _started(command, folder, "killed")
    while process.poll() is None and _finished(folder / "killed") < KILLED_AT * shards:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    killed = time.monotonic() - began
    began = time.monotonic()
    process = _started(command, folder, "killed")
    process.wait()
    _check(process, folder)
    return killed, time.monotonic() - began


def _finished(home: Path) -> int:
    return sum(1 for _ in home.glob("jobs/*/parts/*.json"))


def _check(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    if process.returncode:
        raise CommandError(f"retag ended with {process.returncode}: {(folder / 'told').read_text()[-400:]}")


def _processes(pid: int) -> list[int]:
    """Itself and its children; loky's workers are that."""
    try:
        own = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []
    return [pid, *map(int, chain.from_iterable(one.split() for one in own))]


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
