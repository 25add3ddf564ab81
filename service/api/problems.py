"""The one table of errors, and how anything that goes wrong becomes a line of it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import UNSET, UnsetType

from service.api.russian import in_russian
from service.api.schemas import FieldProblem, Problem
from service.correction import CorrectionError
from service.inference.artifact import ArtifactError
from service.records import RecordError
from service.registry import UnknownVersionError
from service.store.database import StoreError
from service.vocabulary import VocabularyError

RETRY_AFTER = "5"  # seconds; the store is tried again every second
MEDIA_TYPE = "application/problem+json"

Language = Literal["en", "ru"]


class Kind(NamedTuple):
    status: int
    title: str
    russian: str


KINDS = {
    "malformed": Kind(400, "The request can't be read", "Запрос не читается"),
    "unknown-field": Kind(400, "A field is not read", "Поле не читается"),
    "bad-parameter": Kind(400, "A query parameter is wrong", "Неверный параметр запроса"),
    "forbidden": Kind(403, "This is not allowed from here", "Отсюда это не разрешено"),
    "foreign-page": Kind(403, "A page of another site may not do this", "Странице чужого сайта это не разрешено"),
    "not-found": Kind(404, "There is nothing at this address", "По этому адресу ничего нет"),
    "unknown-version": Kind(404, "There is no such version of the model", "Такой версии модели нет"),
    "method-not-allowed": Kind(405, "This address has no such method", "У этого адреса нет такого метода"),
    "unusable-version": Kind(409, "This version of the model can't be used", "Эту версию модели нельзя использовать"),
    "conflict": Kind(409, "This contradicts what was sent before", "Это противоречит посланному раньше"),
    "gone": Kind(410, "This is not kept any more", "Это больше не хранится"),
    "erased": Kind(410, "This article was erased", "Эта статья удалена"),
    "too-large": Kind(413, "The request is too large", "Запрос слишком велик"),
    "unsupported-media-type": Kind(415, "This kind of body is not read", "Тело такого вида не читается"),
    "unknown-prediction": Kind(422, "There is no such prediction", "Такого предсказания нет"),
    "is-a-place": Kind(422, "A place is never a tag", "Место не бывает тегом"),
    "changed-meanwhile": Kind(412, "It has changed meanwhile", "Тем временем это изменилось"),
    "no-precondition": Kind(428, "If-Match is missing", "Нет заголовка If-Match"),
    "unknown-label": Kind(422, "There is no such label", "Такой метки нет"),
    "unusable-job": Kind(422, "This job can't be done", "Это задание невыполнимо"),
    "too-many": Kind(429, "Too many jobs are waiting", "Слишком много заданий ждёт"),
    "no-room": Kind(507, "There is no room", "Нет места"),
    "busy": Kind(503, "The service is busy", "Сервис занят"),
    "failed": Kind(500, "The service failed", "Сбой сервиса"),
    "store-away": Kind(503, "The store can't be used now", "Хранилище сейчас недоступно"),
}


class ProblemError(Exception):
    """Raised where the fact is known; `kind` is a row of the table, `detail` and `errors` are in English."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        max_bytes: int | UnsetType = UNSET,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.max_bytes = max_bytes
        self.headers = headers or {}


def too_large(limit: int, what: str = "the body") -> ProblemError:
    detail = f"{what} has more than {limit} bytes: send less, or raise RUBRICATOR_MAX_BODY"
    return ProblemError("too-large", detail, max_bytes=limit)


def busy() -> ProblemError:
    """More is waiting than can be answered in good time."""
    return ProblemError("busy", "too much is waiting: try again in a second", headers={"Retry-After": "1"})


def problem_of(error: Exception) -> ProblemError:
    """What a caller may know of any error; of an unforeseen one, nothing but that it happened."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RecordError):
        errors = [FieldProblem(pointer, detail) for pointer, detail in error.places]
        kind = "unknown-field" if error.detail.startswith("this field is not read") else "malformed"
        return ProblemError(kind, error.detail, errors=errors)
    if isinstance(error, CorrectionError):
        return ProblemError(error.kind, error.detail, errors=[FieldProblem(*place) for place in error.places])
    if isinstance(error, VocabularyError):
        errors = [FieldProblem(error.pointer, error.detail)] if error.pointer else []
        return ProblemError(error.kind, error.detail, errors=errors)
    if isinstance(error, StoreError):
        detail = "what editors decide can't be kept now: send it again later"
        return ProblemError("store-away", detail, headers={"Retry-After": RETRY_AFTER})
    if isinstance(error, UnknownVersionError):
        return ProblemError("unknown-version", str(error))
    if isinstance(error, ArtifactError):
        return ProblemError("unusable-version", str(error))
    return ProblemError("failed", "the log says why")


def describe(error: Exception, language: Language = "en", instance: str | None = None, at: str = "") -> Problem:
    """`at` is the pointer to the item of a batch in which it happened: every such problem has an error with a place."""
    found = problem_of(error)
    places = [FieldProblem(at + each.pointer, each.detail) for each in found.errors]
    if at and not places:
        places = [FieldProblem(at, found.detail)]
    kind = KINDS[found.kind]
    russian = language == "ru"
    return Problem(
        type=f"urn:rubricator:problem:{found.kind}",
        title=kind.russian if russian else kind.title,
        status=kind.status,
        detail=in_russian(found.detail) if russian else found.detail,
        instance=instance,
        errors=tuple(FieldProblem(e.pointer, in_russian(e.detail)) if russian else e for e in places),
        max_bytes=found.max_bytes,
    )


@lru_cache(maxsize=256)
def language_of(accept_language: str | None) -> Language:
    """Russian where Accept-Language prefers it to English, else English. `*` stands for English."""
    weights = {"en": 0.0, "ru": 0.0}
    for choice in (accept_language or "").lower().split(","):
        name, _, weight = choice.strip().partition(";q=")
        language = "en" if name == "*" else name.partition("-")[0].strip()
        if language in weights:
            weights[language] = max(weights[language], _number(weight))
    return "ru" if weights["ru"] > weights["en"] else "en"


def _number(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
