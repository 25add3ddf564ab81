"""What the operator sets: RUBRICATOR_* variables first, then a TOML file, then the defaults. Read once, frozen.

Not pydantic-settings: importing it takes 420 ms of the one second in which the service has to be ready, this 10 ms more
than msgspec, which is there anyway. A misspelt variable is an error with either.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from service.inference.article import Profile

PREFIX = "RUBRICATOR_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_FILE = Path("rubricator.toml")

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """RUBRICATOR_HOME is `home`, and so on. Relative paths start from the working directory, also in the file."""

    home: Path = Path("var")  # registry/, store.db, jobs/, cache/
    data: Path | None = None  # where the corpora of a training configuration lie
    host: str = "127.0.0.1"
    port: Port = 8000  # 0 picks a free one
    hosts: tuple[str, ...] = ()  # names under which editors open the page, beside loopback and bare addresses
    workers: Positive = 1  # processes that answer
    max_body: Positive = 2 * 1024 * 1024  # bytes of one request
    max_batch: Positive = 1000  # articles of one request
    profile: Profile = "balanced"  # of decisions, where a request names none
    predictor: bool = False  # guess the lemmas of words outside the dictionary: a tenth of a per cent of the tokens
    trusted_keys: tuple[Path, ...] = ()  # PEM files; when there are any, unsigned models are refused
    signing_key: Path | None = None  # PEM file; when it is there, models trained here are signed
    store: str = ""  # postgresql://USER@HOST/NAME; without it HOME/store.db
    predictions_days: Positive = 30  # how long answers are kept for `GET /predictions/{id}`
    predictions_bytes: Positive = 2_000_000_000  # of them, compressed
    audit_share: Annotated[float, Meta(ge=0, le=1)] = 0.02  # of what is published unseen, drawn for an editor's look
    calibrate_after: Annotated[int, Meta(ge=0)] = 100  # corrections, until the rubrics are calibrated anew; 0: never
    model_max_age: Annotated[int, Meta(ge=0)] = 45  # days since the newest row it learnt from; 0: never too old
    jobs_folders: tuple[Path, ...] = ()  # that jobs over HTTP may read and write; without any, what is sent with them
    jobs_urls: tuple[str, ...] = ()  # s3://BUCKET/PREFIX: what begins so they may read and write
    jobs_upload: Positive = 1_000_000_000  # bytes of an archive sent with a job
    jobs_bytes: Positive = 20_000_000_000  # of disk for all jobs; the oldest that are done go first
    jobs_waiting: Positive = 20  # jobs over HTTP that have not ended
    jobs_workers: Annotated[int, Meta(ge=0)] = 0  # processes of a job; 0: as many as there are cores
    callback_secret: str = ""  # whsec_…, as Standard Webhooks write it: signs what is told when a job has ended
    callbacks_private: bool = False  # whether that may go to addresses of this machine and network
    jobs_days: Positive = 30  # how long a job of retagging that nobody touches can be resumed or undone
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"

    @property
    def registry(self) -> Path:
        return self.home / "registry"

    @property
    def cache(self) -> Path:
        return self.home / "cache"


class SettingsError(ValueError):
    """Names the variable or the file and key, what is wrong, and what would be right."""


_TYPES = get_type_hints(Settings, include_extras=True)
# the items of a list in a variable
_BETWEEN = {"trusted_keys": os.pathsep, "jobs_folders": os.pathsep, "jobs_urls": ",", "hosts": ","}


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the environment and the file that RUBRICATOR_CONFIG names, or ./rubricator.toml if there is one."""
    values: dict[str, Any] = {}
    for name, value, origin in (*_from_file(environment), *_from_variables(environment)):
        values[name] = _converted(name, value, origin)
    return Settings(**values)


def _from_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE:
            name = variable.removeprefix(PREFIX).lower()
            if name not in _TYPES or variable != variable.upper():
                raise _unknown(PREFIX, variable.removeprefix(PREFIX), ["CONFIG", *map(str.upper, _TYPES)])
            between = _BETWEEN.get(name)
            yield name, value.split(between) if between and value else value, variable


def _from_file(environment: Mapping[str, str]) -> Iterator[tuple[str, object, str]]:
    named = environment.get(FILE_VARIABLE)
    path = Path(named) if named else DEFAULT_FILE
    if not named and not path.exists():
        return
    import tomllib

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{FILE_VARIABLE}: {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML in UTF-8: {error}") from error
    for name, value in table.items():
        if name not in _TYPES:
            raise _unknown(f"{path}: ", name, list(_TYPES))
        yield name, value, f"{path}: {name}"


def _converted(name: str, value: object, origin: str) -> Any:
    """Variables are strings, so "8000" and "true" are taken for what they say; an empty one means the default."""
    if value == "":
        return Settings.__struct_defaults__[Settings.__struct_fields__.index(name)]
    if name == "log_level" and isinstance(value, str):
        value = value.lower()
    try:
        return msgspec.convert(value, _TYPES[name], strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        if allowed := get_args(_TYPES[name]) if get_origin(_TYPES[name]) is Literal else ():
            raise SettingsError(f"{origin} = {value!r}: it must be {' or '.join(allowed)}") from error
        raise SettingsError(f"{origin} = {value!r}: {error}") from error


def _path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise msgspec.ValidationError(f"Expected a path, got {value!r}")


def _unknown(where: str, name: str, known: list[str]) -> SettingsError:
    from difflib import get_close_matches

    close = {candidate.lower(): candidate for candidate in known}
    match = get_close_matches(name.lower(), close, n=1)
    remedy = f"did you mean {where}{close[match[0]]}?" if match else f"known are {', '.join(known)}"
    return SettingsError(f"{where}{name} is not a setting: {remedy}")
