"""Memory and start of the service: ready after how long, how many MB, and whether it stays there."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from tests.bench import drawing
from tests.bench.load import Client, Plan, client, post, posts
from tests.bench.material import Material
from tests.bench.mixes import Mixer, grouped
from tests.bench.scale import Scale, pick
from tests.bench.server import NotAvailableError, Server, home_with, rubricator
from tests.bench.swaps import VERSIONS, activate
from tests.bench.turns import ANNOTATE
from training.progress import Progress
from training.protocols.section import Asked, Cell, Plot, Section, Table

GROUP = 500  # articles of one call
STEPS = 25  # looks at the memory
SETTLED = 0.2  # of the articles: from here on memory has to stay
GROWN = 0.03  # share of the memory that it may grow by and is called flat
FURTHER = 2  # workers more than one


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """A minute and a half; with 1,000,000 articles ten."""
    requests = posts(ANNOTATE, material.measured()[:500])
    articles = pick(scale, smoke=5_000, usual=60_000, full=1_000_000)
    swaps = pick(scale, smoke=4, usual=30, full=100)
    with home_with(material.model, VERSIONS) as (home, versions), client() as load:
        with progress.step("starts"):
            ready, first = _starts(home, load, requests, pick(scale, smoke=2, usual=7, full=15))
        with progress.step("further workers"):
            further, why_not = _further(home, load, requests)
        with rubricator(home) as server:
            with progress.step(f"{articles} articles"):
                over_articles = _over_articles(server, load, Mixer(material, "test", "spare"), articles)
            with progress.step(f"{swaps} swaps"):
                over_swaps = _over_swaps(server, load, requests, versions, swaps)
    rss, pss = np.median(first, axis=0).tolist()
    rows: tuple[tuple[Cell, ...], ...] = (
        ("process start to the line that it listens, median, s", float(np.median(ready))),
        ("the slowest of them, s", max(ready)),
        ("first worker after 500 requests, RSS in MB", rss),
        ("first worker after 500 requests, PSS in MB", pss),
        ("each further worker, PSS in MB", further),
        (f"after {articles:,} articles, RSS in MB", over_articles[-1]),
        (f"after {swaps} swaps, RSS in MB", over_swaps[-1]),
    )
    at = np.linspace(0, articles, len(over_articles)).tolist()
    return Section(
        "memory",
        "Memory and start",
        f"rubricator serve with a model of 2,000 tags, {len(ready)} starts, the files in the system's cache. "
        f"Articles are "
        "mixes of held-out sentences, in calls of 500 lines; a swap loads another version each time.",
        articles,
        (
            Asked("ready after process start, s", float(np.median(ready)), most=1.0),
            Asked("first worker, RSS in MB", rss, most=150),
            Asked("each further worker, PSS in MB", further, most=60, note=why_not),
            Asked(
                f"growth over {articles:,} articles, share",
                grown(over_articles),
                most=GROWN,
                note="from a fifth of them on" + ("" if scale == "full" else "; 1,000,000 in a full run"),
            ),
            Asked(
                f"growth over {swaps} swaps, share",
                grown(over_swaps),
                most=GROWN,
                note="from a fifth of them on" + ("" if scale == "full" else "; 100 in a full run"),
            ),
        ),
        (Table("In figures", ("What", "figure"), rows),),
        (
            Plot(
                "Memory over articles",
                drawing.lines({"RSS": (at, over_articles)}, "articles", "MB", log=False, from_zero=True),
            ),
            Plot(
                "Memory over swaps",
                drawing.lines(
                    {"RSS": (list(range(len(over_swaps))), over_swaps)}, "swaps", "MB", log=False, from_zero=True
                ),
            ),
        ),
    )


def grown(memory: Sequence[float]) -> float:
    """Share by which the last fifth is above what came after the first fifth."""
    settled = memory[max(1, round(SETTLED * len(memory))) :]
    part = max(1, round(SETTLED * len(memory)))
    return float(np.median(settled[-part:]) / np.median(settled[:part]) - 1)


def _starts(
    home: Path, load: Client, requests: Sequence[bytes], count: int
) -> tuple[list[float], list[tuple[float, float]]]:
    ready, memory = [], []
    for _ in range(count):
        with rubricator(home, core=None) as server:
            ready.append(server.ready)
            load(server.port, requests, Plan(16, 500))
            memory.append(server.memory()[0])
    return ready, memory


def _further(home: Path, load: Client, requests: Sequence[bytes]) -> tuple[float | None, str]:
    """What a worker more costs: all processes of several workers less all of one, so whoever has what counts once."""
    pss = []
    try:
        for workers in (1, 1 + FURTHER):
            with rubricator(home, workers, core=None) as server:
                load(server.port, requests, Plan(64, 3_000))
                pss.append(sum(own for _, own in server.memory()))
    except NotAvailableError as error:
        return None, f"not available: {error}"
    return (pss[1] - pss[0]) / FURTHER, f"all processes of {1 + FURTHER} workers less those of one, by {FURTHER}"


def _over_articles(server: Server, load: Client, mixer: Mixer, count: int) -> list[float]:
    """RSS of all its processes, MB, at equal steps."""
    found = [_rss(server)]
    step = max(GROUP, count // STEPS // GROUP * GROUP)
    bodies = (
        post("/annotate/batch", b"\n".join(map(msgspec.json.encode, group)), {"content-type": "application/x-ndjson"})
        for group in grouped(mixer.articles(count, seed=1), GROUP)
    )
    for _ in range(0, count, step):
        some = list(islice(bodies, step // GROUP))
        got = load(server.port, some, Plan(1, len(some)))
        if got.count(200) != len(some):
            raise RuntimeError(f"{len(some) - got.count(200)} of {len(some)} calls were not answered with 200")
        found.append(_rss(server))
    return found


def _over_swaps(
    server: Server, load: Client, requests: Sequence[bytes], versions: Sequence[str], count: int
) -> list[float]:
    found = []
    for number in range(count + 1):
        activate(server, versions[(number + 1) % len(versions)])
        load(server.port, requests, Plan(4, 100))
        found.append(_rss(server))
    return found


def _rss(server: Server) -> float:
    return sum(rss for rss, _ in server.memory())
