"""The one file that knows all parts: what lives long is made here and handed on."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from service.active import ActiveModel
from service.aging import Aging
from service.annotate import Door, Model
from service.api import (
    annotating,
    batch,
    corrections,
    documents,
    health,
    jobs,
    models,
    numbers,
    predictions,
    review,
    vocabulary,
)
from service.api.admission import Admission
from service.api.desk import Desk
from service.api.failures import HANDLERS
from service.api.lanes import Lanes
from service.api.observed import Observed
from service.api.tally import Tally
from service.api.together import Together
from service.calibrating_itself import ByItself
from service.editor import page
from service.jobs.accepting import told
from service.jobs.queue import Queue
from service.keeping import PATIENCE
from service.loading import loader, newest_row_of, open_keeping, open_registry, outlets_of
from service.log import FIELDS
from service.registry import Registry
from service.settings import Settings

log = logging.getLogger(__name__)

ROUTES = [
    annotating.classify,
    annotating.tags,
    annotating.annotate,
    batch.annotate_batch,
    predictions.prediction,
    predictions.erase,
    corrections.correct,
    corrections.corrections,
    corrections.exported,
    corrections.undo,
    review.review,
    numbers.numbers,
    numbers.numbers_by_day,
    vocabulary.vocabulary,
    vocabulary.candidates,
    vocabulary.add,
    vocabulary.change,
    vocabulary.merge,
    vocabulary.retire,
    models.models,
    models.model,
    models.report,
    models.model_diff,
    models.activations,
    models.activate,
    models.rollback,
    jobs.create_job,
    jobs.jobs,
    jobs.job,
    jobs.job_results,
    jobs.job_errors,
    jobs.job_report,
    jobs.cancel,
    jobs.resume,
    health.live,
    health.ready,
    health.metrics,
    documents.openapi,
    documents.docs,
    documents.docs_file,
    page.page,
    page.page_file,
]


class CountedModel(ActiveModel[Model]):
    """The model in use, with a count and a log line for each exchange and each that failed."""

    def __init__(self, registry: Registry, load: Callable[[Path], Model]) -> None:
        super().__init__(registry, load)
        self.swaps = 0
        self.failed_swaps = 0
        self._counting = Lock()

    def refresh(self) -> None:
        with self._counting:  # the watcher and an activation over HTTP meet here: each exchange is counted once
            version, problem = self.version, self.problem
            super().refresh()
            if self.version != version:
                self.swaps += 1
                log.info("model exchanged", extra={FIELDS: {"from": version, "to": self.version}})
            elif self.problem is not None and self.problem != problem:
                self.failed_swaps += 1
                log.error("model not exchanged", extra={FIELDS: {"problem": self.problem}})


def create_app(
    settings: Settings,
    registry: Registry | None = None,
    load: Callable[[Path], Model] | None = None,
    shared: Path | None = None,
) -> ASGIApp:
    """Loads the active model before it returns: whoever listens afterwards is ready. Raises ArtifactError without one.

    It begins nothing that a fork would lose: that is left to the start of the server. `shared` is a folder of all
    workers. `registry` and `load` are for tests; the service makes its own from the settings.
    """
    keeping = open_keeping(settings)
    alone = shared is None
    if alone:
        keeping.start()  # reads while the model is loaded
    registry = registry or open_registry(settings)
    active = CountedModel(registry, load or loader(settings))
    if active.problem:
        log.error("started with another model", extra={FIELDS: {"problem": active.problem}})
    tally = Tally()
    together = Together(tally, shared)
    door = Door(
        active, outlets_of(registry), keeping.recall, keeping.predictions, keeping.terms, keeping.audits,
        keeping.calibrations,
    )  # fmt: skip
    lanes = Lanes(door)
    aging = Aging(newest_row_of(registry), settings.model_max_age)
    desk = Desk(door, lanes, tally, settings.max_body, settings.max_batch, settings.profile)
    parts = {
        "registry": registry,
        "active": active,
        "together": together,
        "door": door,
        "desk": desk,
        "keeping": keeping,
        "aging": aging,
        "settings": settings,
    }

    queue = Queue(settings, keeping, lambda row: told(row, settings))
    calibrating = ByItself(settings, keeping, lambda: active.version)
    watching: list[asyncio.Task[None]] = []

    async def watch_age() -> None:
        watching.append(asyncio.create_task(aging.watch(lambda: active.version)))

    async def close() -> None:
        for task in watching:
            task.cancel()

    def start() -> None:
        if not alone:
            keeping.start()
        keeping.recall.wait(PATIENCE)
        active.watch()
        queue.start()
        calibrating.start()

    app = Litestar(
        ROUTES,
        dependencies={name: _given(part) for name, part in parts.items()},
        state=State({"desk": desk, "hosts": frozenset(map(str.lower, settings.hosts))}),
        exception_handlers=HANDLERS,
        on_startup=[active.refresh, start, together.start, watch_age],
        on_shutdown=[close, calibrating.close, queue.close, active.close, lanes.close, together.stop, keeping.close],
        openapi_config=None,  # documents.py has our own
        logging_config=None,  # log.py has been set up
        request_max_body_size=None,  # body.py limits while it reads, and answers 413 as a problem
    )
    return Observed(Admission(app, lanes), tally, lambda: active.version)


def _given(part: Any) -> Provide:
    return Provide(lambda: part, sync_to_thread=False, use_cache=True)
