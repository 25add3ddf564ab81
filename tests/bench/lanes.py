"""Two lanes: what an editor's call takes alone, beside a client that sends batches all the time, beside a training, and
beside a job that retags an archive."""

import math
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec

from service.inference.article import Article
from tests.bench.load import Client, Got, Plan, post, posts
from tests.bench.scale import Scale, pick
from tests.bench.server import RUBRICATOR, SERVER_CORE, pinned, rubricator
from tests.bench.turns import ANNOTATE, Found, p50, p99
from training.protocols.section import Asked, Table
from training.run import SAMPLE

BULK = 500  # articles of one call of the batch client
FASTEST = 4_000  # articles a second that a job may do


def measured(home: Path, clients: Sequence[Client], articles: Sequence[Article], scale: Scale) -> Found:
    """Editors' calls alone, while a batch client keeps the server busy, beside a niced training, and while a job
    of the server's is at work."""
    seconds = pick(scale, smoke=1.0, usual=8.0, full=20.0)
    editors = posts(ANNOTATE, articles)
    lines = [b"\n".join(map(msgspec.json.encode, articles[i : i + BULK])) for i in range(0, len(articles), BULK)]
    bulk = [post("/annotate/batch", one, {"content-type": "application/x-ndjson"}) for one in lines]
    calls = Plan(4, seconds=seconds, pause=0.02)
    rows: dict[str, Got] = {}
    with rubricator(home) as server:
        clients[0](server.port, editors, Plan(4, 300))
        rows["alone"] = clients[0](server.port, editors, calls)
        batch = clients[1].start(server.port, bulk, Plan(2, seconds=seconds + 1))
        time.sleep(0.5)
        rows["beside a batch client"] = clients[0](server.port, editors, calls)
        annotated = batch.result()
        with training_beside():
            rows["beside a niced training"] = clients[0](server.port, editors, calls)
        with job_beside(server.port, b"\n".join(lines), seconds) as retagged:
            rows["beside a job over HTTP"] = clients[0](server.port, editors, calls)
    longest = {name: p99(got.ms(200)) for name, got in rows.items()}
    alone = longest["alone"] or 1.0
    asked = tuple(
        Asked(
            f"p99 of an editor's call {name}, over alone",
            (longest[name] or 0.0) / alone if longest[name] else None,
            most=2,
        )
        for name in rows
        if name != "alone"
    )
    table = Table(
        "Editors' calls: 4 connections, 20 ms between calls",
        ("Editors' calls", "requests", "p50, ms", "p99, ms"),
        tuple((name, got.count(200), p50(got.ms(200)), longest[name]) for name, got in rows.items()),
        f"The batch client: {annotated.count(200)} calls of {BULK} articles meanwhile, on 2 connections. "
        f"The job: {retagged[0]:,} articles meanwhile, by a process on the server's core.",
    )
    return Found(asked, (table,))


@contextmanager
def job_beside(port: int, lines: bytes, seconds: float) -> Iterator[list[int]]:
    """A job that was sent to this server, at work as long as the block takes; how many articles it did meanwhile. Its
    process is the server's child, and so kept on the server's core."""
    options = '{"accept": "review", "max_change": 1, "heads": ["rubric", "regions", "tags"]}'
    times = math.ceil(seconds * FASTEST / (lines.count(b"\n") + 1)) + 1
    meanwhile: list[int] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        headers = {"content-type": "application/x-ndjson"}
        sent = client.post("/jobs", params={"options": options}, content=(lines + b"\n") * times, headers=headers)
        address = f"/jobs/{sent.raise_for_status().json()['id']}"

        def done() -> int:
            told = client.get(address).json()
            if told["status"] not in {"queued", "running"}:
                raise RuntimeError(f"the job ended too early: {told['status']} {told['note']}")
            return int(told["articles"])

        while not (before := done()):
            time.sleep(0.1)
        yield meanwhile
        meanwhile.append(done() - before)
        client.post(f"{address}/cancel")
        while client.get(address).json()["status"] == "cancelling":
            time.sleep(0.1)


@contextmanager
def training_beside() -> Iterator[None]:
    """`rubricator train` on the sample corpus, again and again, niced, on the server's core."""
    over = threading.Event()
    with TemporaryDirectory() as folder:
        line = [*("nice", "-n", "19"), *pinned(SERVER_CORE), *RUBRICATOR, "train", "--data", str(SAMPLE)]
        environment = {**os.environ, "RUBRICATOR_HOME": folder}
        started: list[subprocess.Popen[bytes]] = []

        def train() -> None:
            while not over.is_set():
                with subprocess.Popen(
                    line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                ) as one:
                    started.append(one)

        thread = threading.Thread(target=train)
        thread.start()
        try:
            time.sleep(1.0)  # until it has begun to work
            yield
        finally:
            over.set()
            started[-1].terminate()
            thread.join()
