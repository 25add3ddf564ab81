"""What the annotating calls share: the door, the threads, the limits and the count of what was answered."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from service.annotate import ACTIVE, Answer, Door, Model, Options, Refused
from service.api.schemas import Asked
from service.api.tally import Tally
from service.inference.article import Profile

# Up to here a body is worked on in the event loop: a thread costs 0.1 ms, more than a usual article takes in all.
# 64 kB are some 10 ms, which is what the others then wait.
ON_THE_SPOT: Final = 64 * 1024

# No more: threads of one interpreter only take turns, and bodies of usual size don't wait for any of them.
THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Desk:
    door: Door
    tally: Tally
    max_body: int
    max_batch: int
    profile: Profile
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "annotate"))

    async def take(self, version: str) -> Model:
        """The model for the whole of an answer; another version than the active one may have to be loaded."""
        if version == ACTIVE:
            return self.door.take()
        return await asyncio.to_thread(self.door.take, version)

    async def answer(self, model: Model, records: Sequence[bytes], options: Options, *, strict: bool) -> list[Answer]:
        work = partial(self.door.answer, model, records, options, strict=strict, stamped=True)
        if sum(map(len, records)) <= ON_THE_SPOT:
            answers = work()
        else:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        self.tally.answers(None if isinstance(answer, Refused) else answer for answer in answers)
        return answers

    def options(self, asked: Asked, heads: frozenset[str]) -> Options:
        explained, profile = asked.explain == "words", asked.profile or self.profile
        return Options(heads, explained, asked.limit, asked.threshold, asked.spans, profile)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
