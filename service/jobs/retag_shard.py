"""One shard, read, annotated and written: the same for a process of this machine, a cluster and a job over HTTP.

A pure function of plan, shard, model and the editors' snapshot: made again, it writes the same bytes.
"""

import errno
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from service.annotate import Answer, Received, Refused, received
from service.fields import unknown_fields
from service.inference.annotator import UNUSABLE
from service.inference.article import Annotation, LabelledArticle, RequestWarning
from service.inference.beside import file_beside
from service.inference.labels import HEADS, Head
from service.jobs.change import Change, change, is_changed, unseen
from service.jobs.counts import Rejected, ShardCounts
from service.jobs.plan import Plan
from service.jobs.scope import within
from service.jobs.shards import PACKED, PARQUET, Shard
from service.jobs.standing import Standing, standing
from service.jobs.worker import Equipment, equipment
from service.lines import DamagedFileError, lines_between, write_lines
from service.records import RecordError, decode_labelled, encode_annotation

GROUP = 500  # articles to one call of the model
FULL = {errno.ENOSPC, errno.EDQUOT}
READ = frozenset({*HEADS, "annotation"})  # of a record, beside the fields of an article

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True):
    """A record on its way: what it was sent as, where it stands, and what it says of its labels."""

    line: int
    fields: dict[str, msgspec.Raw]
    record: LabelledArticle
    stands: Standing


class Decided(msgspec.Struct, frozen=True):
    """`change` and `annotation` are None of a record that is passed through as it is."""

    row: Row
    change: Change | None = None
    annotation: msgspec.Raw | None = None


