"""Parquet in shards of row groups: the schema and all columns are kept, `annotation` is added as JSON."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from service.inference.article import LabelledArticle
from service.inference.beside import file_beside
from service.inference.labels import HEADS
from service.jobs.counts import Rejected, ShardCounts
from service.jobs.deciding import GROUP, Decided, decided
from service.jobs.location import source_at
from service.jobs.plan import JobError, Plan
from service.jobs.shards import Shard
from service.jobs.worker import Equipment
from service.lines import DamagedFileError

ROWS = 4_000  # of a row group that is written
LISTS = ("regions", "tags")
READ = frozenset({*LabelledArticle.__struct_fields__, "annotation"})


def groups(name: str, shard_bytes: int) -> Iterator[tuple[int, int, int]]:
    """Stretches of row groups with their bytes. Raises DamagedFileError, JobError."""
    with _file(name) as file:
        _check(name, file.schema_arrow)
        start = weight = 0
        for number in range(file.num_row_groups):
            weight += file.metadata.row_group(number).total_byte_size
            if weight >= shard_bytes or number == file.num_row_groups - 1:
                yield start, number + 1, weight
                start, weight = number + 1, 0


def retag_groups(
    plan: Plan, shard: Shard, with_model: Equipment, counts: ShardCounts, part: Path | None
) -> list[bytes]:
    """What retag_shard does with row groups; returns the rows that can't be used, as JSON. Heavy on CPU."""
    import pyarrow.parquet as pq

    refused: list[bytes] = []
    with _file(shard.path) as file:
        schema = _schema(file.schema_arrow, plan)
        tables = _tables(plan, shard, with_model, counts, file, schema, refused)
        if part is None:
            for _ in tables:
                pass
        else:
            with file_beside(part) as beside, pq.ParquetWriter(beside, schema, compression=_codec(file)) as writer:
                for table in tables:
                    writer.write_table(table)
    return refused


def join(parts: Sequence[Path], source: str, plan: Plan, file: Any) -> None:
    """One file of all parts, a row group at a time. Reads and writes the disk."""
    import pyarrow.parquet as pq

    with _file(source) as first:
        schema, codec = _schema(first.schema_arrow, plan), _codec(first)
    with pq.ParquetWriter(file, schema, compression=codec) as writer:
        for part in parts:
            with _file(str(part)) as opened:
                for group in range(opened.num_row_groups):
                    writer.write_table(opened.read_row_group(group))


def _tables(
    plan: Plan, shard: Shard, with_model: Equipment, counts: ShardCounts, file: Any, schema: Any, refused: list[bytes]
) -> Iterator[Any]:
    import pyarrow as pa

    waiting: list[Any] = []
    for batch in file.iter_batches(batch_size=GROUP, row_groups=range(shard.start, shard.end)):
        first = counts.lines + 1
        lines = dict(enumerate(map(_line, _known(batch)), start=first))
        counts.lines += len(lines)
        kept: list[Decided | Rejected] = []
        for one in decided(plan, with_model, lines, counts):
            if isinstance(one, Rejected):
                refused.append(lines[one.line])
                if plan.asked.is_in_place:
                    kept.append(one)
            elif one.is_changed or not plan.asked.only_changes:
                kept.append(one)
        counts.written += len(kept)
        waiting.append(_batch(batch, kept, first, schema))
        if sum(map(len, waiting)) >= ROWS:
            yield pa.Table.from_batches(waiting, schema)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting, schema)


def _batch(batch: Any, kept: Sequence[Decided | Rejected], first: int, schema: Any) -> Any:
    import pyarrow as pa

    if len(kept) < len(batch):
        batch = batch.take(pa.array([one.line - first for one in kept], pa.int64()))
    columns = []
    for field in schema:
        if field.name == "annotation":
            texts = [
                bytes(one.annotation).decode() if isinstance(one, Decided) and one.annotation else None for one in kept
            ]
            columns.append(pa.array(texts, field.type))
        elif field.name in HEADS:
            own = batch.column(field.name).to_pylist() if field.name in batch.schema.names else [None] * len(batch)
            columns.append(
                pa.array([_labels(one, field.name, had) for one, had in zip(kept, own, strict=True)], field.type)
            )
        else:
            columns.append(batch.column(field.name))
    return pa.record_batch(columns, schema=schema)


def _annotation(one: Decided | Rejected) -> str | None:
    return None if isinstance(one, Rejected) or one.annotation is None else bytes(one.annotation).decode()


def _labels(one: Decided | Rejected, head: Any, had: Any) -> Any:
    """As it was, where nothing changed."""
    if isinstance(one, Rejected) or one.change is None:
        return had
    after = one.change[head].after
    if after is None:
        return list(one.row.stands.labels[head]) if had is None and head != "rubric" else had
    return list(after) if head != "rubric" else after[0]


def _known(batch: Any) -> Iterator[dict[str, Any]]:
    """What is read of each row; the names of all columns, for some may be meant for others."""
    others = dict.fromkeys(name for name in batch.schema.names if name not in READ)
    for row in batch.select([name for name in batch.schema.names if name in READ]).to_pylist():
        yield others | row


def _line(row: dict[str, Any]) -> bytes:
    """As a line of JSON would have it. Numbers are taken for ids."""
    if isinstance(row.get("id"), int):
        row["id"] = str(row["id"])
    earlier = row.pop("annotation", None)
    if isinstance(earlier, str):
        with suppress(msgspec.DecodeError):
            row["annotation"] = msgspec.json.decode(earlier.encode())
    return msgspec.json.encode(row, enc_hook=str)


def _schema(schema: Any, plan: Plan) -> Any:
    import pyarrow as pa

    for head in plan.asked.heads:
        if head not in schema.names:
            schema = schema.append(pa.field(head, pa.string() if head == "rubric" else pa.list_(pa.string())))
    if "annotation" not in schema.names:
        schema = schema.append(pa.field("annotation", pa.string()))
    return schema


def _check(name: str, schema: Any) -> None:
    import pyarrow as pa

    for column in (*LISTS, "annotation"):
        if column in schema.names:
            kind = schema.field(column).type
            of_lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
            if column in LISTS and not (of_lists and _is_text(kind.value_type)):
                raise JobError(f"{name}: the column {column} is {kind}, it has to be a list of strings")
            if column == "annotation" and not _is_text(kind):
                raise JobError(f"{name}: there is a column annotation already, and it is {kind}: rename it")


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _codec(file: Any) -> str:
    """How the file is compressed, by its first column."""
    if not file.num_row_groups or not file.metadata.num_columns:
        return "NONE"
    codec = str(file.metadata.row_group(0).column(0).compression)
    return "NONE" if codec == "UNCOMPRESSED" else codec


@contextmanager
def _file(name: str) -> Iterator[Any]:
    """Damage, wherever it is met, is told as such."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise JobError(f"Parquet needs pyarrow ({error}): pip install 'rubricator[parquet]'") from error
    try:
        with source_at(name).open() as opened, pq.ParquetFile(opened, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, EOFError) as error:
        raise DamagedFileError(f"{name} is damaged: {' '.join(str(error).split())}. Write it again") from error
    except OSError as error:
        if error.errno is None and type(error) is OSError:  # Arrow's own: «Corrupt snappy compressed data»
            raise DamagedFileError(f"{name} is damaged: {' '.join(str(error).split())}. Write it again") from error
        raise
