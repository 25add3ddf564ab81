"""Who is answered when: editors before bulk, in slices so short that the event loop stays awake between them.

All of it runs on the event loop. A thread of its own would not be faster, threads of one interpreter take turns and
each hand-over costs 0.1 ms; a loop that works in slices can refuse within milliseconds what it has no time for. What
came in during a slice is answered by one call of the model: micro-batches, and nobody waits for one to fill.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal, NamedTuple

from service.annotate import Answer, Door, Model, Options, partly

Lane = Literal["editors", "bulk"]

# bytes of JSON for one call of the model: some ten articles, 3 ms; with half as much a request costs 2 to 4 % more. Of
# bulk less, as editors have to wait for it.
SLICE: Final[dict[Lane, int]] = {"editors": 32 * 1024, "bulk": 8 * 1024}
LONGEST: Final = 0.004  # seconds of slices on end, when the network has kept the loop busy as long
ON_THE_LOOP: Final = 64 * 1024  # bytes; one longer record, tens of milliseconds, goes to a thread
THREADS: Final = 2

# Seconds that the head of a lane may have waited while others still join it. A queue's delay says whether there is too
# much, its length doesn't (Nichols & Jacobson, Controlling Queue Delay, 2012).
PATIENCE: Final[dict[Lane, float]] = {"editors": 0.03, "bulk": 2.0}
# Calls that may wait however long: they take 16 ms once the CPU is ours, and a moment without it fills no queue.
FEW: Final[dict[Lane, int]] = {"editors": 32, "bulk": 1}
MOST: Final[dict[Lane, int]] = {"editors": 512, "bulk": 64}  # calls in a lane, should they all come at once


class Alike(NamedTuple):
    """What the records of one call of the model have in common."""

    model: Model
    options: Options
    strict: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    alike: Alike
    records: Sequence[bytes]
    size: int
    since: float
    answers: "asyncio.Future[list[Answer]]"
    late: bool = False


class Lanes:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._queues: dict[Lane, deque[_Waiting]] = {"editors": deque(), "bulk": deque()}
        self._ended = perf_counter()
        self._scheduled = False
        self._threads = ThreadPoolExecutor(THREADS, "annotate")

    def is_full(self, lane: Lane) -> bool:
        """Whether what came now would wait too long."""
        queue = self._queues[lane]
        if len(queue) < FEW[lane]:
            return False
        return perf_counter() - queue[0].since > PATIENCE[lane] or len(queue) >= MOST[lane]

    async def answer(
        self, lane: Lane, alike: Alike, records: Sequence[bytes], timeout: float | None = None
    ) -> list[Answer]:
        """One answer for each record, in order; whether there is room for them is asked of `is_full` before.

        What has not been begun after `timeout` seconds is answered next, and only in part.
        """
        answers: list[Answer] = []
        until = None if timeout is None else perf_counter() + timeout
        for part, size in _slices(records, SLICE[lane]):
            if size > ON_THE_LOOP:
                answers += await self._in_thread(alike, part)
            else:
                answers += await self._in_turn(lane, alike, part, size, until)
        return answers

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _in_thread(self, alike: Alike, records: Sequence[bytes]) -> "asyncio.Future[list[Answer]]":
        return asyncio.get_running_loop().run_in_executor(self._threads, self._work, alike, records)

    def _in_turn(
        self, lane: Lane, alike: Alike, records: Sequence[bytes], size: int, until: float | None
    ) -> "asyncio.Future[list[Answer]]":
        loop = asyncio.get_running_loop()
        now = perf_counter()
        waiting = _Waiting(alike, records, size, now, loop.create_future())
        self._queues[lane].append(waiting)
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._turn, loop)
        if until is not None:
            timer = loop.call_later(max(0.0, until - now), self._hurry, lane, waiting)
            waiting.answers.add_done_callback(lambda _: timer.cancel())
        return waiting.answers

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """A slice; what else waits has its turn after the loop has looked at the network again.

        Editors have as many slices as take the time that the loop was away: callers who are refused and come again at
        once must not starve those who wait.
        """
        began = perf_counter()
        until = began + min(began - self._ended, LONGEST)
        taken = self._take("editors") or self._take("bulk")
        while taken:
            self._answer(taken)
            taken = self._take("editors") if perf_counter() < until else []
        self._ended = perf_counter()
        self._scheduled = any(self._queues.values())
        if self._scheduled:
            loop.call_soon(self._turn, loop)

    def _take(self, lane: Lane) -> list[_Waiting]:
        """From the head of a lane what one call can answer: a slice of those that ask the same of the same model."""
        queue, size = self._queues[lane], 0
        taken: list[_Waiting] = []
        while queue and size < SLICE[lane] and (not taken or queue[0].alike == taken[0].alike):
            waiting = queue.popleft()
            if not waiting.answers.done():  # else its client has gone
                taken.append(waiting)
                size += waiting.size
        return taken

    def _answer(self, taken: Sequence[_Waiting]) -> None:
        try:
            answers = iter(self._work(taken[0].alike, [record for one in taken for record in one.records]))
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
            for one in taken:
                one.answers.set_exception(error)
            return
        for one in taken:
            own = [next(answers) for _ in one.records]
            one.answers.set_result(list(map(partly, own)) if one.late else own)

    def _work(self, alike: Alike, records: Sequence[bytes]) -> list[Answer]:
        return self._door.answer(alike.model, records, alike.options, strict=alike.strict, stamped=True)

    def _hurry(self, lane: Lane, waiting: _Waiting) -> None:
        """Its time is up: it is the next, and asks for less."""
        if waiting in self._queues[lane]:
            self._queues[lane].remove(waiting)
            waiting.alike = waiting.alike._replace(options=waiting.alike.options.least())
            waiting.late = True
            self._queues["editors"].appendleft(waiting)


def _slices(records: Sequence[bytes], most: int) -> Iterator[tuple[Sequence[bytes], int]]:
    """Pieces of one call's work, with their bytes; a record longer than a slice is one of its own."""
    start, size = 0, 0
    for i, record in enumerate(records):
        if i > start and size + len(record) > most:
            yield records[start:i], size
            start, size = i, 0
        size += len(record)
    if start < len(records):
        yield records[start:], size
