"""What a worker needs for the shards of a job, made once: the model, verified, and what editors had decided."""

import gc
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from service.annotate import Door, Model, OneModel, Options
from service.inference.annotator import load
from service.inference.labels import Labels
from service.jobs import snapshot
from service.jobs.plan import JobError, Plan, digest_of
from service.jobs.snapshot import Snapshot
from service.loading import outlets_at
from service.terms import Terms

CACHE = "cache"


class Equipment(NamedTuple):
    door: Door
    model: Model
    labels: Labels
    options: Options
    editors: Snapshot


@lru_cache(maxsize=1)
def equipment(plan: Plan, folder: Path) -> Equipment:
    """Heavy on disk and CPU, the first time. Raises ArtifactError, or JobError for another model than was planned."""
    directory = Path(plan.artifact)
    if digest_of(directory) != plan.digest:
        raise JobError(f"{directory} is not the model that the job began with: put that one back, or start a new job")
    editors = snapshot.read(folder, plan.snapshot)
    loaded = load(
        directory,
        version=plan.model,
        trusted_keys=tuple(map(Path, plan.trusted_keys)),
        cache=folder.parent.parent / CACHE,
        predict_unknown=plan.predictor,
    )
    outlets = outlets_at(directory)
    door = Door(OneModel(loaded), lambda _: outlets, editors, terms=Terms(editors.vocabulary), audits=editors)
    # answers hold no cycles, and the model need not be looked through for some
    gc.freeze()
    gc.set_threshold(100_000)
    options = Options(heads=frozenset(plan.asked.heads), profile=plan.asked.profile)
    model = door.take()
    return Equipment(door, model, model.labels, options, editors)
