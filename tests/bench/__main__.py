"""All parts of the benchmark, or those that are named: ratios in lines, a page to look at, and the same as JSON.

    python -m tests.bench --data FOLDER --only in_process --scale smoke --json out.json --html out.html

What falls short of what was asked is told line by line, and stays on the page; it is no error of the command.
"""

import argparse
import os
import platform
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import typer

from tests.bench.every import PARTS, sections_of
from tests.bench.material import prepare
from training.progress import Progress
from training.protocols.__main__ import as_json, summary
from training.protocols.section import Section
from training.quality_page import Method, render

METHOD = Method(
    "How fast, and beside whom",
    "articles",
    "By <code>make bench</code>. Systems take turns on the same articles, each in a process of its own, one thread on "
    "one core; ratios are medians over the turns, so that a slow moment of the machine hits all. Times are CPU times "
    "unless a column says otherwise; wall times of a busy machine say little. Peers learnt from the very articles "
    "that ours did.",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast rubricator answers.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--work", type=Path, default=Path("var/bench"), help="folder for models; made once, then kept")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--scale",
        choices=("smoke", "usual", "full"),
        default="usual",
        help="smoke: whether it works; full: all counts that were asked for, an hour and more",
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    progress = Progress()
    material = prepare(options.work, options.data, progress)
    found: list[Section] = []
    for name in options.only:
        found += sections_of(name, material, options.scale, progress)
    if options.json:
        options.json.write_bytes(as_json(found))
    if options.html:
        options.html.write_text(render(found, about=about(options.scale), method=METHOD), "utf-8")
    for line in summary(found):
        typer.echo(line)


def about(scale: str) -> dict[str, object]:
    return {"counts": scale, "CPU": _cpu(), "cores": len(os.sched_getaffinity(0)), "Python": platform.python_version()}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
