"""The processes of this machine, by joblib's loky."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import Thread
from time import sleep

from service.jobs.counts import ShardCounts
from service.jobs.plan import JobError, Plan
from service.jobs.retag_shard import counts_of, retag_shard
from service.jobs.shards import Shard

MOST_DEATHS = 3  # of workers in a row without a shard that was finished in between


def local(
    workers: int, plan: Plan, shards: Sequence[Shard], folder: Path, stopped: Callable[[], bool]
) -> Iterator[ShardCounts]:
    """Unordered. A killed worker costs the shards that were being worked on, once more. Heavy on CPU."""
    if workers == 1 or len(shards) == 1:
        yield from _here(plan, shards, folder, stopped)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left, deaths = list(shards), 0
    while left and not stopped():
        # one shard ahead for each worker; loky has them wait for no more than that when it is stopped
        parallel = Parallel(workers, return_as="generator_unordered", pre_dispatch=2 * workers, batch_size=1)
        task = delayed(partial(_in_worker, os.getpid()))
        with _deaf_to_ctrl_c():  # which workers inherit: it would end them while they still import
            results = parallel(task(plan, shard, folder) for shard in _until(stopped, left))
        done: set[tuple[int, int]] = set()
        try:
            for counts in results:
                done.add((counts.file, counts.number))
                deaths = 0
                yield counts
        except TerminatedWorkerError as error:
            deaths += 1
            if deaths > MOST_DEATHS:
                raise JobError(
                    f"workers were killed {deaths} times in a row, perhaps for want of memory: take fewer --workers, "
                    "then --resume"
                ) from error
            for shard in left:
                if (shard.file, shard.number) not in done and (
                    counts := counts_of(folder, shard)
                ) is not None:  # finished, and not told any more
                    done.add((shard.file, shard.number))
                    yield counts
            left = [shard for shard in left if (shard.file, shard.number) not in done]
        else:
            return


def engine(workers: int) -> Callable[..., Iterator[ShardCounts]]:
    return partial(local, workers)


def _in_worker(parent: int, plan: Plan, shard: Shard, folder: Path) -> ShardCounts:
    """Ctrl-C reaches all processes of a terminal; it is for the first to say who stops."""
    signal(SIGINT, SIG_IGN)
    _end_with(parent)
    return retag_shard(plan, shard, folder)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """For the moment in which processes are started. A mask would not do: loky takes it off."""
    before = signal(SIGINT, SIG_IGN)
    try:
        yield
    finally:
        signal(SIGINT, before)


@cache
def _end_with(parent: int) -> None:
    """Loky's own workers stay for five minutes after their parent was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, name="parent-watcher", daemon=True).start()


def _here(plan: Plan, shards: Sequence[Shard], folder: Path, stopped: Callable[[], bool]) -> Iterator[ShardCounts]:
    for shard in _until(stopped, shards):
        yield retag_shard(plan, shard, folder)


def _until(stopped: Callable[[], bool], shards: Sequence[Shard]) -> Iterator[Shard]:
    for shard in shards:
        if stopped():
            return
        yield shard
