"""What the annotating calls share: the door, the lanes, the limits and the count of what was answered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from service.annotate import ACTIVE, Answer, Door, Model, Options, Refused
from service.api.lanes import Alike, Lane, Lanes
from service.api.problems import ProblemError, busy
from service.api.schemas import Asked, FieldProblem
from service.api.tally import Tally
from service.inference.article import Profile
from service.inference.labels import HEADS, Head
from service.memory import KIND
from service.overlay import Overlaid


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

    def options(self, asked: Asked, heads: frozenset[str], model: Model) -> Options:
        """Raises a ProblemError where the model doesn't know the label that is asked about, nor the vocabulary."""
        why = _why(asked.why, model) if asked.why is not None else None
        explained, profile = asked.explain == "words" or why is not None, asked.profile or self.profile
        return Options(heads, explained, asked.limit, asked.threshold, asked.spans, profile, why=why)


def _why(sent: str, model: Model) -> tuple[Head, str]:
    """The head, and the label's id; it may be sent by its name."""
    labels = model.labels
    head, _, name = sent.partition(":")
    for each in HEADS:
        if each == head and name:
            found = name if labels.label(each, name) is not None else labels.id_of(each, name)
            if found is None and each == "tags" and isinstance(model, Overlaid):
                found = model.gone(name)
            if found is None:
                detail = f"there is no {KIND[each]} with the id {name[:64]}"
                raise ProblemError("unknown-label", detail, errors=[FieldProblem("?why", detail)])
            return each, found
    detail = "why must be the head and the label: rubric:sport, tags:Новый мост, regions:RU-77"
    raise ProblemError("bad-parameter", detail, errors=[FieldProblem("?why", detail)])
