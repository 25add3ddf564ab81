"""A client that loads a server: HTTP/1.1 over raw sockets, so many connections, each sending when it was answered.

It runs in a process of its own, on a core of its own where there is one, and keeps what each request got.
"""

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import msgspec
import numpy as np
import numpy.typing as npt
import uvloop

from service.inference.article import Article
from tests.bench.systems import pin

TIME_OUT = 10.0  # seconds; what takes longer has failed, as a CMS would have given up long before
LOST = 0  # the status of a request that was never answered
CORE = 1
LONGEST_WAIT = 1.0  # seconds that a client waits when it was told to come again later


@dataclass(frozen=True)
class Plan:
    """What a client does: `count` requests, or as many as `seconds` allow."""

    connections: int = 1
    count: int = 1_000_000_000
    seconds: float = 1_000_000.0
    pause: float = 0.0  # seconds between an answer and the next request of its connection
    core: int | None = CORE


@dataclass
class Got:
    """Of each request, in the order of the answers: when it was sent (monotonic), how long it took, its status, the
    version that answered, and whether a refusal said when to come again."""

    sent: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    version: list[bytes] = field(default_factory=list)
    retry_after: list[bool] = field(default_factory=list)

    def add(self, sent: float, status: int, version: bytes = b"", retry_after: bool = False) -> None:
        self.sent.append(sent)
        self.took.append(time.monotonic() - sent)
        self.status.append(status)
        self.version.append(version)
        self.retry_after.append(retry_after)

    def extend(self, other: "Got") -> None:
        self.sent += other.sent
        self.took += other.took
        self.status += other.status
        self.version += other.version
        self.retry_after += other.retry_after

    def ms(self, status: int) -> npt.NDArray[np.float64]:
        """How long answers of this status took."""
        took = 1000 * np.array(self.took, np.float64)
        of_status: npt.NDArray[np.float64] = took[np.array(self.status, np.int64) == status]
        return of_status

    def count(self, status: int) -> int:
        return self.status.count(status)

    @property
    def failed(self) -> int:
        """Never answered, answered too late, or answered with something else than 200 or 503."""
        return sum(
            status not in (200, 503) or took > TIME_OUT for status, took in zip(self.status, self.took, strict=True)
        )

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        ends = [sent + took for sent, took in zip(self.sent, self.took, strict=True)]
        return max(ends) - min(self.sent) if ends else 0.0


def posts(path: str, articles: Sequence[Article], headers: Mapping[str, str] | None = None) -> list[bytes]:
    """A request for each article."""
    return [
        post(path, msgspec.json.encode(article), {"content-type": "application/json", **(headers or {})})
        for article in articles
    ]


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], plan: Plan, got: Got, until: float) -> None:
        self._requests, self._plan, self._got, self._until = requests, plan, got, until
        self.ended = asyncio.Event()
        self._buffer = bytearray()
        self._sent: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._send()

    def _send(self) -> None:
        request = next(self._requests, None) if time.monotonic() < self._until else None
        if request is None or self._transport.is_closing():
            self.end()
            return
        self._sent = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._sent is None or (head_ends := self._buffer.find(b"\r\n\r\n")) < 0:
            return
        status, headers = head_of(bytes(self._buffer[:head_ends]))
        if not is_whole(headers, self._buffer, head_ends + 4):
            return
        self._buffer.clear()
        wait = self._plan.pause
        if status == 503:
            wait = max(wait, min(float(headers.get(b"retry-after", b"0")), LONGEST_WAIT))
        self._got.add(self._sent, status, headers.get(b"x-model-version", b""), b"retry-after" in headers)
        self._sent = None
        if wait:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self.end()

    def end(self) -> None:
        if self.ended.is_set():
            return
        if self._sent is not None:
            self._got.add(self._sent, LOST)
        self._transport.close()
        self.ended.set()


def _itself(connection: _Connection) -> _Connection:
    return connection


def head_of(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    first, *lines = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


def is_whole(headers: Mapping[bytes, bytes], buffer: bytearray, body: int) -> bool:
    """Whether the body that begins there has all come in."""
    if headers.get(b"transfer-encoding") == b"chunked":
        return buffer.endswith(b"0\r\n\r\n") and (len(buffer) == body + 5 or buffer.endswith(b"\r\n0\r\n\r\n"))
    return len(buffer) - body >= int(headers.get(b"content-length", b"0"))


async def load(port: int, requests: Sequence[bytes], plan: Plan) -> Got:
    """The requests come round again as often as the plan needs them."""
    got = Got()
    turns = itertools.islice(itertools.cycle(requests), plan.count)
    until = time.monotonic() + plan.seconds
    loop = asyncio.get_running_loop()
    connections = []
    ends = []
    for _ in range(plan.connections):
        connection = _Connection(turns, plan, got, until)
        await loop.create_connection(partial(_itself, connection), "127.0.0.1", port)
        connections.append(connection)
        ends.append(asyncio.create_task(connection.ended.wait()))
    left = asyncio.gather(*ends)
    try:
        await asyncio.wait_for(asyncio.shield(left), plan.seconds + TIME_OUT if plan.seconds < 1e5 else None)
    except TimeoutError:
        for connection in connections:
            connection.end()  # whoever still waits counts as lost
    await left
    return got


def _run(port: int, requests: Sequence[bytes], plan: Plan) -> Got:
    if plan.core is not None:
        pin(plan.core)
    return uvloop.run(load(port, requests, plan))


class Client:
    """A process that loads; several of them may load one server at a time."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def start(self, port: int, requests: Sequence[bytes], plan: Plan) -> "Future[Got]":
        return self._pool.submit(_run, port, requests, plan)

    def __call__(self, port: int, requests: Sequence[bytes], plan: Plan) -> Got:
        return self.start(port, requests, plan).result()


@contextmanager
def client() -> Iterator[Client]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield Client(pool)
