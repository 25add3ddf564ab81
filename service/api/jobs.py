"""Bulk retagging over HTTP: a file is sent, or a path on this machine named; results are fetched in the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from service.api.body import JSON, NDJSON, decode, media_type, pieces_of, read_body
from service.api.openapi import HTML, Told
from service.api.origin import must_not_come_from_a_foreign_page
from service.api.problems import ProblemError, too_large
from service.api.query import NoParameters, read_query
from service.api.schemas import FieldProblem
from service.corrections import fingerprint_of
from service.inference.artifact import ArtifactError
from service.jobs import accepting
from service.jobs.accepting import JobSent, JobView, NotAllowedError, Options, ResumeSent
from service.jobs.callback import CallbackError, check, is_secret
from service.jobs.job import FOLDER, Job, create, forget_upload, remove
from service.jobs.location import AwayError, in_target, named, names_in
from service.jobs.plan import Asked, JobError, WrongUsageError
from service.jobs.queue import ENDED, RESUMABLE, now
from service.jobs.room import make_room
from service.keeping import Keeping
from service.loading import open_keeping
from service.settings import Settings
from service.store import jobs as store
from service.store.database import Connection
from service.store.jobs import Row

PACKED = {NDJSON: "", "application/gzip": ".gz", "application/zstd": ".zst"}
LARGEST = 5_000_000  # bytes of what is asked for: 100,000 ids
PIECE = 1 << 20
NEWEST = 100
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"

_CREATE = Told(
    "Retag an archive: a file sent as the body, options in the query `options` as JSON; or paths as JSON",
    body={JSON: JobSent, **dict.fromkeys((), bytes)}, answer={JSON: JobView}, status=201,
    also={200: {JSON: JobView}}, problems=(400, 403, 404, 409, 413, 415, 422, 429, 503, 507),
)  # fmt: skip


class Sent(msgspec.Struct, frozen=True):
    """The query of a job whose archive is the body."""

    options: str = "{}"


_ONE = (404, 410, 503)


@post("/jobs", opt=_CREATE.as_opt())
async def create_job(
    request: Request[Any, Any, Any], settings: NamedDependency[Settings], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """With an `Idempotency-Key` the call can be sent again. A job runs beside the answers, one after the other, and
    goes on after a restart; a `callback` is told when it has ended, signed as Standard Webhooks have it."""
    must_not_come_from_a_foreign_page(request)
    kind = media_type(request, JSON, *PACKED)
    key = _key(request)
    waiting = await asyncio.to_thread(_waiting, keeping)
    if waiting >= settings.jobs_waiting:
        detail = f"{waiting} jobs are waiting: send it again when one has ended"
        raise ProblemError("too-many", detail, headers={"Retry-After": "60"})
    if kind == JSON:
        read_query(request, NoParameters)
        body = await read_body(request, LARGEST)
        sent = decode(body, JobSent, "a job", '{"input": "…", "output": "…"}')
        fingerprint = fingerprint_of(body)
        if (before := await asyncio.to_thread(_before, keeping, key, fingerprint)) is not None:
            return await _answered(before, settings, 200)
        await asyncio.to_thread(_room, keeping, settings, 1)
        await asyncio.to_thread(_check_callback, sent, settings)
        asked = await asyncio.to_thread(_of_paths, sent, settings)
        options: Options = sent
    else:
        asked, options, fingerprint = await _received(request, settings, keeping, PACKED[kind], key)
        if (before := await asyncio.to_thread(_before, keeping, key, fingerprint)) is not None:
            await asyncio.to_thread(forget_upload, settings, asked)
            return await _answered(before, settings, 200)
    row = await asyncio.to_thread(_create, settings, asked, options, key, fingerprint)
    try:
        before = await asyncio.wrap_future(keeping.writer.do(lambda connection: _added(connection, row)))
    except BaseException:
        await asyncio.to_thread(_forget, settings, row)
        raise
    if before is not None:
        await asyncio.to_thread(_forget, settings, row)
        return await _answered(_same(before, fingerprint), settings, 200)
    return await _answered(row, settings, 201)


@get("/jobs", opt=Told("The newest jobs", answer={JSON: list[JobView]}, problems=(503,)).as_opt())
async def jobs(
    request: Request[Any, Any, Any], settings: NamedDependency[Settings], keeping: NamedDependency[Keeping]
) -> list[JobView]:
    read_query(request, NoParameters)

    def read() -> list[JobView]:
        with keeping.readers.one() as connection:
            rows = store.newest(connection, NEWEST)
        views = []
        for row in rows:
            with suppress(JobError):  # it is not kept any more
                views.append(accepting.view(row, settings))
        return views

    return await asyncio.to_thread(read)


@get("/jobs/{job:str}", opt=Told("How far a job has come", answer={JSON: JobView}, problems=_ONE).as_opt())
async def job(
    request: Request[Any, Any, Any],
    job: FromPath[str],
    settings: NamedDependency[Settings],
    keeping: NamedDependency[Keeping],
) -> Response[bytes]:
    read_query(request, NoParameters)
    return await _answered(await asyncio.to_thread(_row, keeping, job), settings, 200)


@get("/jobs/{job:str}/results", opt=Told("What came of it", answer={NDJSON: bytes}, problems=(*_ONE, 409)).as_opt())
async def job_results(
    request: Request[Any, Any, Any],
    job: FromPath[str],
    settings: NamedDependency[Settings],
    keeping: NamedDependency[Keeping],
) -> Stream:
    """The archive as it was sent, with its new labels and `annotation`."""
    found = await _found(request, job, settings, keeping)
    return await _file(_told(lambda: accepting.results(found)), Path(found.plan.asked.output).name)


@get("/jobs/{job:str}/errors", opt=Told("Records that were not read", answer={NDJSON: bytes}, problems=_ONE).as_opt())
async def job_errors(
    request: Request[Any, Any, Any],
    job: FromPath[str],
    settings: NamedDependency[Settings],
    keeping: NamedDependency[Keeping],
) -> Stream:
    """A line for each: file, line and reason."""
    found = await _found(request, job, settings, keeping)
    return await _file(found.rejects, "errors.jsonl")


@get("/jobs/{job:str}/report", opt=Told("What changed, for people", answer={HTML: str}, problems=(*_ONE, 409)).as_opt())
async def job_report(
    request: Request[Any, Any, Any],
    job: FromPath[str],
    settings: NamedDependency[Settings],
    keeping: NamedDependency[Keeping],
) -> Response[bytes]:
    found = await _found(request, job, settings, keeping)
    if not found.report.is_file():
        raise ProblemError("conflict", "the report is there when the job has ended")
    headers = {"Content-Security-Policy": REPORT_POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(await asyncio.to_thread(found.report.read_bytes), media_type=HTML, headers=headers)


@post(
    "/jobs/{job:str}/cancel", status_code=200,
    opt=Told("End it; what is done is kept for resuming", answer={JSON: JobView}, problems=(*_ONE, 403, 409)).as_opt(),
)  # fmt: skip
async def cancel(
    request: Request[Any, Any, Any],
    job: FromPath[str],
    settings: NamedDependency[Settings],
    keeping: NamedDependency[Keeping],
) -> Response[bytes]:
    must_not_come_from_a_foreign_page(request)
    read_query(request, NoParameters)
    await asyncio.to_thread(_row, keeping, job)

    def work(connection: Connection) -> bool:
        return store.turn(connection, job, "cancelled", of=("queued",), at=now()) or store.turn(
            connection, job, "cancelling", of=("running", "cancelling"), at=now()
        )

    if not await asyncio.wrap_future(keeping.writer.do(work)):
        raise ProblemError("conflict", "the job has ended already")
    return await _answered(await asyncio.to_thread(_row, keeping, job), settings, 200)


@post(
    "/jobs/{job:str}/resume", status_code=200,
    opt=Told(
        "Go on with it", body={JSON: ResumeSent}, answer={JSON: JobView}, problems=(*_ONE, 400, 403, 409, 413, 415)
    ).as_opt(),
)  # fmt: skip
async def resume(
    request: Request[Any, Any, Any],
    job: FromPath[str],
    settings: NamedDependency[Settings],
    keeping: NamedDependency[Keeping],
) -> Response[bytes]:
    """With the model and the editors' decisions that it began with. One that is `held` needs a larger `max_change`."""
    must_not_come_from_a_foreign_page(request)
    read_query(request, NoParameters)
    media_type(request, JSON)
    body = await read_body(request, LARGEST)
    sent = decode(body, ResumeSent, "a resumption", '{"max_change": 0.2}') if body.strip() else ResumeSent()
    row = await asyncio.to_thread(_row, keeping, job)
    if row.status == "held" and (sent.max_change is None or sent.max_change <= row.max_change):
        share = f"{row.max_change:.0%}"
        detail = f"more than {share} of the articles would change: look at the report, then send max_change"
        raise ProblemError("conflict", detail, errors=[FieldProblem("/max_change", detail)])

    def work(connection: Connection) -> bool:
        if not store.turn(connection, job, "queued", of=RESUMABLE, at=now()):
            return False
        if sent.max_change is not None:
            store.change(connection, job, max_change=sent.max_change)
        store.change(connection, job, note="", progress=None)
        return True

    if not await asyncio.wrap_future(keeping.writer.do(work)):
        raise ProblemError("conflict", f"the job is {row.status}: there is nothing to resume")
    return await _answered(await asyncio.to_thread(_row, keeping, job), settings, 200)


