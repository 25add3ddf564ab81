"""Exchanging the model while requests run: does any fail, and for how long does the old one go on answering?"""

import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.load import Client, Got, Plan
from tests.bench.scale import Scale, pick
from tests.bench.server import Server, rubricator
from tests.bench.turns import USUAL, Found, p50, p99
from training.protocols.section import Asked, Table

VERSIONS = 4  # more than the service keeps in memory, so that every swap loads
ROUND = 8.0  # seconds of load at a time, until all swaps are done


def measured(home: Path, versions: Sequence[str], load: Client, requests: Sequence[bytes], scale: Scale) -> Found:
    """Each activation is another version; load runs from before the first until after the last."""
    count = pick(scale, smoke=3, usual=30, full=100)
    activated: list[tuple[str, float, float]] = []
    got = Got()
    with rubricator(home) as server:
        load(server.port, requests, Plan(USUAL, 300))
        while len(activated) < count:
            some = load.start(server.port, requests, Plan(4, seconds=ROUND))
            while len(activated) < count and not some.done():
                version, began = versions[(len(activated) + 1) % len(versions)], time.monotonic()
                activate(server, version)
                activated.append((version, time.monotonic() - began, time.monotonic()))
                time.sleep(0.05)
            got.extend(some.result())
    covered = sum(at < max(got.sent) for *_, at in activated)
    return Found(
        (
            Asked(
                f"failed requests over {covered} swaps under load",
                float(got.failed + got.count(503)),
                most=0,
                note=f"{len(got.status):,} requests from 4 connections meanwhile",
            ),
            Asked("the old version still answered after an activation, longest in s", lag(got, activated), most=1.0),
        ),
        (
            Table(
                "Activations over HTTP",
                ("What", "figure"),
                (
                    ("swaps", covered),
                    ("p50 of an activation, ms", p50(1000 * np.array([took for _, took, _ in activated]))),
                    ("p99 of requests meanwhile, ms", p99(got.ms(200))),
                ),
                "An activation reads all of the model, checks it and repeats its self-test.",
            ),
        ),
    )


def activate(server: Server, version: str) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/models/{version}/activate",
        b'{"reason": "benchmark"}',
        {"content-type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def lag(got: Got, activated: Sequence[tuple[str, float, float]]) -> float:
    """The longest time after an activation was answered in which a request was sent that another version answered."""
    longest = 0.0
    ends = [at - took for _, took, at in activated[1:]] + [float("inf")]  # until the next activation begins
    for (version, _, at), end in zip(activated, ends, strict=True):
        old = [
            sent - at
            for sent, of in zip(got.sent, got.version, strict=True)
            if at < sent < end and of != version.encode()
        ]
        longest = max([longest, *old])
    return longest
