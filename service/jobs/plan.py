"""Everything that decides the bytes of a result, fixed when a job starts: whatever happens later, and however often it
is interrupted, the same records come out."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from service.inference import artifact
from service.inference.article import Profile
from service.inference.beside import file_beside
from service.inference.labels import Head

Accept = Literal["auto", "review"]
LabelsBy = Literal["editor", "auto"]

SHARD_BYTES = 4 << 20  # some 1,000 articles, half a second of one core: what an interruption costs each worker at most
NAME = "plan.json"


class JobError(Exception):
    """A job can't be started, resumed or undone: what is the matter, and what to do."""


class WrongUsageError(JobError):
    """Nothing is the matter but what was asked for."""


class Scope(Struct, frozen=True, omit_defaults=True):
    """Which records are looked at; the others are passed through as they are. Several rubrics, tags or ids: any of
    them. Dates are compared as they are written, `until` is exclusive."""

    since: str | None = None
    until: str | None = None
    rubrics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


class Asked(Struct, frozen=True, kw_only=True):
    """What the operator asked for."""

    input: str  # absolute, or a URL
    output: str
    heads: tuple[Head, ...] = ("regions", "tags")
    accept: Accept = "auto"
    labels_by: LabelsBy = "editor"  # who set the labels in plain lists of the record, which don't say it
    scope: Scope = Scope()
    only_changes: bool = False
    dry_run: bool = False
    profile: Profile = "balanced"

    @property
    def is_in_place(self) -> bool:
        """Then records that can't be read stay where they are: they would be lost."""
        return self.input == self.output


class Plan(Struct, frozen=True, kw_only=True):
    """`digest` is the sha256 of the artifact's manifest, which has those of all its files; `snapshot` that of what
    editors had decided when the job started, which lies in the job's folder."""

    id: str
    asked: Asked
    model: str  # version
    artifact: str  # its directory
    digest: str
    snapshot: str
    code: str
    predictor: bool = False
    trusted_keys: tuple[str, ...] = ()
    shard_bytes: int

    def write(self, folder: Path) -> None:
        with file_beside(folder / NAME) as file:
            file.write(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def read(folder: Path) -> Plan:
    """Raises JobError."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError) as error:
        raise JobError(f"the plan of {folder} can't be read ({error}): start a new job") from error


def digest_of(directory: Path) -> str:
    """Raises ArtifactError where there is none."""
    artifact.inspect(directory)
    return hashlib.sha256((directory / artifact.MANIFEST).read_bytes()).hexdigest()


def code() -> str:
    return version("rubricator")


def differences(asked: Asked, before: Asked) -> Sequence[str]:
    """The names of what is asked for otherwise than before."""
    return [name for name in Asked.__struct_fields__ if getattr(asked, name) != getattr(before, name)]
