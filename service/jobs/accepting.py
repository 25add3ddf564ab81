"""A job as it is asked for over HTTP: what may be read and written, and how far it has come."""

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from service.corrections import fingerprint_of
from service.inference.article import Profile
from service.inference.labels import HEADS, Head
from service.jobs import child
from service.jobs.job import FOLDER, UPLOADS, Job, is_upload
from service.jobs.location import S3
from service.jobs.plan import Accept, Asked, JobError, LabelsBy, Scope
from service.jobs.run import MAX_CHANGE
from service.settings import Settings
from service.store.jobs import Row

Date = Annotated[str, Meta(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
Share = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(max_length=4000)]
Names = Annotated[tuple[Text, ...], Meta(max_length=1000)]


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done, as `rubricator retag` has it."""

    model: Text = "active"
    heads: tuple[Head, ...] = ("regions", "tags")
    accept: Accept = "auto"
    labels_by: LabelsBy = "editor"
    profile: Profile | None = None
    since: Date | None = None
    until: Date | None = None
    rubrics: Names = ()
    tags: Names = ()
    ids: Annotated[tuple[Text, ...], Meta(max_length=100_000)] = ()
    only_changes: bool = False
    dry_run: bool = False
    max_change: Share = MAX_CHANGE  # of the articles; more is held until it is confirmed
    callback: Text | None = None


class JobSent(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`input` and `output` are paths on the service's machine, within the folders of RUBRICATOR_JOBS_FOLDERS, or `s3://`
    URLs that begin as RUBRICATOR_JOBS_URLS has it."""

    input: Text
    output: Text


class ResumeSent(Struct, frozen=True, forbid_unknown_fields=True):
    """`max_change`: what more than this share of the articles is held for again; 1 confirms whatever would change."""

    max_change: Share | None = None


class Callback(Struct, frozen=True):
    """`next_attempt` is None when it has been told, when it has been given up, and before the job ends."""

    url: str
    attempts: int
    next_attempt: int | None


class JobView(Struct, frozen=True, kw_only=True):
    """`share`, `articles` and `rate` are of this run: one that was resumed begins with what was left. `seconds_left` is
    a guess from its rate. `counts` are of the whole job, when it has ended."""

    id: str
    status: Literal[
        "queued", "running", "cancelling", "cancelled", "held", "broken", "failed", "stopped", "done", "undone"
    ]
    created_at: str
    updated_at: str
    model: str
    dry_run: bool
    heads: tuple[Head, ...]
    input: str | None  # None of what was sent
    output: str | None
    max_change: float
    articles: int
    changed: int
    rejected: int
    share: float
    rate: float | None
    seconds_left: float | None
    counts: dict[str, int]
    note: str
    callback: Callback | None


class NotAllowedError(Exception):
    """A path that jobs may not touch; says which they may."""


def asked_of(options: Options, input_: str, output: str, settings: Settings) -> Asked:
    return Asked(
        input=input_,
        output=output,
        heads=tuple(head for head in HEADS if head in options.heads),
        accept=options.accept,
        labels_by=options.labels_by,
        scope=Scope(options.since, options.until, options.rubrics, options.tags, options.ids),
        only_changes=options.only_changes,
        dry_run=options.dry_run,
        profile=options.profile or settings.profile,
    )


def allowed(sent: str, settings: Settings, what: str) -> str:
    """The path without links and `..`, or the URL. Raises NotAllowedError, also for what is not there: nobody is told
    what lies elsewhere."""
    folders = settings.jobs_folders
    if "://" in sent:
        if not any(_is_under(sent, one.rstrip("/")) for one in settings.jobs_urls if one.startswith(S3)):
            raise NotAllowedError(f"{what} begins with none of the s3:// URLs of RUBRICATOR_JOBS_URLS")
        return sent
    if not folders:
        raise NotAllowedError("jobs read what is sent with them alone, unless RUBRICATOR_JOBS_FOLDERS names folders")
    try:
        found = Path(sent).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise NotAllowedError(f"{what} is no path") from error
    if not _may_use(found, settings):
        raise NotAllowedError(f"{what} lies in none of the folders that jobs may use")
    if settings.home.resolve().is_relative_to(found):
        raise NotAllowedError(f"{what} is a folder that holds the service's own files: name one in it")
    return str(found)


def check_links(input_: str, names: Iterable[str], output: str, settings: Settings) -> None:
    """Whether links in folders lead elsewhere. Raises NotAllowedError."""
    for name in names:
        if not input_.startswith(S3) and not _may_use(Path(input_, name).resolve(), settings):
            raise NotAllowedError(f"input has a link in it that leads out of the folders that jobs may use: {name}")
        # a link in the file's own place is replaced, not followed
        if not output.startswith(S3) and not _may_use(Path(output, name).parent.resolve(), settings):
            raise NotAllowedError(f"output has a link in it that leads out of the folders that jobs may use: {name}")


def _may_use(path: Path, settings: Settings) -> bool:
    """What the service itself keeps is no archive, unless a folder was named that lies there."""
    home = settings.home.resolve()
    folders = [folder.resolve() for folder in settings.jobs_folders]
    if path.is_relative_to(home):
        folders = [folder for folder in folders if folder != home and folder.is_relative_to(home)]
    return any(path.is_relative_to(folder) for folder in folders)


def _is_under(url: str, allowed: str) -> bool:
    """Some servers read `..` as disks do."""
    return (url == allowed or url.startswith(f"{allowed}/")) and not {"..", "."} & set(url.split("/"))


def upload_folder(settings: Settings) -> Path:
    folder = (settings.home / FOLDER / UPLOADS / secrets.token_hex(8)).absolute()
    folder.mkdir(parents=True)
    return folder


def view(row: Row, settings: Settings) -> JobView:
    """Raises JobError where its folder is gone."""
    job = Job(settings.home / FOLDER / row.id)
    asked = job.plan.asked
    note = msgspec.json.decode(row.progress, type=child.Note) if row.progress else child.Note(0, 0, 0, 0.0, 0.0)
    running = row.status == "running" and note.share > 0
    ended: Any = job.state
    return JobView(
        id=row.id,
        status=row.status,  # type: ignore[arg-type]
        created_at=row.created_at,
        updated_at=row.updated_at,
        model=job.plan.model,
        dry_run=asked.dry_run,
        heads=asked.heads,
        input=None if is_upload(settings, asked) else asked.input,
        output=None if is_upload(settings, asked) else asked.output,
        max_change=row.max_change,
        articles=note.articles,
        changed=note.changed,
        rejected=note.rejected,
        share=round(note.share, 4),
        rate=round(note.articles / note.seconds, 1) if note.seconds else None,
        seconds_left=round(note.seconds * (1 - note.share) / note.share, 1) if running else None,
        counts=ended.counts if row.status not in {"queued", "running", "cancelling"} else {},
        note=row.note,
        callback=Callback(row.callback, row.attempts, row.next_attempt) if row.callback else None,
    )


def results(job: Job) -> Path:
    """Raises JobError where there is no single file to send."""
    if job.plan.asked.dry_run:
        raise JobError("a dry run writes no results: its report says what would change")
    if job.plan.asked.output.startswith(S3):
        raise JobError(f"the results are at {job.plan.asked.output}")
    output = Path(job.plan.asked.output)
    if job.state.status not in {"done", "broken"}:
        raise JobError("the results are there when the job is done")
    if not output.is_file():
        raise JobError(f"the results are in the folder {output}" if output.is_dir() else "the results are gone")
    return output


def fingerprint(path: Path, options: str) -> bytes:
    """Of what was sent, with what was asked. Reads it."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").digest()
    return fingerprint_of(content + options.encode())


def name_of_upload(packed: str) -> tuple[str, str]:
    """What was sent, and its results; `packed` is "", ".gz" or ".zst"."""
    return f"articles.jsonl{packed}", f"results.jsonl{packed}"


def told(row: Row, settings: Settings) -> bytes:
    """What a callback is sent."""
    content = {"type": f"job.{row.status}", "timestamp": row.updated_at, "data": view(row, settings)}
    return msgspec.json.encode(content)
