"""One correction as it is sent, and what it did to the suggestions: accepted, added, rejected."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NamedTuple

import msgspec
import zstandard
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from service.inference.article import Annotation, Article, ModelReference, RequestWarning
from service.inference.labels import HEADS, Head, Labels, named
from service.memory import KIND, ByHead, Chosen
from service.predictions import Found, Predictions
from service.records import RecordError, decode_article, encode_annotation, record_errors
from service.shape import wrong

Identifier = Annotated[str, Meta(min_length=1, max_length=500)]
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Short = Annotated[str, Meta(max_length=200)]

SCORED = 12  # labels of a head whose scores are kept


class LabelSent(Struct, frozen=True, forbid_unknown_fields=True):
    """By its id, or by its name; one of them is enough."""

    id: Name | None = None
    label: Name | None = None


OneSent = LabelSent | Name
ManySent = Annotated[tuple[OneSent, ...], Meta(max_length=200)]


class FinalSent(Struct, frozen=True, forbid_unknown_fields=True):
    """What the article has now. A head that is absent was not looked at; [] was emptied on purpose."""

    rubric: OneSent | ManySent | UnsetType | None = UNSET
    regions: ManySent | UnsetType | None = UNSET
    tags: ManySent | UnsetType | None = UNSET


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """As it is sent. `seen` says that an editor has looked at it: only that is truth. `audit`: without having seen what
    the service suggested. `at` is information, the order is the server's."""

    final: FinalSent
    seen: bool
    article_id: Identifier | None = None
    prediction_id: Identifier | None = None
    audit: bool = False
    article: Annotated[Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/Article"})] | UnsetType = UNSET
    actor: Short | None = None
    at: Annotated[str, Meta(max_length=64)] | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None


class CorrectionError(Exception):
    """A correction that can't be taken. `kind` is that of the problem, `places` are JSON pointers, a word on each."""

    def __init__(self, kind: str, detail: str, places: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.places = kind, detail, tuple(places)


class Scored(Struct, frozen=True, gc=False):
    """A label and how likely the model found it."""

    id: str
    label: str
    score: float


class Worked(Struct, frozen=True, omit_defaults=True):
    """A correction as the journal holds it: labels resolved, and what it did to the suggestions. `scored`: how likely
    the model, which had not learnt from it yet, found rubrics and tags; without those that editors had set before."""

    final: dict[Head, tuple[Chosen, ...]] = {}
    accepted: dict[Head, tuple[Chosen, ...]] = {}
    added: dict[Head, tuple[Chosen, ...]] = {}
    rejected: dict[Head, tuple[Chosen, ...]] = {}
    seen: bool = False
    draft: bool = False
    prediction_id: str | None = None
    at: str | None = None
    note: str | None = None
    model: ModelReference | None = None
    scored: dict[Head, tuple[Scored, ...]] = {}


class Ready(NamedTuple):
    """Worked out, not written yet."""

    article_id: str | None
    actor: str | None
    worked: Worked
    article: bytes | None
    warnings: tuple[RequestWarning, ...]
    audit: bool = False  # what the service suggested was not seen


class Suggester(Struct, frozen=True):
    """What the service says of articles now: `annotate` with the editors' memory, and all labels that there are."""

    annotate: Callable[[Article], Annotation]
    labels: Labels


def ready(items: Sequence[bytes], suggester: Suggester, predictions: Predictions) -> "list[Ready | CorrectionError]":
    """Each correction worked out, in order. Reads the store; heavy on CPU where there is an article and no prediction.

    Raises StoreAwayError.
    """
    read = [_read(item) for item in items]
    found = predictions.find([one[0].prediction_id or "" for one in read if not isinstance(one, CorrectionError)])
    return [one if isinstance(one, CorrectionError) else _ready(*one, suggester, found) for one in read]


def _read(item: bytes) -> "tuple[Correction, Article | None, tuple[RequestWarning, ...]] | CorrectionError":
    try:
        return decode(item)
    except CorrectionError as error:
        return error
    except RecordError as error:
        return CorrectionError("malformed", error.detail, error.places)


def _ready(
    correction: Correction,
    article: Article | None,
    warnings: tuple[RequestWarning, ...],
    suggester: Suggester,
    predictions: Mapping[str, Found],
) -> "Ready | CorrectionError":
    found = predictions.get(correction.prediction_id or "")
    article_id = correction.article_id or (article.id if article else None) or (found.article_id if found else None)
    if correction.prediction_id and (found is None or found.answer is None):
        if article_id is None and article is None:
            detail = "this prediction is not kept here: name the article too, with article_id or article"
            return _at("/prediction_id", detail, "unknown-prediction")
        warnings = (*warnings, RequestWarning("prediction_not_kept", "/prediction_id"))
    if article_id is None:
        warnings = (*warnings, RequestWarning("no_id", "/article_id"))
    try:
        final = _resolved(correction.final, suggester.labels)
        shown = _shown(found, article, suggester)
    except CorrectionError as error:
        return error
    worked = Worked(
        final=final,
        **_compared(final, shown),
        seen=correction.seen,
        draft=article.stage == "draft" if article else bool(found and found.draft),
        prediction_id=correction.prediction_id,
        at=correction.at,
        note=correction.note,
        model=shown.model,
        scored=_scored(shown),
    )
    text = zstandard.compress(msgspec.json.encode(article), 3) if article else None
    audit = correction.audit and correction.seen and article_id is not None
    return Ready(article_id, correction.actor, worked, text, warnings, audit)


def decode(item: bytes) -> "tuple[Correction, Article | None, tuple[RequestWarning, ...]]":
    """The correction, its article, and a warning for each field of that which is not read. Raises CorrectionError,
    RecordError."""
    with record_errors(item, "a correction"):
        correction = _decoded(item)
    article: Article | None = None
    warnings: tuple[RequestWarning, ...] = ()
    if correction.article is not UNSET and bytes(correction.article) != b"null":
        try:
            article, found = decode_article(bytes(correction.article))
        except RecordError as error:
            places = [(f"/article{at}", detail) for at, detail in error.places] or [("/article", error.detail)]
            raise CorrectionError("malformed", error.detail, places) from error
        warnings = tuple(msgspec.structs.replace(one, pointer=f"/article{one.pointer}") for one in found)
    if article is None and correction.article_id is None and correction.prediction_id is None:
        raise CorrectionError("malformed", "one of article_id, prediction_id and article has to be there")
    for name in ("article_id", "prediction_id", "actor"):
        if "\0" in (getattr(correction, name) or ""):
            raise _at(f"/{name}", f"{name} must not hold the character U+0000", "malformed")
    if article and article.id is not None:
        if "\0" in article.id or not article.id:
            raise _at("/article/id", "id must not be empty or hold the character U+0000", "malformed")
        if correction.article_id not in (None, article.id):
            raise _at("/article_id", f"article_id is not the id of the article, {article.id[:64]}", "malformed")
    return correction, article, warnings


def _decoded(item: bytes) -> Correction:
    try:
        correction = msgspec.json.decode(item, type=Correction)
    except msgspec.ValidationError as error:
        pointer, detail = wrong(error, "a correction")
        raise _at(pointer, detail, "malformed") from error
    if all(getattr(correction.final, head) in (UNSET, None) for head in HEADS):
        raise _at("/final", "final needs one of rubric, regions and tags: what the editor has looked at", "malformed")
    return correction


def _at(pointer: str, detail: str, kind: str) -> CorrectionError:
    return CorrectionError(kind, detail, ((pointer, detail),) if pointer else ())


def _resolved(sent: FinalSent, labels: Labels) -> dict[Head, tuple[Chosen, ...]]:
    """Raises CorrectionError with a pointer to each label that there is not."""
    final: dict[Head, tuple[Chosen, ...]] = {}
    places: list[tuple[str, str]] = []
    for head in HEADS:
        value = getattr(sent, head)
        if value is UNSET or value is None:
            continue
        many = isinstance(value, tuple)
        if head == "rubric" and many and len(value) > 1:
            places.append(("/final/rubric", "an article has one rubric"))
            continue
        chosen: dict[str, Chosen] = {}
        for number, one in enumerate(value if many else (value,)):
            try:
                found = _label(one, head, labels)
            except LookupError as error:
                places.append((f"/final/{head}/{number}" if many else f"/final/{head}", str(error.args[0])))
            else:
                chosen.setdefault(found.id, found)
        final[head] = tuple(chosen.values())
    if places:
        raise CorrectionError("unknown-label", "; ".join(dict.fromkeys(detail for _, detail in places)), places)
    return final


def _label(sent: LabelSent | str, head: Head, labels: Labels) -> Chosen:
    """A name that no model knows yet is a new label, under itself as its id; an id that there is not is a mistake."""
    id_, name = (sent, sent) if isinstance(sent, str) else (sent.id, sent.label)
    if id_ is not None and (label := labels.label(head, id_)) is not None:
        other = labels.id_of(head, name) if name is not None else None
        if other is not None and labels.label(head, other) != label:
            raise LookupError(f"the {KIND[head]} {id_[:64]} is «{label}», not «{str(name)[:64]}»: send one of the two")
        return Chosen(id_, label)
    if name is not None and (known := labels.id_of(head, name)) is not None:
        return Chosen(known, labels.label(head, known) or name)
    if name is not None and labels.is_retired(head, name):
        raise LookupError(f"the tag {name[:64]} is retired: bring it back first")
    if id_ is not None and (not isinstance(sent, str) or _looks_like_an_id(id_)):
        raise LookupError(f"there is no {KIND[head]} with the id {id_[:64]}")
    if name is None or not name.strip():
        raise LookupError("a label needs an id or a label")
    written = " ".join(name.split())
    return Chosen(written, written)


def _looks_like_an_id(sent: str) -> bool:
    """«no-such-tag», «RU-99», «c123»; not «Новый мост», «Wildberries»."""
    return sent.isascii() and " " not in sent and (sent.islower() or sent.isupper() or sent.isdigit())


class _ShownLabel(Struct, frozen=True):
    id: str
    label: str
    decision: str = "review"
    origin: str = "model"
    score: float = 0.0


class _Shown(Struct, frozen=True):
    """The labels of an annotation, as much of it as is needed here."""

    rubric: _ShownLabel | UnsetType | None = UNSET
    alternatives: tuple[Scored, ...] | UnsetType = UNSET
    regions: tuple[_ShownLabel, ...] | UnsetType = UNSET
    tags: tuple[_ShownLabel, ...] | UnsetType = UNSET
    model: ModelReference | None = None


def _shown(found: Found | None, article: Article | None, suggester: Suggester) -> _Shown:
    """What the editor was shown: the prediction, else what would be answered now."""
    if found is not None and found.answer is not None:
        answer = found.answer
    elif article is not None:
        answer = encode_annotation(suggester.annotate(article))
    else:
        return _Shown()
    return msgspec.json.decode(answer, type=_Shown)


def _scored(shown: _Shown) -> dict[Head, tuple[Scored, ...]]:
    found: dict[Head, tuple[Scored, ...]] = {}
    rubric = shown.rubric if isinstance(shown.rubric, _ShownLabel) else None
    if rubric is None or rubric.origin != "history":
        others = shown.alternatives if isinstance(shown.alternatives, tuple) else ()
        found["rubric"] = (*((Scored(rubric.id, rubric.label, rubric.score),) if rubric else ()), *others)[:SCORED]
    if isinstance(shown.tags, tuple):
        tags = [Scored(one.id, one.label, one.score) for one in shown.tags if one.origin != "history"]
        found["tags"] = tuple(tags[:SCORED])
    return {head: scored for head, scored in found.items() if scored}


def _compared(final: ByHead, shown: _Shown) -> dict[str, dict[Head, tuple[Chosen, ...]]]:
    """A place that is only told of, not chosen (`abstain`), was no suggestion: leaving it out rejects nothing."""
    accepted, added, rejected = {}, {}, {}
    for head, chosen in final.items():
        answer = getattr(shown, head)
        answered = (answer,) if isinstance(answer, _ShownLabel) else answer or ()
        names = {key for one in answered for key in (one.id, named(one.label))}
        kept = {key for one in chosen for key in (one.id, named(one.label))}
        accepted[head] = tuple(one for one in chosen if one.id in names or named(one.label) in names)
        added[head] = tuple(one for one in chosen if one not in accepted[head])
        gone = {
            one.id: Chosen(one.id, one.label)
            for one in answered
            if one.decision != "abstain" and one.id not in kept and named(one.label) not in kept
        }
        rejected[head] = tuple(gone.values())
    return {"accepted": accepted, "added": added, "rejected": rejected}
