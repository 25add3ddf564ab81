"""The labels that answers are made of, and what editors change about tags."""

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.structs import replace

from service.annotate import Door, Model
from service.api.body import JSON, decode, media_type, read_body
from service.api.openapi import Told
from service.api.origin import must_not_come_from_a_foreign_page
from service.api.problems import ProblemError
from service.api.query import NoParameters, read_query
from service.inference.article import Policy
from service.keeping import Keeping
from service.new_names import Found
from service.terms import Change, with_names
from service.vocabulary import Listing, Term, Vocabulary, added, amended, listing, merged, retired

LARGEST = 200_000  # bytes of a change: a hundred synonyms of 200 letters are 40 kB


class TagSent(Struct, frozen=True, forbid_unknown_fields=True):
    """A new tag. `synonyms` are other names that a text may have for it."""

    label: str
    synonyms: tuple[str, ...] = ()
    policy: Policy | None = None


class TagChanged(Struct, frozen=True, forbid_unknown_fields=True):
    """What is absent stays. `status` can only become active: a merge or a retirement is taken back."""

    label: str | None = None
    synonyms: tuple[str, ...] | None = None
    policy: Policy | None = None
    status: Annotated[str, Meta(pattern="^active$")] | None = None


class Into(Struct, frozen=True, forbid_unknown_fields=True):
    """The id of the tag that is meant from now on."""

    into: str


class WantedNames(Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


_LIST = Told("All labels, with a version of the whole", answer={JSON: Listing})
_CHANGED = (400, 403, 404, 409, 412, 413, 415, 422, 428, 503)
_CANDIDATES = Told(
    "Names in at least 5 articles of 7 days that have no tag", query=WantedNames, answer={JSON: Found}, problems=(503,)
)
_ADD = Told(
    "Add a tag: it is found by its names at once", body={JSON: TagSent}, answer={JSON: Term}, status=201,
    problems=(400, 403, 409, 412, 413, 415, 422, 503),
)  # fmt: skip
_PATCH = Told("Change a tag", body={JSON: TagChanged}, answer={JSON: Term}, problems=_CHANGED)
_MERGE = Told("Let another tag be meant by this one", body={JSON: Into}, answer={JSON: Term}, problems=_CHANGED)
_RETIRE = Told("Never answer a tag again", answer={JSON: Term}, problems=_CHANGED)


@get("/vocabulary", opt=_LIST.as_opt())
async def vocabulary(
    request: Request[Any, Any, Any], door: NamedDependency[Door], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """`If-None-Match` with its ETag, which is also the `model.vocabulary` of answers, is answered 304."""
    read_query(request, NoParameters)
    model, now = door.bare(), keeping.terms.now
    headers = {"ETag": _etag(now.version(model.reference.vocabulary)), "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") in {headers["ETag"], f"W/{headers['ETag']}"}:
        return Response(b"", status_code=304, headers=headers)
    return Response(await asyncio.to_thread(_listed, model, now), media_type=JSON, headers=headers)


@get("/vocabulary/candidates", opt=_CANDIDATES.as_opt())
async def candidates(
    request: Request[Any, Any, Any], door: NamedDependency[Door], keeping: NamedDependency[Keeping]
) -> Found:
    """Of finished articles with an id that were answered of late, those names that neither the model nor an editor has
    as a tag, a synonym or a place. A tag with the policy `never_suggest` keeps its name out of this list."""
    wanted = read_query(request, WantedNames)
    found = await asyncio.to_thread(keeping.new_names.now, door.bare(), keeping.terms.now)
    return replace(found, candidates=found.candidates[: wanted.limit])


@post("/vocabulary/tags", status_code=201, opt=_ADD.as_opt())
async def add(
    request: Request[Any, Any, Any], door: NamedDependency[Door], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """`If-Match` is heeded where it is sent."""
    sent = await _sent(request, TagSent, "a tag", '{"label": "…", "synonyms": ["…"]}')
    labels = door.bare().labels
    return await _changed(
        request, door, keeping, lambda before: added(before, labels, sent.label, sent.synonyms, sent.policy), 201
    )


@patch("/vocabulary/tags/{tag:str}", opt=_PATCH.as_opt())
async def change(
    request: Request[Any, Any, Any], tag: FromPath[str], door: NamedDependency[Door], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """Its id stays, and so does what was learnt and decided under it. Needs `If-Match`."""
    sent = await _sent(request, TagChanged, "a change", '{"label": "…"}')
    labels = door.bare().labels
    active = sent.status is not None
    return await _changed(
        request, door, keeping,
        lambda before: amended(before, labels, tag, sent.label, sent.synonyms, sent.policy, active),
    )  # fmt: skip


@post("/vocabulary/tags/{tag:str}/merge", status_code=200, opt=_MERGE.as_opt())
async def merge(
    request: Request[Any, Any, Any], tag: FromPath[str], door: NamedDependency[Door], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """Answers, decisions and training rows that have this tag mean the other one from now on. Needs `If-Match`."""
    sent = await _sent(request, Into, "a merge", '{"into": "…"}')
    labels = door.bare().labels
    return await _changed(request, door, keeping, lambda before: merged(before, labels, tag, sent.into))


@post("/vocabulary/tags/{tag:str}/retire", status_code=200, opt=_RETIRE.as_opt())
async def retire(
    request: Request[Any, Any, Any], tag: FromPath[str], door: NamedDependency[Door], keeping: NamedDependency[Keeping]
) -> Response[bytes]:
    """Its id is kept for good; PATCH with `{"status": "active"}` brings it back. Needs `If-Match`."""
    _checked(request)
    labels = door.bare().labels
    return await _changed(request, door, keeping, lambda before: retired(before, labels, tag))


def _checked(request: Request[Any, Any, Any]) -> None:
    must_not_come_from_a_foreign_page(request)
    read_query(request, NoParameters)


async def _sent(request: Request[Any, Any, Any], kind: Any, name: str, like: str) -> Any:
    _checked(request)
    media_type(request, JSON)
    return decode(await read_body(request, LARGEST), kind, name, like)


async def _changed(
    request: Request[Any, Any, Any], door: Door, keeping: Keeping, change: Change, status: int = 200
) -> Response[bytes]:
    """The tag as it is now, under the new ETag of the vocabulary."""
    model, if_match = door.bare(), request.headers.get("if-match")
    if if_match is None and status != 201:
        raise ProblemError("no-precondition", "send If-Match with the ETag of GET /vocabulary, or with *")
    version = None if if_match in {None, "*"} else if_match.strip().removeprefix("W/").strip('"')
    now = keeping.terms.now
    # pymorphy3 is loaded and asked here; the thread that writes finds the words known
    await asyncio.to_thread(lambda: with_names(now, change(now), model.labels))
    told = keeping.terms.change(keeping.writer, model.labels, model.reference.vocabulary, change, version)
    term, new = await asyncio.wrap_future(told)
    return Response(msgspec.json.encode(term), status_code=status, media_type=JSON, headers={"ETag": _etag(new)})


def _etag(version: str) -> str:
    return f'"{version}"'


def _listed(model: Model, now: Vocabulary) -> bytes:
    return msgspec.json.encode(listing(now, model.reference.vocabulary, model.labels))