def _key(request: Request[Any, Any, Any]) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= 200 and key.isprintable()):
        raise ProblemError("malformed", "Idempotency-Key must have from 1 to 200 printable characters")
    return key


def _waiting(keeping: Keeping) -> int:
    with keeping.readers.one() as connection:
        return sum(len(store.with_status(connection, status)) for status in ("queued", "running", "cancelling"))


def _is_known(keeping: Keeping, key: str | None) -> bool:
    with keeping.readers.one() as connection:
        return key is not None and store.by_key(connection, key) is not None


def _before(keeping: Keeping, key: str | None, fingerprint: bytes) -> Row | None:
    if key is None:
        return None
    with keeping.readers.one() as connection:
        row = store.by_key(connection, key)
    return None if row is None else _same(row, fingerprint)


def _same(row: Row, fingerprint: bytes) -> Row:
    if row.fingerprint != fingerprint:
        raise ProblemError("conflict", "this Idempotency-Key came with another body before: choose a new key")
    return row


def _added(connection: Connection, row: Row) -> Row | None:
    """Or the one of the same key that came at the same time."""
    before = store.by_key(connection, row.idempotency_key) if row.idempotency_key is not None else None
    if before is None:
        store.add(connection, row)
    return before


def _forget(settings: Settings, row: Row) -> None:
    with suppress(JobError):
        remove(settings, Job(settings.home / FOLDER / row.id))


