"""The wire contract of HTTP beyond the article and its annotation. Its version is that of /openapi.json."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from service.aging import Age
from service.by_day import Day
from service.gates import Gate
from service.inference.article import ModelReference, Profile
from service.inference.labels import Head
from service.memory import Chosen
from service.review import Mix
from service.trust import Audited

CONTRACT = "1.0"

Limit = Annotated[int, Meta(ge=1, le=1000)]
Milliseconds = Annotated[int, Meta(ge=1, le=60_000)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Asked(Struct, frozen=True, kw_only=True):
    """The query of the annotating calls."""

    explain: Annotated[Literal["none", "words"], Meta(description="words: which words spoke for each label")] = "none"
    limit: Annotated[Limit | None, Meta(description="the most items of each list; else all, but five tags")] = None
    threshold: Annotated[Share | None, Meta(description="the least score shown; changes no decision")] = None
    profile: Annotated[
        Profile | None,
        Meta(
            description="precision: fewer and surer labels; recall: more of them; without it RUBRICATOR_PROFILE holds"
        ),
    ] = None
    strict: Annotated[bool, Meta(description="refuse fields that are not read, instead of a warning")] = False
    model: Annotated[str, Meta(description="a version, or `active`")] = "active"
    timeout_ms: Annotated[
        Milliseconds | None, Meta(description="what has not been begun by then is answered in part: status `partial`")
    ] = None
    spans: Annotated[
        Literal["codepoints", "utf16"], Meta(description="how offsets count: code points, or as JavaScript does")
    ] = "codepoints"
    why: Annotated[
        str | None,
        Meta(
            description="also explain this label, shown or not, retired or merged: `tags:<id>`, `rubric:…`, `regions:…`"
        ),
    ] = None

    @property
    def seconds(self) -> float | None:
        return None if self.timeout_ms is None else self.timeout_ms / 1000


class DiffAsked(Struct, frozen=True, kw_only=True):
    to: Annotated[str, Meta(description="the version to compare with, or `active`")] = ""


class FieldProblem(Struct, frozen=True):
    """Where and what. `pointer` is a JSON pointer into the body, or `?name` for a query parameter."""

    pointer: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """RFC 9457. `title` and `detail` are in the language of Accept-Language, English or Russian."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[FieldProblem, ...] = ()
    max_bytes: int | UnsetType = UNSET


class RefusedItem(Struct, frozen=True):
    """An article of an array that was not annotated, in its place; each error points to it: /3/title."""

    id: str | None
    problem: Problem


class RefusedLine(Struct, frozen=True):
    """The same of a stream or a file, with the number of the line, from 1; empty lines count."""

    id: str | None
    line: int
    problem: Problem


class Health(Struct, frozen=True):
    status: Literal["live", "ready"]


class Readiness(Struct, frozen=True):
    """`problem` says why the version that should answer does not, or why nothing can be kept: answers go on."""

    status: Literal["ready"]
    model: str
    vocabulary: str
    problem: str | None
    age: Age
    held_back: tuple[str, ...]  # labels that audits speak against: they are for review


class ModelCard(Struct, frozen=True):
    """What a version says about itself, and how its retraining judged it: null where it was trained otherwise."""

    version: str
    active: bool
    format: int
    newest_row: str | None
    versions: dict[str, str]
    data: list[dict[str, Any]]
    config: dict[str, Any]
    labels: dict[str, Any]
    thresholds: dict[str, Any]
    scores: dict[str, Any]
    bytes: int
    card: str
    gate: Gate | None


class Reason(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the model is changed; kept in the journal."""

    reason: Annotated[str, Meta(max_length=1000)] = ""
    actor: Annotated[str, Meta(max_length=200)] = ""


class RefusedCorrection(Struct, frozen=True):
    """A correction of many that was not taken, in its place; each error points to it: /3/final/tags/0."""

    status: int
    problem: Problem


class Journalled(Struct, frozen=True, kw_only=True):
    """A line of the journal. `undoes` names the correction that this one takes back, `undone_by` what took this one
    back; of an erased article nothing is left but when it was."""

    id: int
    article_id: str | None
    prediction_id: str | None
    received_at: str
    actor: str | None
    at: str | None
    note: str | None
    seen: bool
    draft: bool
    final: dict[Head, tuple[Chosen, ...]]
    accepted: dict[Head, tuple[Chosen, ...]]
    added: dict[Head, tuple[Chosen, ...]]
    rejected: dict[Head, tuple[Chosen, ...]]
    model: ModelReference | None
    undoes: int | None
    undone_by: int | None
    erased: bool


class Journal(Struct, frozen=True):
    """A page of it; `next` is `after` of the following one, null on the last."""

    corrections: tuple[Journalled, ...]
    next: int | None


class DecisionsMade(Struct, frozen=True):
    head: str
    decision: str
    count: int


class Kept(Struct, frozen=True):
    """The store: null stands for what can't be told while it is away."""

    up: bool
    articles_remembered: int
    predictions_dropped: int
    corrections: int | None
    predictions: int | None
    predictions_bytes: int | None
    store_bytes: int | None


class LabelMix(Struct, frozen=True):
    """Labels of the latest answers that are kept, one an article, the most frequent first."""

    answers: int
    since: str | None
    rubrics: tuple[Mix, ...]
    tags: tuple[Mix, ...]


class Trust(Struct, frozen=True):
    """What audits found of the labels of the model that answers, and how old it and the latest correction are."""

    version: str
    age: Age
    days_since_correction: int | None
    audited: tuple[Audited, ...]


class Numbers(Struct, frozen=True):
    """What all workers have done since the service began, and how the store does."""

    articles: int
    refused: int
    abstentions: dict[str, int]
    decisions: tuple[DecisionsMade, ...]
    store: Kept
    labels: LabelMix
    trust: Trust


class DaysAsked(Struct, frozen=True, kw_only=True):
    days: Annotated[Annotated[int, Meta(ge=1, le=1100)], Meta(description="how many, today too")] = 60


class Days(Struct, frozen=True):
    """`training`: articles of each rubric that the version which answers learnt from; empty where it does not say."""

    days: tuple[Day, ...]
    version: str
    training: dict[str, int]


class Erased(Struct, frozen=True):
    """How many there were."""

    corrections: int
    predictions: int
