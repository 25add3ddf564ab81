"""What the annotating calls share: the door, the lanes, the limits and the count of what was answered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from service.annotate import ACTIVE, Answer, Door, Model, Options, Refused
from service.api.lanes import Alike, Lane, Lanes
from service.api.problems import busy
from service.api.schemas import Asked
from service.api.tally import Tally
from service.inference.article import Profile


@dataclass(frozen=True, slots=True)
class Desk:
    door: Door
    lanes: Lanes
    tally: Tally
    max_body: int
    max_batch: int
    profile: Profile

    async def take(self, version: str) -> Model:
        """The model for the whole of an answer; another version than the active one may have to be loaded."""
        if version == ACTIVE:
            return self.door.take()
        return await asyncio.to_thread(self.door.take, version)

    async def answer(
        self,
        lane: Lane,
        model: Model,
        records: Sequence[bytes],
        options: Options,
        *,
        strict: bool,
        timeout: float | None = None,
    ) -> list[Answer]:
        """`timeout` in seconds: what has not been begun by then is answered in part."""
        answers = await self.lanes.answer(lane, Alike(model, options, strict), records, timeout)
        self.tally.answers(None if isinstance(answer, Refused) else answer for answer in answers)
        return answers

    def make_room(self, lane: Lane) -> None:
        """Raises a ProblemError where there is none."""
        if self.lanes.is_full(lane):
            raise busy()

    def options(self, asked: Asked, heads: frozenset[str]) -> Options:
        explained, profile = asked.explain == "words", asked.profile or self.profile
        return Options(heads, explained, asked.limit, asked.threshold, asked.spans, profile)