def _of_paths(sent: JobSent, settings: Settings) -> Asked:
    try:
        input_ = named(accepting.allowed(sent.input, settings, "input"))
        output = accepting.allowed(sent.output, settings, "output")
    except NotAllowedError as error:
        raise ProblemError("forbidden", str(error)) from error
    try:
        names = names_in(input_)
        output = in_target(output, input_) if names is None else named(output)
        accepting.check_links(input_, names or (), output, settings)
    except NotAllowedError as error:
        raise ProblemError("forbidden", str(error)) from error
    except (WrongUsageError, AwayError) as error:
        detail = "there is nothing to read at input" if isinstance(error, WrongUsageError) else str(error)
        raise ProblemError("unusable-job", detail, errors=[FieldProblem("/input", detail)]) from error
    return accepting.asked_of(sent, input_, output, settings)


def _room(keeping: Keeping, settings: Settings, wanted: int) -> int:
    """For what is wanted, or as much as there is. Raises ProblemError where there is none."""
    with keeping.readers.one() as connection:
        ended = [row.id for status in ("done", "broken", "failed") for row in store.with_status(connection, status)]
    room = make_room(settings, wanted, ended)
    if room < wanted:
        detail = f"jobs may take {settings.jobs_bytes} bytes, of which {room} are left: see to `rubricator prune`"
        raise ProblemError("no-room", detail)
    return room