def retag_shard(plan: Plan, shard: Shard, folder: Path) -> ShardCounts:
    """Writes the part and then its counts, both beside and renamed. What is wrong with this shard alone is told in
    `problem`; a full disk and a model that can't be loaded are raised, for they stop all."""
    counts = ShardCounts(file=shard.file, number=shard.number, weight=shard.weight)
    with_model = equipment(plan, folder)
    try:
        if shard.kind == "rows":
            from service.jobs.parquet import retag_groups

            part = retag_groups(plan, shard, folder, with_model, counts)
        else:
            part = _retag_lines(plan, shard, folder, with_model, counts)
    except (DamagedFileError, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        return ShardCounts(file=shard.file, number=shard.number, weight=shard.weight, problem=str(error))
    if part is not None:
        counts.size = part.stat().st_size
        with part.open("rb") as file:
            counts.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with file_beside(counts_file(folder, shard)) as file:
        file.write(msgspec.json.encode(counts))
    return counts


def part_file(folder: Path, shard: Shard) -> Path:
    """Its name ends as the output's does, and so it is packed."""
    ending = next((one for one in (*PACKED, PARQUET) if shard.output.endswith(one)), "")
    return folder / "parts" / f"{shard.name}{ending}"


def counts_file(folder: Path, shard: Shard) -> Path:
    return folder / "parts" / f"{shard.name}.json"


def counts_of(folder: Path, shard: Shard) -> ShardCounts | None:
    """None of a shard that has not been finished."""
    try:
        return msgspec.json.decode(counts_file(folder, shard).read_bytes(), type=ShardCounts)
    except FileNotFoundError:
        return None


def decided(
    plan: Plan, with_model: Equipment, rows: Sequence[Row | Rejected], counts: ShardCounts
) -> Iterator[Decided]:
    """In order; what can't be annotated is added to the rejected. Heavy on CPU."""
    asked = plan.asked
    is_within = within(asked.scope)
    looked_at: list[bool] = [
        isinstance(row, Row) and (is_within is None or is_within(row.record, row.stands)) for row in rows
    ]
    records: list[Received | Refused] = [
        received(row.stands.article, _warnings(row.fields))
        for row, wanted in zip(rows, looked_at, strict=True)
        if wanted and isinstance(row, Row)
    ]
    answers: Iterator[Answer] = iter(with_model.door.answer_received(with_model.model, records, with_model.options))
    for row, wanted in zip(rows, looked_at, strict=True):
        if isinstance(row, Rejected):
            counts.rejected.append(row)
            continue
        if not wanted:
            counts.articles += 1
            counts.passed += 1
            yield Decided(row)
            continue
        answer = next(answers)
        if not isinstance(answer, Annotation):
            counts.rejected.append(Rejected(row.line, f"it could not be annotated: {answer.error}"))
            continue
        counts.articles += 1
        counts.abstained += bool(UNUSABLE.intersection(answer.reasons))
        memory = with_model.editors.decided(row.record.id)
        found = change(answer, row.stands, memory, with_model.labels, asked.heads, asked.accept)
        changed = is_changed(found)
        counts.count(found, changed, row.record.published_at)
        if changed:
            counts.exemplify(found, row.line, row.record.id, row.record.title or "")
        yield Decided(row, found, _annotation(answer, found))


def _warnings(fields: Mapping[str, msgspec.Raw]) -> tuple[RequestWarning, ...]:
    """Of fields that nobody reads. What a labelled article has, and what retagging wrote before, is read here."""
    if READ.isdisjoint(fields):
        return unknown_fields(fields)
    return unknown_fields({name: raw for name, raw in fields.items() if name not in READ})


def row_of(plan: Plan, with_model: Equipment, number: int, line: bytes) -> Row | Rejected:
    try:
        record, fields = decode_labelled(line)
    except RecordError as error:
        return Rejected(number, str(error))
    memory = with_model.editors.decided(record.id)
    return Row(number, fields, record, standing(record, fields, memory, with_model.labels, plan.asked.labels_by))


def _retag_lines(plan: Plan, shard: Shard, folder: Path, with_model: Equipment, counts: ShardCounts) -> Path | None:
    asked = plan.asked
    part = None if asked.dry_run else part_file(folder, shard)
    refused: list[bytes] = []
    with nullcontext(_nowhere) if part is None else write_lines(part) as write:
        for group in _groups(lines_between(Path(shard.path), shard.start, shard.end), GROUP):
            lines = {number: line for number, line in enumerate(group, start=counts.lines + 1) if line.strip()}
            counts.lines += len(group)
            rows = [row_of(plan, with_model, number, line) for number, line in lines.items()]
            before = len(counts.rejected)
            for one in decided(plan, with_model, rows, counts):
                if asked.only_changes and (one.change is None or not is_changed(one.change)):
                    continue
                counts.written += 1
                write(lines[one.row.line] if one.change is None else _line(one, asked.heads))
            refused += (lines[one.line] for one in counts.rejected[before:])
    keep_refused(folder, shard, refused)
    return part


def keep_refused(folder: Path, shard: Shard, lines: Sequence[bytes]) -> None:
    """As they came, to be mended and sent again."""
    if lines:
        with file_beside(refused_file(folder, shard)) as file:
            file.writelines(line + b"\n" for line in lines)


def refused_file(folder: Path, shard: Shard) -> Path:
    return folder / "parts" / f"{shard.name}.refused"


def _line(one: Decided, heads: Sequence[Head]) -> bytes:
    """Fields that are not ours keep their bytes and their place."""
    assert one.change is not None
    fields: dict[str, object] = dict(one.row.fields)
    for head in heads:
        after = one.change[head].after
        if after is None and head in fields:
            continue
        labels = one.row.stands.labels[head] if after is None else after
        fields[head] = labels if head != "rubric" else labels[0] if labels else None
    fields["annotation"] = one.annotation
    return msgspec.json.encode(fields)


def _annotation(answer: Annotation, change: Change) -> msgspec.Raw:
    encoded = encode_annotation(answer)
    return msgspec.Raw(b'%b,"unseen":%b}' % (encoded[:-1], msgspec.json.encode(unseen(change))))


def _nowhere(line: bytes) -> None:
    """A dry run writes nothing."""


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
