"""`rubricator annotate` on a file of lines: articles a second on one core, the start of the command left out."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from tests.bench.command import knows
from tests.bench.command import run as command
from tests.bench.material import Material
from tests.bench.mixes import Mixer
from tests.bench.scale import Scale, pick
from training.progress import Progress
from training.protocols.section import Asked, Section, Table

HEADS = "--heads"
ALL, SHORT = "all with regions", "rubric + tags"


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """A minute."""
    few, many = pick(scale, smoke=(200, 1_000), usual=(1_000, 11_000), full=(10_000, 110_000))
    rounds = pick(scale, smoke=1, usual=5, full=3)
    kinds: dict[str, Sequence[str]] = {ALL: ()}
    if knows("annotate", HEADS):
        kinds[SHORT] = (HEADS, "rubric,tags")
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    with TemporaryDirectory() as folder, progress.step(f"{many:,} lines, {rounds} times"):
        files = {count: Path(folder, f"{count}.jsonl") for count in (few, many)}
        for count, file in files.items():
            mixes = Mixer(material, "test", "spare").articles(count, seed=4)
            file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in mixes))
        size = files[many].stat().st_size / many
        for _ in range(rounds):
            for name, heads in kinds.items():
                cpu = {count: _annotate(file, Path(folder), material.model, heads) for count, file in files.items()}
                seconds[name].append((cpu[many] - cpu[few]) / (many - few))
    rate = {name: 1 / float(np.median(own)) for name, own in seconds.items()}
    missing = "" if SHORT in rate else f"not available: annotate has no {HEADS}"
    rows = tuple(
        (name, rate[name], 1e6 * float(np.median(own)), 1e6 * min(own), 1e6 * max(own)) for name, own in seconds.items()
    )
    return Section(
        "batch",
        "Files of lines",
        f"Mixes of held-out sentences, 250 words and {size / 1000:.1f} kB a line. Articles a second of CPU of one "
        f"core: what {many - few:,} lines more cost, so the start of the command is not in it.",
        many,
        (
            Asked("articles a CPU second, rubric and 2,000 tags", rate.get(SHORT), least=6_000, note=missing),
            Asked("articles a CPU second, regions included", rate[ALL], least=4_000),
        ),
        (Table("rubricator annotate", ("Heads", "articles/s", "µs, median", "µs, least", "µs, most"), rows),),
    )


def _annotate(file: Path, folder: Path, model: Path, heads: Sequence[str]) -> float:
    line = ["annotate", str(file), "--output", os.devnull, "--model", str(model), *heads]
    return command(line, folder / "home").cpu
