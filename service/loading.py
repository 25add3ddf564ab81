"""Where models come from, by the operator's settings: the registry of this home, a version of it, a directory."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from service.active import ACTIVE
from service.inference import artifact
from service.inference.annotator import Annotator, load
from service.inference.artifact import ArtifactError
from service.keeping import Keeping
from service.registry import Registry, RegistryError, UnknownVersionError
from service.settings import Settings
from service.store import journal
from service.store.database import database_of
from service.store.schema import opened
from service.trust import TARGET

BASELINE = Path(__file__).with_name("baseline")


def open_registry(settings: Settings) -> Registry:
    """Over the model that comes with the service. Nothing is loaded yet."""
    return Registry(settings.home, BASELINE if BASELINE.is_dir() else None, loader(settings))


def open_keeping(settings: Settings) -> Keeping:
    """What this service keeps. Nothing is opened yet."""
    return Keeping(
        database_of(settings.store, settings.home),
        settings.predictions_days,
        settings.predictions_bytes,
        target_of(open_registry(settings)),
        settings.audit_share,
    )


def erased_articles(settings: Settings) -> frozenset[bytes]:
    """What is left of the ids of articles that were erased here: `journal.key_of`. Raises StoreError where that can't
    be told, for nothing may be learnt from them."""
    database = database_of(settings.store, settings.home)
    if not settings.store and not database.exists():
        return frozenset()
    connection = opened(database)
    try:
        return frozenset(one.key for one in journal.erased(connection))
    finally:
        connection.close()


def loader(settings: Settings) -> Callable[[Path], Annotator]:
    """How this service loads a version: its directory's name is what it answers under. Heavy on disk and CPU."""

    def load_version(directory: Path) -> Annotator:
        return _load(directory, settings, directory.name)

    return load_version


def open_model(settings: Settings, name: str = ACTIVE) -> Annotator:
    """`active`, a version or a directory, loaded. Raises ArtifactError."""
    registry = open_registry(settings)
    try:
        return registry.load(active_version(registry) if name == ACTIVE else name, loader(settings))
    except UnknownVersionError:
        if not Path(name).is_dir():
            raise
    return _load(Path(name), settings, None)


def directory_of(settings: Settings, name: str = ACTIVE) -> tuple[Path, str]:
    """Where `active`, a version or a directory lies, and the version that it answers under. Raises ArtifactError."""
    registry = open_registry(settings)
    version = active_version(registry) if name == ACTIVE else name
    try:
        return registry.path(version), version
    except UnknownVersionError:
        if not Path(name).is_dir():
            raise
    return Path(name), artifact.version_of(Path(name))


def _load(directory: Path, settings: Settings, version: str | None) -> Annotator:
    return load(
        directory,
        version=version,
        trusted_keys=settings.trusted_keys,
        cache=settings.cache,
        predict_unknown=settings.predictor,
    )


def outlets_of(registry: Registry) -> Callable[[str], Mapping[str, int]]:
    """Of a version, the outlets that it was calibrated on with their articles; none of one that doesn't say so."""

    @cache
    def outlets(version: str) -> Mapping[str, int]:
        try:
            return outlets_at(registry.path(version))
        except (ArtifactError, OSError):
            return {}

    return outlets


def newest_row_of(registry: Registry) -> Callable[[str], str | None]:
    """Of a version, the day of the newest row that it learnt from, ISO 8601."""

    @cache
    def newest_row(version: str) -> str | None:
        try:
            return artifact.inspect(registry.path(version)).newest_row
        except (ArtifactError, OSError):
            return None

    return newest_row


def target_of(registry: Registry) -> Callable[[str], float]:
    """Of a version, the precision that its `auto` was aimed at."""

    @cache
    def target(version: str) -> float:
        try:
            found = artifact.inspect(registry.path(version)).config.get("decision", {}).get("precision")
        except (ArtifactError, OSError):
            return TARGET
        return float(found) if isinstance(found, int | float) and 0 < found < 1 else TARGET

    return target


def outlets_at(directory: Path) -> Mapping[str, int]:
    """The same of an artifact. Raises ArtifactError."""
    found = artifact.inspect(directory).labels.get("outlets")
    return found if isinstance(found, dict) else {}


def active_version(registry: Registry) -> str:
    version = registry.active()
    if version is None:
        raise RegistryError("no model is active here: train one, or activate one with `rubricator models activate`")
    return version
