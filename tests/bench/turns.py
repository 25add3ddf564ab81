"""One turn of load on a server, and what a part of a section finds by it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tests.bench.load import Client, Plan
from tests.bench.server import Server
from training.protocols.section import Asked, Plot, Table

ANNOTATE = "/annotate"
USUAL = 16  # connections


class Found(NamedTuple):
    asked: Sequence[Asked] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()


class Turn(NamedTuple):
    per_second: float
    us_of_cpu: float  # of all the server's processes, a request
    p50: float  # ms
    p99: float  # ms


def turn(server: Server, load: Client, requests: Sequence[bytes], plan: Plan) -> Turn:
    before = server.cpu()
    got = load(server.port, requests, plan)
    cpu = server.cpu() - before
    ms = got.ms(200)
    if not len(ms):
        raise RuntimeError(f"the server answered none of {len(got.status)} requests with 200, but {set(got.status)}")
    return Turn(len(ms) / got.seconds, 1e6 * cpu / len(ms), float(np.median(ms)), float(np.percentile(ms, 99)))


def middle(turns: Sequence[Turn]) -> Turn:
    return Turn(*np.median(np.array(turns), axis=0).tolist())


def p50(ms: npt.NDArray[Any]) -> float | None:
    return float(np.median(ms)) if len(ms) else None


def p99(ms: npt.NDArray[Any]) -> float | None:
    return float(np.percentile(ms, 99)) if len(ms) else None