async def _received(
    request: Request[Any, Any, Any], settings: Settings, keeping: Keeping, packed: str, key: str | None
) -> tuple[Asked, Options, bytes]:
    """Writes the body to a folder of its own as it comes in."""
    query = read_query(request, Sent)
    options = decode(query.options.encode(), Options, "the options", '{"heads": ["tags"]}')
    await asyncio.to_thread(_check_callback, options, settings)
    length = request.headers.get("content-length", "")
    limit = settings.jobs_upload
    sent = int(length[:20]) if length.isdecimal() else 1
    if sent > limit:
        raise too_large(limit)
    # what is sent again is compared with what came before and thrown away: nothing has to go for it
    again = await asyncio.to_thread(_is_known, keeping, key)
    room = limit if again else await asyncio.to_thread(_room, keeping, settings, sent)
    folder = await asyncio.to_thread(accepting.upload_folder, settings)
    input_, output = (folder / name for name in accepting.name_of_upload(packed))
    asked = accepting.asked_of(options, str(input_), str(output), settings)
    try:
        await _write(request, input_, min(limit, room))
        fingerprint = await asyncio.to_thread(accepting.fingerprint, input_, query.options)
    except BaseException as error:
        await asyncio.to_thread(forget_upload, settings, asked)
        if isinstance(error, OSError):
            raise ProblemError("no-room", "the archive can't be kept: make room on the service's disk") from error
        raise
    return asked, options, fingerprint


async def _write(request: Request[Any, Any, Any], path: Path, limit: int) -> None:
    size = 0
    with path.open("wb") as file:
        async for piece in pieces_of(request):
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            await asyncio.to_thread(file.write, piece)
    if not size:
        raise ProblemError("malformed", "the body is empty: send articles, a line each")


def _check_callback(options: Options, settings: Settings) -> None:
    if options.callback is None:
        return
    detail = ""
    if not settings.callback_secret:
        detail = "callbacks are signed: the operator has to set RUBRICATOR_CALLBACK_SECRET first"
    elif not is_secret(settings.callback_secret):
        detail = "RUBRICATOR_CALLBACK_SECRET can't sign: the operator has to make it whsec_ and base64"
    else:
        try:
            check(options.callback, private=settings.callbacks_private)
        except CallbackError as error:
            detail = str(error)
    if detail:
        raise ProblemError("unusable-job", detail, errors=[FieldProblem("/callback", detail)])


def _create(settings: Settings, asked: Asked, options: Options, key: str | None, fingerprint: bytes) -> Row:
    if "/" in options.model:
        forget_upload(settings, asked)
        raise ProblemError("unusable-job", "model is `active` or a version of this registry: see GET /models")
    keeping = open_keeping(settings)
    try:
        made = create(settings, keeping, asked, options.model)
    except (JobError, ArtifactError, AwayError) as error:
        forget_upload(settings, asked)
        if isinstance(error, ArtifactError):
            raise
        raise ProblemError("unusable-job", str(error)) from error
    finally:
        keeping.close()
    at = now()
    return Row(
        made.id, "queued", at, at, options.max_change, None, "", options.callback, 0, None, key,
        fingerprint if key is not None else None,
    )  # fmt: skip


def _row(keeping: Keeping, id_: str) -> Row:
    with keeping.readers.one() as connection:
        row = store.get(connection, id_)
    if row is None:
        raise ProblemError("not-found", f"there is no job {id_[:64]}")
    return row


async def _answered(row: Row, settings: Settings, status: int) -> Response[bytes]:
    try:
        told = await asyncio.to_thread(accepting.view, row, settings)
    except JobError as error:
        raise ProblemError("gone", "the job is not kept any more") from error
    headers = {"Location": f"/jobs/{row.id}"}
    if row.status not in ENDED:
        headers["Retry-After"] = "1"
    return Response(msgspec.json.encode(told), status_code=status, media_type=JSON, headers=headers)


async def _found(request: Request[Any, Any, Any], id_: str, settings: Settings, keeping: Keeping) -> Job:
    read_query(request, NoParameters)
    await asyncio.to_thread(_row, keeping, id_)
    try:
        return Job(settings.home / FOLDER / id_)
    except JobError as error:
        raise ProblemError("gone", "the job is not kept any more") from error


def _told(work: Any) -> Any:
    try:
        return work()
    except JobError as error:
        raise ProblemError("conflict", str(error)) from error


async def _file(path: Path, name: str) -> Stream:
    """Nothing where there is none yet."""
    quoted = quote(name)  # a header takes neither Cyrillic nor the end of a line
    told = f'filename="{name}"' if quoted == name else f"filename*=UTF-8''{quoted}"
    headers = {"Content-Disposition": f"attachment; {told}", "X-Content-Type-Options": "nosniff"}
    return Stream(_pieces(path), media_type=NDJSON if ".jsonl" in name else "application/octet-stream", headers=headers)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError:
        return
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
