"""Versions of the model: which there are, what each says of itself, and which one answers."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec.structs import replace

from service.active import ACTIVE
from service.annotate import Door
from service.api.body import JSON, decode, media_type, read_body
from service.api.openapi import HTML, Told
from service.api.origin import must_come_from_this_machine
from service.api.problems import Language, ProblemError, language_of
from service.api.query import NoParameters, read_query
from service.api.russian import in_russian
from service.api.schemas import DiffAsked, ModelCard, Reason
from service.gates import Gate, gate_of
from service.inference import artifact
from service.inference.annotator import Annotator
from service.keeping import Keeping
from service.labelled import latest_articles
from service.listing import REPORT, Listed, listed
from service.loading import active_version
from service.model_diff import Diff, diff
from service.registry import Event, Registry
from service.store.database import StoreError

T = TypeVar("T")

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
LONGEST_REASON = 10_000  # bytes
DECIDED = 200  # articles that two versions are compared on, beside their self-tests: 0.5 s


class Refreshable(Protocol):
    """The model in use, as far as exchanging it goes."""

    @property
    def version(self) -> str: ...

    @property
    def problem(self) -> str | None: ...

    def refresh(self) -> None: ...


_MODELS = Told("The versions that are here", answer={JSON: list[Listed]})
_MODEL = Told("What a version says of itself", answer={JSON: ModelCard}, problems=(404, 409))
_REPORT = Told("The report of its training, for people", answer={HTML: str}, problems=(404, 409))
_DIFF = Told("What would change with another version", query=DiffAsked, answer={JSON: Diff}, problems=(400, 404, 409))
_ACTIVATIONS = Told("When which version began to answer, and why", answer={JSON: list[Event]})
_ACTIVATE = Told("Let a version answer", body={JSON: Reason}, answer={JSON: Event}, problems=(403, 404, 409, 413, 415))
_ROLLBACK = Told(
    "Let the version before answer", body={JSON: Reason}, answer={JSON: Event}, problems=(403, 409, 413, 415)
)


@get("/models", opt=_MODELS.as_opt())
async def models(request: Request[Any, Any, Any], registry: NamedDependency[Registry]) -> list[Listed]:
    read_query(request, NoParameters)
    return await asyncio.to_thread(listed, registry)


@get("/models/{version:str}", opt=_MODEL.as_opt())
async def model(
    request: Request[Any, Any, Any], version: FromPath[str], registry: NamedDependency[Registry]
) -> ModelCard:
    read_query(request, NoParameters)
    language = language_of(request.headers.get("accept-language"))
    return await asyncio.to_thread(_card, registry, version, language)


@get("/models/{version:str}/report", opt=_REPORT.as_opt())
async def report(
    request: Request[Any, Any, Any], version: FromPath[str], registry: NamedDependency[Registry]
) -> Response[bytes]:
    read_query(request, NoParameters)
    content = await asyncio.to_thread(_report, registry.path(version))
    if content is None:
        raise ProblemError("not-found", f"the version {version} has no report")
    return Response(content, media_type=HTML, headers={"Content-Security-Policy": REPORT_POLICY})


@get("/models/{version:str}/diff", opt=_DIFF.as_opt())
async def model_diff(
    request: Request[Any, Any, Any],
    version: FromPath[str],
    registry: NamedDependency[Registry],
    door: NamedDependency[Door],
    keeping: NamedDependency[Keeping],
) -> Diff:
    """On the latest articles that editors decided on and that came with their text, and on those of both self-tests;
    `rubricator models diff --data` takes a sample of yours."""
    asked = read_query(request, DiffAsked)
    if not asked.to:
        raise ProblemError("bad-parameter", "the parameter to is missing: ?to=VERSION")
    return await asyncio.to_thread(_diff, registry, door, keeping, version, asked.to)


@get("/activations", opt=_ACTIVATIONS.as_opt())
async def activations(request: Request[Any, Any, Any], registry: NamedDependency[Registry]) -> list[Event]:
    read_query(request, NoParameters)
    return await asyncio.to_thread(registry.activations)


@post("/models/{version:str}/activate", status_code=200, opt=_ACTIVATE.as_opt())
async def activate(
    request: Request[Any, Any, Any],
    version: FromPath[str],
    registry: NamedDependency[Registry],
    active: NamedDependency[Any],
) -> Event:
    """Verified first, by reading all of it and repeating its self-test; requests go on meanwhile."""
    return await _change(request, active, lambda reason: registry.activate(version, reason.reason, reason.actor))


@post("/models/rollback", status_code=200, opt=_ROLLBACK.as_opt())
async def rollback(
    request: Request[Any, Any, Any], registry: NamedDependency[Registry], active: NamedDependency[Any]
) -> Event:
    return await _change(request, active, lambda reason: registry.rollback(reason.reason, reason.actor))


async def _change(request: Request[Any, Any, Any], active: Refreshable, change: Callable[[Reason], Event]) -> Event:
    """When this is answered, the next request gets the new version."""
    must_come_from_this_machine(request)
    read_query(request, NoParameters)
    media_type(request, JSON)
    body = await read_body(request, LONGEST_REASON)
    reason = decode(body, Reason, "a reason", '{"reason": "…", "actor": "…"}') if body.strip() else Reason()
    event = await asyncio.to_thread(change, reason)
    await asyncio.to_thread(active.refresh)
    if active.version != event.version:
        raise ProblemError("unusable-version", active.problem or f"{event.version} is active, but does not answer yet")
    return event


def _card(registry: Registry, version: str, language: Language) -> ModelCard:
    path = registry.path(version)
    manifest = artifact.inspect(path)
    return ModelCard(
        version=version,
        active=version == registry.active(),
        format=manifest.format,
        newest_row=manifest.newest_row,
        versions=manifest.versions,
        data=manifest.data,
        config=manifest.config,
        labels=manifest.labels,
        thresholds=manifest.thresholds,
        scores=manifest.scores,
        bytes=sum(file.size for file in manifest.files.values()),
        card=(path / artifact.CARD).read_text(encoding="utf-8"),
        gate=_told(gate_of(registry.gates, version), language),
    )


def _told(gate: Gate | None, language: Language) -> Gate | None:
    if gate is None or language != "ru":
        return gate
    return replace(gate, notes=tuple(map(in_russian, gate.notes)))


def _diff(registry: Registry, door: Door, keeping: Keeping, before: str, after: str) -> Diff:
    before, after = (active_version(registry) if version == ACTIVE else version for version in (before, after))
    tests = [one for version in (before, after) for one in artifact.inspect(registry.path(version)).self_test]
    try:
        with keeping.readers.one() as connection:
            decided = latest_articles(connection, DECIDED)
    except StoreError:
        decided = []
    sample = {one.article.id or str(i): one.article for i, one in enumerate(tests)}
    models = [door.bare(version) for version in (before, after)]
    one, other = (model for model in models if isinstance(model, Annotator))
    return replace(diff(one, other, [*decided, *sample.values()]), decided=len(decided))


def _report(version: Path) -> bytes | None:
    """A file of the artifact, hence verified when it was added; one that lies beside it by chance is not shown."""
    return (version / REPORT).read_bytes() if REPORT in artifact.inspect(version).files else None
