"""JSON lines in shards of bytes: fields that are not ours keep their bytes and their place."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from service.inference.labels import Head
from service.jobs.counts import Rejected, ShardCounts
from service.jobs.deciding import GROUP, Decided, decided
from service.jobs.location import source_at
from service.jobs.plan import Plan
from service.jobs.shards import Shard
from service.jobs.worker import Equipment
from service.lines import lines_between, write_lines

T = TypeVar("T")


def retag_lines(plan: Plan, shard: Shard, with_model: Equipment, counts: ShardCounts, part: Path | None) -> list[bytes]:
    """What retag_shard does with lines; returns those that can't be used. Heavy on CPU."""
    asked = plan.asked
    refused: list[bytes] = []
    with (
        source_at(shard.path).open() as file,
        nullcontext(nowhere) if part is None else write_lines(part) as write,
    ):
        for group in _groups(lines_between(file, shard.path, shard.start, shard.end), GROUP):
            lines = {number: line for number, line in enumerate(group, start=counts.lines + 1) if line.strip()}
            counts.lines += len(group)
            for one in decided(plan, with_model, lines, counts):
                if isinstance(one, Rejected):
                    refused.append(lines[one.line])
                    if not asked.is_in_place:
                        continue
                elif asked.only_changes and not one.is_changed:
                    continue
                counts.written += 1
                write(lines[one.line] if isinstance(one, Rejected) or one.change is None else _line(one, asked.heads))
    return refused


def _line(one: Decided, heads: Sequence[Head]) -> bytes:
    assert one.change is not None
    fields: dict[str, object] = dict(one.row.fields)
    for head in heads:
        if one.change[head].after is not None or head not in fields:
            fields[head] = labels_after(one, head)
    fields["annotation"] = one.annotation
    return msgspec.json.encode(fields)


def labels_after(one: Decided, head: Head) -> object:
    """The labels that the record has now, as its field has them."""
    after = None if one.change is None else one.change[head].after
    labels = one.row.stands.labels[head] if after is None else after
    return labels if head != "rubric" else labels[0] if labels else None


def nowhere(line: bytes) -> None:
    """A dry run writes nothing."""


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group
