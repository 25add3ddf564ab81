"""The one door to a model, for HTTP, command line and jobs: records go in as they were sent, answers come out."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from time import perf_counter
from typing import Any, Protocol, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from service.active import ACTIVE
from service.audits import Trusts, TrustsAll, lowered
from service.calibrations import Calibrates, CalibratesNothing
from service.inference.article import Annotation, Article, ModelReference, RequestWarning
from service.inference.calibration import Calibration
from service.inference.decisions import HEADS, Options
from service.inference.labels import Labels
from service.memory import Memory, degraded, remembered, wide
from service.overlay import Model, Overlaid
from service.predictions import Keeps, KeepsNothing
from service.recall import Nothing, Recalls
from service.records import RecordError, decode_article
from service.sources import NOT_CALIBRATED, unknown_source
from service.terms import Terms

__all__ = [
    "ACTIVE",
    "HEADS",
    "Answer",
    "Door",
    "Model",
    "Models",
    "OneModel",
    "Options",
    "Received",
    "Refused",
    "partly",
    "prediction_id",
    "received",
]

log = logging.getLogger(__name__)

_LATE = RequestWarning("timed_out", "?timeout_ms")
_NO_ID = RequestWarning("no_id", "/id")  # nothing that its editors decide can be remembered for such an article


class Models(Protocol):
    """Models by version, or the active one: an ActiveModel."""

    def get(self, version: str = ..., /) -> Model: ...


@dataclass(frozen=True, slots=True)
class OneModel:
    """The same model, whatever version is asked for."""

    model: Model

    def get(self, _: str = ACTIVE, /) -> Model:
        return self.model


@dataclass(frozen=True, slots=True)
class Refused:
    """A record without an annotation. `error` is a RecordError, or whatever went wrong with this article alone."""

    id: str | None
    error: Exception


Answer: TypeAlias = Annotation | Refused


class Door:
    def __init__(
        self,
        models: Models,
        outlets: Callable[[str], Mapping[str, int]] = lambda _: {},
        recall: Recalls | None = None,
        predictions: Keeps | None = None,
        terms: Terms | None = None,
        audits: Trusts | None = None,
        calibrations: Calibrates | None = None,
    ) -> None:
        """`outlets` tells of a version which outlets it was calibrated on, each with its articles; `recall` tells what
        editors decided; `predictions` keeps stamped answers; `terms` has the tags that editors changed; `audits` the
        labels that are not trusted any more; `calibrations` what corrections changed about rubrics since a model was
        trained."""
        self._models = models
        self._outlets = outlets
        self._recall: Recalls = Nothing() if recall is None else recall
        self._predictions: Keeps = KeepsNothing() if predictions is None else predictions
        self._terms = Terms() if terms is None else terms
        self._audits: Trusts = TrustsAll() if audits is None else audits
        self._calibrations: Calibrates = CalibratesNothing() if calibrations is None else calibrations
        self._under: Callable[[Any, Any], Model] = lru_cache(maxsize=2)(_under)  # the one in use, and before it
        self._overlaid: Callable[[Any, Any], Overlaid] = lru_cache(maxsize=4)(Overlaid)

    def take(self, version: str = ACTIVE) -> Model:
        """The model under the vocabulary for all pieces of one answer, whatever changes then. Raises ArtifactError.

        A version that is not in memory is loaded: heavy on disk and CPU.
        """
        model, vocabulary = self._models.get(version), self._terms.now
        if (calibration := self._calibrations.of(model.version)) is not None:
            model = self._under(model, calibration)
        return self._overlaid(model, vocabulary) if vocabulary.entries else model

    def bare(self, version: str = ACTIVE) -> Model:
        """The model as it was trained."""
        return self._models.get(version)

    def annotate(
        self, articles: Sequence[Article], options: Options | None = None, model: str = ACTIVE
    ) -> list[Annotation]:
        """As the model and the editors' memory have it. An article that fails makes all of them fail."""
        answers = self._heeded(self.take(model), articles, options or Options(), _annotate_all)
        return [one for one in answers if isinstance(one, Annotation)]

    def answer(
        self, model: Model, records: Sequence[bytes], options: Options, *, strict: bool = False, stamped: bool = False
    ) -> list[Answer]:
        """For each record, an article as JSON, its annotation, in order; a bad one is Refused, the others are unharmed.

        With `strict` a field that is not read is an error instead of a warning. `stamped` annotations bear a
        `prediction_id` and their share of the time taken.
        """
        started = perf_counter()
        return self._answered(model, [_receive(one, strict=strict) for one in records], options, started, stamped)

    def answer_received(self, model: Model, received: Sequence["Received | Refused"], options: Options) -> list[Answer]:
        """The same for records that have been decoded."""
        return self._answered(model, received, options, perf_counter(), stamped=False)

    def _answered(
        self,
        model: Model,
        received: Sequence["Received | Refused"],
        options: Options,
        started: float,
        stamped: bool,
    ) -> list[Answer]:
        articles = [one.article for one in received if isinstance(one, Received)]
        annotated = iter(self._heeded(model, articles, options, _annotate))
        answers = [one if isinstance(one, Refused) else next(annotated) for one in received]
        outlets = self._outlets(model.version)
        took_ms = round((perf_counter() - started) * 1000 / max(1, len(received)), 3)
        finished: list[Answer] = []
        for answer, one in zip(answers, received, strict=True):
            if not isinstance(one, Received) or not isinstance(answer, Annotation):
                finished.append(answer)
                continue
            finished.append(annotation := _finished(answer, one, outlets, took_ms if stamped else None))
            if stamped:
                self._predictions.keep(annotation, one.article, model)
        return finished

    def _heeded(
        self,
        model: Model,
        articles: Sequence[Article],
        options: Options,
        annotate: Callable[[Model, Sequence[Article], Options], Sequence[Answer]],
    ) -> list[Answer]:
        """What `annotate` answers, as the editors want it."""
        overlaid = model if isinstance(model, Overlaid) else None
        recalled = {i: memory for i, one in enumerate(articles) if (memory := self._recall.of(one)) is not None}
        if not recalled:
            answers = list(annotate(model, articles, options))
        else:
            plain = iter(annotate(model, [one for i, one in enumerate(articles) if i not in recalled], options))
            widely = iter(annotate(model, [articles[i] for i in recalled], wide(options)))
            if overlaid is not None:
                recalled = {i: overlaid.memory(memory) for i, memory in recalled.items()}
            answers = [
                _remembered(next(widely), recalled[i], one, options, model.labels) if i in recalled else next(plain)
                for i, one in enumerate(articles)
            ]
            if overlaid is not None:
                answers = [overlaid.settled(one) if isinstance(one, Annotation) else one for one in answers]
        if held := self._audits.held_back(model.version):
            answers = [lowered(one, held) if isinstance(one, Annotation) else one for one in answers]
        if self._recall.problem is not None:
            answers = [degraded(one) if isinstance(one, Annotation) else one for one in answers]
        return answers


