"""The workers of a cluster, by Dask: `dask scheduler` and `dask worker` wherever they run.

Paths and byte ranges travel, never texts: the job's folder and the model lie on a folder that all of them see under one
path, the archive there, in S3 or in a database. Each worker verifies the model before its first shard, as at any load,
and keeps it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from service.jobs.counts import ShardCounts
from service.jobs.plan import JobError, Plan, code
from service.jobs.retag_shard import retag_shard
from service.jobs.shards import Shard

PATIENCE = 10.0  # seconds for the scheduler, and for the first worker
AHEAD = 2  # shards for each worker's thread: one is worked on, one waits
TRIES = 5  # of a shard whose workers die

_alone = threading.Lock()


def on_cluster(
    scheduler: str, plan: Plan, shards: Sequence[Shard], folder: Path, stopped: Callable[[], bool]
) -> Iterator[ShardCounts]:
    """Unordered. A worker that dies costs the shards it was working on, once more. Raises JobError."""
    try:
        import distributed
    except ImportError as error:
        raise JobError(f"a cluster needs Dask ({error}): pip install 'rubricator[cluster]'") from error
    dask: Any = distributed  # has no types
    try:
        client = dask.Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise JobError(f"there is no Dask scheduler at {scheduler}: {error}") from error
    try:
        threads = _workers(client, folder, plan)
        left = iter(shards)
        results = dask.as_completed([], loop=client.loop)

        def send() -> None:
            if not stopped() and (shard := next(left, None)) is not None:
                results.add(client.submit(_one, plan, shard, folder, pure=False, retries=TRIES))

        for _ in range(AHEAD * threads):
            send()
        for future in results:
            try:
                counts: ShardCounts = future.result()
            except Exception as error:
                raise _told(error, scheduler) from error
            send()
            yield counts
    finally:
        with suppress(Exception):
            client.close()


def engine(scheduler: str) -> Callable[..., Iterator[ShardCounts]]:
    return partial(on_cluster, scheduler)


def _workers(client: Any, folder: Path, plan: Plan) -> int:
    """How many threads there are. Raises JobError where a worker is another program, or doesn't see the job."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise JobError("the Dask scheduler has no workers: start some with `dask worker`") from error
    try:
        found = client.run(_seen, str(folder), plan.artifact)
    except Exception as error:
        raise JobError(f"a Dask worker can't run rubricator: {error}; install the same version there") from error
    for address, (version, folders) in found.items():
        if version != code():
            raise JobError(f"the worker {address} has rubricator {version}, this is {code()}: install the same there")
        if missing := [each for each, there in folders if not there]:
            raise JobError(f"the worker {address} does not see {missing[0]}: put it on a folder that all of them share")
    return sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())


def _seen(*paths: str) -> tuple[str, list[tuple[str, bool]]]:
    return code(), [(path, Path(path).exists()) for path in paths]


def _one(plan: Plan, shard: Shard, folder: Path) -> ShardCounts:
    """The threads of a worker share one model, and take turns."""
    with _alone:
        return retag_shard(plan, shard, folder)


def _told(error: Exception, scheduler: str) -> Exception:
    if type(error).__module__.startswith("distributed"):
        return JobError(f"the cluster at {scheduler} gave up: {error}; see to its workers, then --resume")
    return error
