"""`rubricator retag` on two workers of a Dask cluster on this machine, beside loky's two: the same shards, in turns."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.bench.material import Material
from tests.bench.mixes import Mixer
from tests.bench.retag import Run, retagged, write
from tests.bench.scale import Scale, pick
from tests.dask_cluster import cluster
from training.progress import Progress
from training.protocols.section import Asked, Cell, Section, Table

LOKY, DASK = "loky, 2 workers", "Dask, 2 workers"


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Three minutes. Scheduler, workers and the command share the cores that loky's workers have alone."""
    few, many = pick(scale, smoke=(100, 2_500), usual=(2_000, 32_000), full=(2_000, 62_000))
    rounds = pick(scale, smoke=1, usual=5, full=5)
    marginal: dict[str, list[float]] = {LOKY: [], DASK: []}
    whole: dict[str, list[Run]] = {LOKY: [], DASK: []}
    with TemporaryDirectory(dir=material.folder) as name:
        folder = Path(name)
        files = {count: folder / f"{count}.jsonl" for count in (few, many)}
        write(files, Mixer(material, "test", "spare"))
        with cluster(folder) as running, progress.step(f"{many:,} articles, {rounds} times with loky and with Dask"):
            engines = {LOKY: ("--workers", "2"), DASK: ("--engine", "dask", "--scheduler", running.address)}
            for _ in range(rounds):
                for engine, options in engines.items():
                    short, long = (retagged(files[count], folder, material.model, *options) for count in (few, many))
                    marginal[engine].append((many - few) / (long.seconds - short.seconds))
                    whole[engine].append(long)
    ratio = float(np.median([dask / loky for loky, dask in zip(*marginal.values(), strict=True)]))
    with_start = float(np.median([loky.seconds / dask.seconds for loky, dask in zip(*whole.values(), strict=True)]))
    seconds = {engine: float(np.median([one.seconds for one in runs])) for engine, runs in whole.items()}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (engine, float(np.median(rates)), min(rates), max(rates), seconds[engine]) for engine, rates in marginal.items()
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
                note=f"with the start {with_start:.2f}",
            ),
        ),
        (Table("Engines", ("Engine", "articles/s", "least", "most", f"{many:,} articles, s"), rows),),
    )
