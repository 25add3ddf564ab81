"""`rubricator train` on many articles, all heads: seconds, memory, and how both grow with the articles."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.bench import drawing
from tests.bench.command import Cost
from tests.bench.command import run as command
from tests.bench.material import Material
from tests.bench.mixes import Mixer
from tests.bench.scale import Scale, pick
from training.progress import Progress
from training.protocols.section import Asked, Plot, Section, Table

TAGS = 1_000
MANY = 100_000
TIMES = 4  # as many articles at each size as at the one before
CONFIG = f"[model]\nmax_tags = {TAGS}\n[artifact]\nreport = false\n"


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Two minutes; in full, on 100,000 articles, six or more."""
    sizes = pick(scale, smoke=(400, 1_600), usual=(2_500, 10_000), full=(MANY // TIMES, MANY))
    mixer = Mixer(material, "train", "validation", "test")
    costs: list[Cost] = []
    with TemporaryDirectory(dir=material.folder) as folder:
        home = Path(folder)
        (home / "train.toml").write_text(CONFIG, "utf-8")
        for size in sizes:
            with (home / f"{size}.jsonl").open("wb") as file:
                file.writelines(msgspec.json.encode(one) + b"\n" for one in mixer.labelled(size, seed=3))
            with progress.step(f"rubricator train, {size:,} articles"):
                data = str(home / f"{size}.jsonl")
                costs.append(
                    command(["train", "--config", str(home / "train.toml"), "--data", data], home / "home", niced=True)
                )
    grown = [(later.seconds / earlier.seconds, later.cpu / earlier.cpu) for earlier, later in pairwise(costs)][-1]
    at_full = sizes[-1] == MANY
    later = "" if at_full else f"measured with --scale full; {sizes[-1]:,} articles took {costs[-1].seconds:.0f} s"
    return Section(
        "training",
        "Training",
        f"Mixes of real sentences of one rubric, 250 words on average, half of them with tags: the {TAGS:,} most "
        f"frequent are "
        "trained, rubrics and regions too. The whole command, from reading to the artifact, niced.",
        sizes[-1],
        (
            Asked(f"{MANY:,} articles, s by the clock", costs[-1].seconds if at_full else None, most=150, note=later),
            Asked(
                f"{MANY:,} articles, peak memory in MB",
                costs[-1].peak if at_full else None,
                most=3_072,
                note=later and "measured with --scale full",
            ),
            Asked(
                f"{TIMES} times the articles, times the seconds",
                grown[0],
                most=5,
                note=f"{sizes[0]:,} to {sizes[1]:,} articles; CPU seconds {grown[1]:.2f} times",
            ),
        ),
        (
            Table(
                "rubricator train",
                ("Articles", "s by the clock", "s of CPU", "peak, MB", "articles a CPU s"),
                tuple(
                    (f"{size:,}", one.seconds, one.cpu, one.peak, size / one.cpu)
                    for size, one in zip(sizes, costs, strict=True)
                ),
            ),
        ),
        (
            Plot(
                "Seconds over articles",
                drawing.lines(
                    {
                        "by the clock": (sizes, [one.seconds for one in costs]),
                        "CPU": (sizes, [one.cpu for one in costs]),
                    },
                    "articles",
                    "s",
                ),
            ),
        ),
    )
