"""What is the matter here: the model, the store, models that still hold what was erased, jobs that wait."""

from collections.abc import Iterator
from typing import NamedTuple

from service.aging import Aging
from service.inference.artifact import ArtifactError
from service.jobs.job import UNFINISHED, all_jobs
from service.keeping import Keeping
from service.registry import Registry
from service.settings import Settings
from service.store import journal
from service.store.database import Connection, StoreError, integrity
from service.store.schema import opened

_DAMAGED = ("malformed", "not a database")  # in what SQLite says
_RESTORE = "restore a backup, as README says"


class Finding(NamedTuple):
    good: bool
    text: str


def examine(registry: Registry, active: str | None, keeping: Keeping, aging: Aging) -> Iterator[Finding]:
    """Loads the model and writes to the store, as a service would: heavy on disk and CPU."""
    yield _model(registry, active)
    if active is not None and (age := aging.of(active)).too_old:
        yield Finding(True, f"the model {active} is old: {age}")
    try:
        connection = opened(keeping.database)
        if damage := integrity(connection):
            yield Finding(False, f"{keeping.database.name} is damaged: {damage}; {_RESTORE}")
        with connection.writing():
            connection.rows("UPDATE store SET sequence = sequence")
        yield Finding(True, f"the store {keeping.database.name} can be read and written")
        yield from _erased(connection, registry)
        keeping.audits.catch_up(connection)
        for one in keeping.audits.of(active or ""):
            if one.held_back:
                share = f"{one.right} of {one.count} audits were right, aimed at {one.target}"
                yield Finding(True, f"«{one.label}» ({one.head}) is for review: {share}")
        keeping.calibrations.catch_up(connection)
        if (calibration := keeping.calibrations.of(active or "")) is not None:
            new = f", {len(calibration.new)} new rubrics" if calibration.new else ""
            text = f"{active} answers by the calibration {calibration.version}: {calibration.articles} articles{new}"
            yield Finding(True, text)
        connection.close()
    except StoreError as error:
        remedy = f"; {_RESTORE}" if any(sign in str(error) for sign in _DAMAGED) else ""
        text = f"{error}; meanwhile the service answers, degraded, and takes no corrections{remedy}"
        yield Finding(False, text)


def _model(registry: Registry, active: str | None) -> Finding:
    if active is None:
        return Finding(False, "no model is active: train one, or activate one with `rubricator models activate`")
    try:
        registry.verify(active)
    except ArtifactError as error:
        return Finding(False, f"the active model can't be used: {error}")
    return Finding(True, f"the model {active} is as it was made and answers as it did then")


def _erased(connection: Connection, registry: Registry) -> Iterator[Finding]:
    """A manifest holds the fingerprint of a whole corpus, not of its rows: whether a model has learnt from an article
    can't be told. One that was registered before the article was erased may have."""
    tombstones = journal.erased(connection)
    latest = max((one.erased_at or "" for one in tombstones), default="")
    added = registry.added()
    for each in registry.versions():
        if each.problem is None and (when := added.get(each.version)) and when < latest:
            later = sum((one.erased_at or "") > when for one in tombstones)
            whose = "the active model" if each.active else "the model"
            text = f"{whose} {each.version} may have learnt from articles that were erased since ({later}): retrain"
            yield Finding(not each.active, text)
    if tombstones:
        yield Finding(True, f"{len(tombstones)} articles were erased; no training learns from them again")


def unfinished(settings: Settings) -> Iterator[Finding]:
    """Jobs of retagging that wait for somebody."""
    for job in all_jobs(settings):
        state = job.state
        if state.status in UNFINISHED and not job.is_running:
            files = f"{job.plan.asked.input} -> {job.plan.asked.output}"
            yield Finding(True, f"the job {job.id} ({files}) was not finished, {state.status}: `retag --resume`")