def _under(model: Any, calibration: Calibration) -> Model:
    """The model itself where the calibration is of other rubrics: one that was made by hand, or by another version."""
    try:
        under: Model = model.under(calibration)
    except ValueError as error:
        log.warning("not calibrated: %s", error)
        return model  # type: ignore[no-any-return]
    return under


def partly(answer: Answer) -> Answer:
    """What is told of an answer whose time was up before more of it could be worked out."""
    if isinstance(answer, Refused):
        return answer
    status = "partial" if answer.status == "ok" else answer.status
    return replace(answer, status=status, warnings=(*answer.warnings, _LATE))


def prediction_id(article: Article, model: ModelReference) -> str:
    """The same text, model, vocabulary and calibration give the same 16 hex digits, whatever was asked about them."""
    digest = blake2b(digest_size=8)
    by = [model.version, model.vocabulary]
    if model.calibration is not UNSET:
        by.append(model.calibration)
    for part in (article.title, article.lead, article.text, article.body_html, *by):
        content = (part or "").encode()
        digest.update(b"%d:" % len(content))  # lengths, so that «ab», «c» is not «a», «bc»
        digest.update(content)
    return digest.hexdigest()


class Received(msgspec.Struct, frozen=True):
    """A record that could be read, and what is to be told of it."""

    article: Article
    warnings: tuple[RequestWarning, ...]


class _Identified(msgspec.Struct, frozen=True):
    id: Any = None


_identified = msgspec.json.Decoder(_Identified)


def received(article: Article, warnings: tuple[RequestWarning, ...]) -> Received:
    return Received(article, warnings if article.id is not None else (*warnings, _NO_ID))


def _receive(record: bytes, *, strict: bool) -> Received | Refused:
    try:
        return received(*decode_article(record, strict=strict))
    except RecordError as error:
        return Refused(_id_of(record), error)


def _id_of(record: bytes) -> str | None:
    """As far as it can be told of a record that is known to be wrong somewhere."""
    try:
        found = _identified.decode(record).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


def _annotate_all(model: Model, articles: Sequence[Article], options: Options) -> Sequence[Answer]:
    return model.annotate(articles, options)


def _annotate(model: Model, articles: Sequence[Article], options: Options) -> Sequence[Answer]:
    """All at once; should that fail, one by one, to find the article that was the matter."""
    if len(articles) > 1:
        try:
            return model.annotate(articles, options)
        except Exception:
            log.warning("%d articles could not be annotated together: trying each alone", len(articles), exc_info=True)
    return [_annotate_alone(model, article, options) for article in articles]


def _annotate_alone(model: Model, article: Article, options: Options) -> Answer:
    try:
        return model.annotate([article], options)[0]
    except Exception as error:
        log.exception("an article could not be annotated")
        return Refused(article.id, error)


def _remembered(answer: Answer, memory: Memory, article: Article, options: Options, labels: Labels) -> Answer:
    return remembered(answer, memory, article, options, labels) if isinstance(answer, Annotation) else answer


def _finished(
    annotation: Annotation, record: Received, outlets: Mapping[str, int], took_ms: float | None
) -> Annotation:
    warnings = (*annotation.warnings, *record.warnings)
    if NOT_CALIBRATED in annotation.reasons and (doubt := unknown_source(record.article.source, outlets)):
        warnings = (*warnings, doubt)
    if took_ms is None:
        return replace(annotation, warnings=warnings) if warnings else annotation
    identity = prediction_id(record.article, annotation.model)
    return replace(annotation, warnings=warnings, prediction_id=identity, took_ms=took_ms)
