"""Editors' decisions: sent one by one or many at once, listed, exported for training, taken back."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from msgspec import Meta, Struct

from service.annotate import Door, Model
from service.api.body import JSON, NDJSON, decode, media_type, read_body
from service.api.desk import Desk
from service.api.openapi import Either, Told
from service.api.origin import must_not_come_from_a_foreign_page
from service.api.problems import Language, ProblemError, describe, language_of
from service.api.query import NoParameters, read_query
from service.api.schemas import FieldProblem, Journal, Journalled, RefusedCorrection
from service.correction import Correction, CorrectionError, Suggester, ready
from service.corrections import Answered, Recorded, fingerprint_of, worked_of
from service.inference.article import LabelledArticle
from service.keeping import Keeping
from service.labelled import export
from service.store.journal import Entry

LONGEST_KEY = 200
LINES = 200  # of the export, read from the store at a time


class Which(Struct, frozen=True, kw_only=True):
    """The query of the list."""

    after: Annotated[int, Meta(ge=0, le=2**62, description="those with a greater id: `next` of the page before")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    article_id: Annotated[str | None, Meta(description="of this article")] = None
    actor: Annotated[str | None, Meta(description="by this editor")] = None
    since: Annotated[str | None, Meta(description="received then or later, ISO 8601")] = None


class By(Struct, frozen=True):
    """Who takes it back."""

    actor: Annotated[str, Meta(max_length=200)] | None = None


_POST = Told(
    "What an editor decided; many at once as an array or as lines",
    body={JSON: Either(Correction, list[Correction]), NDJSON: Correction},
    answer={JSON: Recorded},
    status=201,
    also={
        200: {JSON: Recorded},
        207: {JSON: Either(Recorded, RefusedCorrection, many=True), NDJSON: Either(Recorded, RefusedCorrection)},
    },
    problems=(403, 409, 410, 413, 415, 422, 503),
)
_LIST = Told("Editors' decisions, oldest first", query=Which, answer={JSON: Journal}, problems=(503,))
_EXPORT = Told("Labelled articles to train with", answer={NDJSON: LabelledArticle}, problems=(503,))
_DELETE = Told(
    "Take a decision back", query=By, answer={JSON: Recorded}, status=201, also={200: {JSON: Recorded}},
    problems=(403, 404, 409, 410, 503),
)  # fmt: skip


@post("/corrections", opt=_POST.as_opt())
async def correct(
    request: Request[Any, Any, Any],
    door: NamedDependency[Door],
    keeping: NamedDependency[Keeping],
    desk: NamedDependency[Desk],
) -> Response[bytes]:
    """201 when it is on the disk: from then on the service behaves as told, and no crash loses the decision. 207 for
    many, each answered in its place; a bad one harms none of the others. With an `Idempotency-Key` the call can be sent
    again: what was done then is answered, with the status 200, and nothing is done twice."""
    must_not_come_from_a_foreign_page(request)
    read_query(request, NoParameters)
    kind = media_type(request, JSON, NDJSON)
    key = _key(request)
    body = await read_body(request, desk.max_body)
    items, many = _items(body, kind, desk.max_batch)
    fingerprint = fingerprint_of(body)
    with keeping.corrections.once(key):
        if key is not None and (before := await asyncio.to_thread(keeping.corrections.replay, key, fingerprint)):
            return _told(before, many, kind, request)
        prepared = await asyncio.to_thread(ready, items, suggester(door, door.take()), keeping.predictions)
        if not many and isinstance(prepared[0], CorrectionError):
            raise prepared[0]
        answered = await asyncio.wrap_future(keeping.corrections.append(prepared, key, fingerprint))
    return _told(answered, many, kind, request)


@get("/corrections", opt=_LIST.as_opt())
async def corrections(request: Request[Any, Any, Any], keeping: NamedDependency[Keeping]) -> Journal:
    which = read_query(request, Which)
    since = _utc(which.since) if which.since is not None else None
    entries = await asyncio.to_thread(
        keeping.corrections.page,
        which.after,
        which.limit,
        article_id=which.article_id,
        actor=which.actor,
        since=since,
    )
    following = entries[-1].sequence if len(entries) == which.limit else None
    return Journal(tuple(map(journalled, entries)), following)


@get("/corrections/export", opt=_EXPORT.as_opt())
async def exported(request: Request[Any, Any, Any], keeping: NamedDependency[Keeping]) -> Stream:
    """What an editor has seen, an article a line: its newest text, and the latest decision on each head. Drafts, what
    was taken back and corrections that came without the article are left out."""
    read_query(request, NoParameters)
    lines = _lines(keeping)
    first = await asyncio.to_thread(next, lines, b"")  # a store that is away is told before the answer begins
    return Stream(_streamed(first, lines), media_type=NDJSON)


@delete("/corrections/{number:int}", status_code=201, opt=_DELETE.as_opt())
async def undo(
    request: Request[Any, Any, Any], number: FromPath[int], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """By a record of its own: the journal is only appended to. What the others on the same article say holds again."""
    must_not_come_from_a_foreign_page(request)
    by = read_query(request, By)
    if number >= 2**62:
        raise ProblemError("not-found", f"there is no correction {str(number)[:20]}")
    recorded = await asyncio.wrap_future(keeping.corrections.undo(number, by.actor))
    return Response(msgspec.json.encode(recorded), status_code=recorded.status, media_type=JSON)


def suggester(door: Door, model: Model) -> Suggester:
    return Suggester(lambda article: door.annotate([article])[0], model.labels)


def journalled(entry: Entry) -> Journalled:
    worked = worked_of(entry)
    return Journalled(
        id=entry.sequence,
        article_id=entry.article_id,
        prediction_id=worked.prediction_id if worked else None,
        received_at=entry.received_at,
        actor=entry.actor,
        at=worked.at if worked else None,
        note=worked.note if worked else None,
        seen=bool(worked and worked.seen),
        draft=bool(worked and worked.draft),
        final=worked.final if worked else {},
        accepted=worked.accepted if worked else {},
        added=worked.added if worked else {},
        rejected=worked.rejected if worked else {},
        model=worked.model if worked else None,
        undoes=entry.undoes,
        undone_by=entry.undone,
        erased=worked is None,
    )


def _key(request: Request[Any, Any, Any]) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        detail = f"Idempotency-Key must have from 1 to {LONGEST_KEY} printable characters"
        raise ProblemError("malformed", detail)
    return key


def _items(body: bytes, kind: str, most: int) -> tuple[Sequence[bytes], bool]:
    """The corrections of a body, and whether they are to be answered as many."""
    if kind == NDJSON:
        items = [line for line in body.split(b"\n") if line.strip()]
    elif body.lstrip()[:1] == b"[":
        items = list(map(bytes, decode(body, list[msgspec.Raw], "many corrections", "[{…}, {…}]")))
    else:
        return [body], False
    if len(items) > most:
        raise ProblemError("too-large", f"more than {most} corrections at once: send fewer")
    return items, True


def _told(answered: Answered, many: bool, kind: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    if many:
        return _told_many(answered, kind, language_of(request.headers.get("accept-language")))
    [recorded] = answered
    if isinstance(recorded, CorrectionError):
        raise recorded
    return Response(msgspec.json.encode(recorded), status_code=recorded.status, media_type=JSON)


def _told_many(answered: Answered, kind: str, language: Language) -> Response[bytes]:
    told = [
        msgspec.json.encode(
            one
            if isinstance(one, Recorded)
            else RefusedCorrection((problem := describe(one, language, at=f"/{number}")).status, problem)
        )
        for number, one in enumerate(answered)
    ]
    content = b"".join(line + b"\n" for line in told) if kind == NDJSON else b"[" + b",".join(told) + b"]"
    return Response(content, status_code=207, media_type=kind)


def _lines(keeping: Keeping) -> Iterator[bytes]:
    with keeping.readers.one() as connection:
        gathered: list[bytes] = []
        for line in export(connection):
            gathered.append(line + b"\n")
            if len(gathered) == LINES:
                yield b"".join(gathered)
                gathered.clear()
        yield b"".join(gathered)


async def _streamed(first: bytes, lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    piece: bytes | None = first
    while piece is not None:
        yield piece
        piece = await asyncio.to_thread(next, lines, None)


def _utc(sent: str) -> str:
    try:
        moment = datetime.fromisoformat(sent.replace(" ", "+") if "T" in sent else sent)
        utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        detail = "since must be a date or a time as in ISO 8601, 2026-05-20T12:00:00+03:00"
        raise ProblemError("bad-parameter", detail, errors=[FieldProblem("?since", detail)]) from error
    return utc.isoformat(timespec="microseconds")
