"""Records of an archive in groups: read, annotated through the one door, and what becomes of their labels."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from service.annotate import Answer, Received, Refused, received
from service.fields import unknown_fields
from service.inference.annotator import UNUSABLE
from service.inference.article import Annotation, LabelledArticle, RequestWarning
from service.inference.labels import HEADS
from service.jobs.change import Change, change, is_changed, unseen
from service.jobs.counts import Rejected, ShardCounts
from service.jobs.plan import Plan
from service.jobs.scope import within
from service.jobs.standing import Standing, standing
from service.jobs.worker import Equipment
from service.records import RecordError, decode_labelled, encode_annotation
from service.sources import NOT_CALIBRATED

GROUP = 500  # articles to one call of the model
READ = frozenset({*HEADS, "annotation"})  # of a record, beside the fields of an article


class Row(msgspec.Struct, frozen=True):
    """A record on its way: what it was sent as, and where it stands."""

    line: int
    fields: dict[str, msgspec.Raw]
    record: LabelledArticle
    stands: Standing


class Decided(msgspec.Struct, frozen=True):
    """`change` and `annotation` are None of a record that is passed through as it is."""

    row: Row
    change: Change | None = None
    annotation: msgspec.Raw | None = None

    @property
    def line(self) -> int:
        return self.row.line

    @property
    def is_changed(self) -> bool:
        return self.change is not None and is_changed(self.change)


def decided(
    plan: Plan, with_model: Equipment, lines: Mapping[int, bytes], counts: ShardCounts
) -> Iterator[Decided | Rejected]:
    """Of each line, by its number, in order; counted. Heavy on CPU."""
    asked = plan.asked
    is_within = within(asked.scope)
    rows = [_row(plan, with_model, number, line) for number, line in lines.items()]
    wanted = [isinstance(row, Row) and (is_within is None or is_within(row.record, row.stands)) for row in rows]
    answers = iter(_answers(with_model, [row for row, one in zip(rows, wanted, strict=True) if one]))  # type: ignore[misc]
    for row, one in zip(rows, wanted, strict=True):
        answer = next(answers) if one else None
        if isinstance(row, Row) and isinstance(answer, Refused):
            row = Rejected(row.line, f"it could not be annotated: {answer.error}")  # noqa: PLW2901
        if isinstance(row, Rejected):
            counts.rejected.append(row)
            yield row
            continue
        counts.articles += 1
        if not isinstance(answer, Annotation):
            counts.passed += 1
            yield Decided(row)
            continue
        counts.abstained += not UNUSABLE.isdisjoint(answer.reasons)
        counts.uncalibrated += NOT_CALIBRATED in answer.reasons
        memory = with_model.editors.decided(row.record.id)
        found = change(answer, row.stands, memory, with_model.labels, asked.heads, asked.accept)
        changed = is_changed(found)
        counts.count(found, changed, row.record.published_at)
        if changed:
            counts.exemplify(found, row.line, row.record.id, row.record.title or "")
        yield Decided(row, found, _annotation(answer, found))


def _row(plan: Plan, with_model: Equipment, number: int, line: bytes) -> Row | Rejected:
    try:
        record, fields = decode_labelled(line)
    except RecordError as error:
        return Rejected(number, str(error))
    memory = with_model.editors.decided(record.id)
    return Row(number, fields, record, standing(record, fields, memory, with_model.labels, plan.asked.labels_by))


def _answers(with_model: Equipment, rows: Sequence[Row]) -> Sequence[Answer]:
    records: list[Received | Refused] = [received(row.stands.article, _warnings(row.fields)) for row in rows]
    return with_model.door.answer_received(with_model.model, records, with_model.options)


def _warnings(fields: Mapping[str, msgspec.Raw]) -> tuple[RequestWarning, ...]:
    """Of fields that nobody reads. What a labelled article has, and what retagging wrote before, is read here."""
    if READ.isdisjoint(fields):
        return unknown_fields(fields)
    return unknown_fields({name: raw for name, raw in fields.items() if name not in READ})


def _annotation(answer: Annotation, change: Change) -> msgspec.Raw:
    encoded = encode_annotation(answer)
    return msgspec.Raw(b'%b,"unseen":%b}' % (encoded[:-1], msgspec.json.encode(unseen(change))))
