"""One shard, read, annotated and written: the same for a process of this machine, a cluster and a job over HTTP.

A pure function of plan, shard, model and the editors' snapshot: made again, it writes the same bytes.
"""

import errno
import hashlib
from pathlib import Path

import msgspec

from service.inference.beside import file_beside
from service.jobs.counts import ShardCounts
from service.jobs.json_lines import retag_lines
from service.jobs.location import AwayError
from service.jobs.plan import Plan
from service.jobs.shards import PACKED, PARQUET, Shard
from service.jobs.worker import equipment
from service.lines import DamagedFileError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def retag_shard(plan: Plan, shard: Shard, folder: Path) -> ShardCounts:
    """Writes the part and then its counts, both beside and renamed. What is wrong with this shard alone is told in
    `problem`; a full disk, a server that is away and a model that can't be loaded are raised, for they stop all."""
    counts = ShardCounts(file=shard.file, number=shard.number, weight=shard.weight)
    with_model = equipment(plan, folder)
    part = None if plan.asked.dry_run else part_file(folder, shard)
    try:
        if shard.kind == "rows":
            from service.jobs.parquet import retag_groups as retag
        elif shard.kind == "table":
            from service.jobs.sql_rows import retag_rows as retag
        else:
            retag = retag_lines
        refused = retag(plan, shard, with_model, counts, part)
    except (DamagedFileError, OSError) as error:
        if isinstance(error, AwayError) or (isinstance(error, OSError) and error.errno in FULL):
            raise
        return ShardCounts(file=shard.file, number=shard.number, weight=shard.weight, problem=str(error))
    if refused:  # as they came, to be mended and sent again
        with file_beside(refused_file(folder, shard)) as file:
            file.writelines(line + b"\n" for line in refused)
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


def refused_file(folder: Path, shard: Shard) -> Path:
    return folder / "parts" / f"{shard.name}.refused"
