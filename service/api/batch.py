"""POST /annotate/batch: many articles, as one JSON array or as a stream of lines; a bad one answers in its place."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency

from service.annotate import Answer, Model, Options, Refused
from service.api.annotating import LABELS, PROBLEMS, RUBRIC
from service.api.body import JSON, NDJSON, decode, media_type, read_body
from service.api.desk import Desk
from service.api.encoded import Encoded
from service.api.lines import TOO_LONG, Line
from service.api.openapi import Either, Told
from service.api.problems import Language, ProblemError, describe, language_of, too_large
from service.api.query import read_query
from service.api.schemas import Asked, RefusedItem, RefusedLine
from service.api.streaming import LineStream
from service.inference.article import Annotation, Article
from service.records import encode_annotation

_TOLD = Told(
    "The annotations of many articles, in order",
    query=Asked,
    body={JSON: list[Article], NDJSON: Article},
    answer={JSON: Either(Annotation, RefusedItem, many=True), NDJSON: Either(Annotation, RefusedLine)},
    problems=PROBLEMS,
)


@post("/annotate/batch", status_code=200, opt=_TOLD.as_opt())
async def annotate_batch(request: Request[Any, Any, Any], desk: NamedDependency[Desk]) -> Response[Any]:
    """A JSON array has to fit in one body. Lines (application/x-ndjson) may go on for as long as you like, each of them
    with that limit. They are answered as they come: whoever reads while sending has the first answers at once. Calls
    for one article go before both."""
    asked = read_query(request, Asked)
    kind = media_type(request, JSON, NDJSON)
    model = await desk.take(asked.model)
    batch = Batch(
        kind,
        desk,
        model,
        desk.options(asked, RUBRIC | LABELS, model),
        asked.strict,
        asked.seconds,
        language_of(request.headers.get("accept-language")),
    )
    if kind == NDJSON:
        return LineStream(request, batch.answer, max_line=desk.max_body, version=batch.model.version)
    desk.make_room("bulk")
    answers = await batch.answer(_split(await read_body(request, desk.max_body), desk))
    return Encoded(b"[" + b",".join(answers) + b"]", batch.model.version)


class Batch(msgspec.Struct, frozen=True):
    """One model and one set of options for all items, however many pieces they come in."""

    kind: str
    desk: Desk
    model: Model
    options: Options
    strict: bool
    timeout: float | None  # seconds
    language: Language

    async def answer(self, items: Sequence[Line]) -> list[bytes]:
        """Encoded, in order. An item comes with its number in the array, or its line's; None is one over the limit."""
        records = [content for _, content in items if content is not TOO_LONG]
        answers = iter(
            await self.desk.answer("bulk", self.model, records, self.options, strict=self.strict, timeout=self.timeout)
        )
        return list(self._encoded(items, answers))

    def _encoded(self, items: Sequence[Line], answers: Iterator[Answer]) -> Iterator[bytes]:
        for number, content in items:
            answer = Refused(None, too_large(self.desk.max_body, "the line")) if content is TOO_LONG else next(answers)
            yield self._refused(number, answer) if isinstance(answer, Refused) else encode_annotation(answer)

    def _refused(self, number: int, refused: Refused) -> bytes:
        if self.kind == NDJSON:
            return msgspec.json.encode(RefusedLine(refused.id, number, describe(refused.error, self.language)))
        problem = describe(refused.error, self.language, at=f"/{number}")
        return msgspec.json.encode(RefusedItem(refused.id, problem))


def _split(body: bytes, desk: Desk) -> list[Line]:
    """The items of a JSON array, not yet looked at, numbered from 0 as JSON pointers do."""
    items = decode(body, list[msgspec.Raw], "a batch", "[{…}, {…}]")
    if len(items) > desk.max_batch:
        detail = f"more than {desk.max_batch} articles at once: send fewer, or as {NDJSON}"
        raise ProblemError("too-large", detail, max_bytes=desk.max_body)
    return list(enumerate(map(bytes, items)))
