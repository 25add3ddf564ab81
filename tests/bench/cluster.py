"""`rubricator retag` on two workers of a Dask cluster on this machine, beside loky's two: the same shards, in turns.

By the clock, as was asked, which says something on a machine that has nothing else to do; by CPU time, of the scheduler
and all others too, on any.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.bench.material import Material
from tests.bench.mixes import Mixer
from tests.bench.retag import Run, retagged, write
from tests.bench.scale import Scale, pick
from tests.bench.server import cpu_of
from tests.dask_cluster import cluster
from training.progress import Progress
from training.protocols.section import Asked, Cell, Section, Table

LOKY, DASK = "loky, 2 workers", "Dask, 2 workers"


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Three minutes. Scheduler, workers and the command share the cores that loky's workers have nearly alone."""
    few, many = pick(scale, smoke=(100, 2_500), usual=(2_000, 32_000), full=(2_000, 62_000))
    rounds = pick(scale, smoke=1, usual=5, full=5)
    marginal: dict[str, list[float]] = {LOKY: [], DASK: []}
    cpu: dict[str, list[float]] = {LOKY: [], DASK: []}
    whole: dict[str, list[Run]] = {LOKY: [], DASK: []}
    with TemporaryDirectory(dir=material.folder) as name:
        folder = Path(name)
        files = {count: folder / f"{count}.jsonl" for count in (few, many)}
        write(files, Mixer(material, "test", "spare"))
        with cluster(folder) as running, progress.step(f"{many:,} articles, {rounds} times with loky and with Dask"):
            engines = {LOKY: ("--workers", "2"), DASK: ("--engine", "dask", "--scheduler", running.address)}
            servers = [running.scheduler.pid, *(one.pid for one in running.workers)]
            for _ in range(rounds):
                for engine, options in engines.items():
                    runs, used = [], []
                    for count in (few, many):
                        before = sum(map(cpu_of, servers))
                        runs.append(retagged(files[count], folder, material.model, *options))
                        used.append(runs[-1].cpu + sum(map(cpu_of, servers)) - before)
                    marginal[engine].append((many - few) / (runs[1].seconds - runs[0].seconds))
                    cpu[engine].append((used[1] - used[0]) / (many - few))
                    whole[engine].append(runs[1])
    ratio = float(np.median([dask / loky for loky, dask in zip(*marginal.values(), strict=True)]))
    by_cpu = float(np.median([loky / dask for loky, dask in zip(*cpu.values(), strict=True)]))
    with_start = float(np.median([loky.seconds / dask.seconds for loky, dask in zip(*whole.values(), strict=True)]))
    seconds = {engine: float(np.median([one.seconds for one in runs])) for engine, runs in whole.items()}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (engine, float(np.median(rates)), 1e6 * float(np.median(cpu[engine])), min(rates), max(rates), seconds[engine])
        for engine, rates in marginal.items()
    )
    return Section(
        "cluster",
        "Archives retagged on a cluster",
        f"Mixes of held-out sentences, 250 words, JSON lines in and out, rubric, regions and 2,000 tags, by the clock: "
        f"what {many - few:,} articles more take. The cluster is of this machine: a scheduler and two workers, there "
        f"before the command starts. Load of the machine at the end: {os.getloadavg()[0]:.1f}.",
        many,
        (
            Asked(
                "articles a second on 2 workers of Dask, over loky's",
                ratio,
                least=0.8,
                note=f"by CPU time {by_cpu:.2f}; by the clock with the start {with_start:.2f}",
            ),
        ),
        (Table("Engines", ("Engine", "articles/s", "µs of CPU", "least", "most", f"{many:,} articles, s"), rows),),
    )
