"""The service as a CMS meets it: `rubricator serve` on this machine, with all that production has on, under load."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from tests.bench import drawing, lanes, swaps
from tests.bench.load import TIME_OUT, Client, Plan, client, posts
from tests.bench.material import Material
from tests.bench.scale import Scale, pick
from tests.bench.server import NotAvailableError, home_with, rubricator, running
from tests.bench.turns import ANNOTATE, USUAL, Found, Turn, middle, p50, p99, turn
from training.progress import Progress
from training.protocols.section import Asked, Cell, Plot, Section, Table

OURS, BARE = "rubricator serve", "bare ASGI, same engine"
MANY = 256  # connections


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Three minutes; with 100 swaps six."""
    articles = material.measured()
    requests = posts(ANNOTATE, articles)
    with ExitStack() as ends:
        home, versions = ends.enter_context(home_with(material.model, swaps.VERSIONS))
        clients = [ends.enter_context(client()) for _ in range(2)]
        with progress.step("idle, and beside a bare application"):
            found = [_against_bare(material, home, clients[0], requests, scale)]
        with progress.step(f"{MANY} connections"):
            found.append(_crowd(home, clients[0], requests, scale))
        with progress.step("several workers"):
            found.append(_workers(home, clients[0], requests, scale))
        with progress.step("editors beside bulk"):
            found.append(lanes.measured(home, clients, articles, scale))
        with progress.step("activations under load"):
            found.append(swaps.measured(home, versions, clients[0], requests, scale))
    asked = tuple(one for part in found for one in part.asked)
    tables = tuple(table for part in found for table in part.tables)
    plots = tuple(plot for part in found for plot in part.plots)
    size = np.mean([len(one) for one in requests]) / 1000
    about = (
        f"Real articles, all different until they come round again, {size:.1f} kB a request with headers; server and "
        f"client "
        "in processes and on cores of their own. CPU is the server's, all its processes, from /proc."
    )
    return Section("http", "Over HTTP", about, len(articles), asked, tables, plots)


def _against_bare(material: Material, home: Path, load: Client, requests: Sequence[bytes], scale: Scale) -> Found:
    """In turns: the service, the bare application, the service …"""
    count = pick(scale, smoke=200, usual=2_000, full=4_000)
    rounds = pick(scale, smoke=2, usual=7, full=11)
    with rubricator(home) as ours, running([sys.executable, "-m", "tests.bench.bare", str(material.model)], {}) as bare:
        servers = {OURS: ours, BARE: bare}
        for server in servers.values():
            load(server.port, requests, Plan(USUAL, count))
        idle = {
            name: [turn(server, load, requests, Plan(1, count // 10, pause=0.003)) for _ in range(3)]
            for name, server in servers.items()
        }
        busy: dict[str, list[Turn]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                busy[name].append(turn(server, load, requests, Plan(USUAL, count)))
    share = float(
        np.median([other.us_of_cpu / mine.us_of_cpu for mine, other in zip(busy[OURS], busy[BARE], strict=True)])
    )
    by_the_clock = float(
        np.median([mine.per_second / other.per_second for mine, other in zip(busy[OURS], busy[BARE], strict=True)])
    )
    medians = {
        f"{name}, {how}": middle(turns[name])
        for name in servers
        for how, turns in (("idle, 1 connection", idle), (f"{USUAL} connections", busy))
    }
    rows: list[tuple[Cell, ...]] = [(name, *one) for name, one in medians.items()]
    waits = {name: (one.p50, one.p99) for name, one in medians.items()}
    return Found(
        (
            Asked("a single request on an idle server, p50 in ms", middle(idle[OURS]).p50, most=1.0),
            Asked(
                "requests a second of CPU, over a bare application's",
                share,
                least=0.85,
                note=f"by the clock {by_the_clock:.2f}",
            ),
            Asked(f"p99 at {USUAL} connections, ms", middle(busy[OURS]).p99, most=10),
        ),
        (Table("Beside a bare application", ("Server", "requests/s", "CPU, µs", "p50, ms", "p99, ms"), tuple(rows)),),
        (Plot("Time of a request: p50, and to p99", drawing.ranges(waits, "ms by the clock")),),
    )


def _crowd(home: Path, load: Client, requests: Sequence[bytes], scale: Scale) -> Found:
    """More connections than a queue should hold. A refused client comes again when told to, after a second at most."""
    seconds = pick(scale, smoke=1.0, usual=8.0, full=20.0)
    with rubricator(home) as server:
        load(server.port, requests, Plan(USUAL, 300))
        got = load(server.port, requests, Plan(MANY, seconds=seconds))
    accepted, refused = got.ms(200), got.ms(503)
    late = sum(took > TIME_OUT for took in got.took) + got.count(0)
    told = all(has for has, status in zip(got.retry_after, got.status, strict=True) if status == 503)
    nobody = "nobody was refused"
    return Found(
        (
            Asked(
                f"time-outs and failures at {MANY} connections",
                float(got.failed),
                most=0,
                note=f"{late} of them late or lost",
            ),
            Asked(f"p99 of accepted requests at {MANY} connections, ms", p99(accepted), most=100),
            Asked(
                "p99 of refusals, ms",
                p99(refused) if len(refused) else None,
                most=5,
                note="" if len(refused) else nobody,
            ),
            Asked(
                "refusals that say when to come again, share",
                float(told) if len(refused) else None,
                least=1,
                note="" if len(refused) else nobody,
            ),
        ),
        (
            Table(
                f"{MANY} connections for {seconds:.0f} s",
                ("Answer", "requests", "share", "p50, ms", "p99, ms"),
                tuple(
                    (name, len(ms), len(ms) / max(1, len(got.status)), p50(ms), p99(ms))
                    for name, ms in (("200", accepted), ("503", refused))
                ),
                f"{len(accepted) / got.seconds:,.0f} accepted a second.",
            ),
        ),
    )


def _workers(home: Path, load: Client, requests: Sequence[bytes], scale: Scale) -> Found:
    """On all cores, which the client shares: by the clock little can be said, a CPU second is one anywhere."""
    count = pick(scale, smoke=300, usual=4_000, full=10_000)
    plan = Plan(USUAL, count, core=None)
    turns: dict[int, list[Turn]] = {1: [], 2: []}
    try:
        with rubricator(home, 1, core=None) as one, rubricator(home, 2, core=None) as two:
            for server in (one, two):
                load(server.port, requests, plan)
            for _ in range(pick(scale, smoke=1, usual=5, full=9)):
                for number, server in ((1, one), (2, two)):
                    turns[number].append(turn(server, load, requests, plan))
    except NotAvailableError as error:
        note = f"not available: {error}"
        return Found((Asked("requests a CPU second of two workers, over one's", None, least=0.9, note=note),))
    share = float(np.median([a.us_of_cpu / b.us_of_cpu for a, b in zip(turns[1], turns[2], strict=True)]))
    rows = tuple((f"{number} worker{'s' * (number > 1)}", *middle(own)) for number, own in turns.items())
    return Found(
        (Asked("requests a CPU second of two workers, over one's", share, least=0.9),),
        (Table("Workers, not pinned", ("Processes", "requests/s", "CPU, µs", "p50, ms", "p99, ms"), rows),),
    )
