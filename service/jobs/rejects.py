"""Records that could not be used: why, with the lines of their files; and as they came, to be mended and sent again."""

import shutil
from collections.abc import Sequence

import msgspec

from service.inference.beside import file_beside
from service.jobs.job import Job
from service.jobs.retag_shard import counts_of, refused_file
from service.jobs.shards import Cut


def write_rejects(job: Job, cuts: Sequence[Cut]) -> None:
    """Of the whole job, as far as it has come."""
    with file_beside(job.rejects) as file, file_beside(job.rejected) as records:
        for cut in cuts:
            before = 0
            for shard in cut.shards:
                counts = counts_of(job.folder, shard)
                if counts is None:
                    break  # of the shards behind it the lines are not known
                for one in counts.rejected:
                    rejected = {"file": cut.input, "line": before + one.line, "reason": one.reason}
                    file.write(msgspec.json.encode(rejected) + b"\n")
                if counts.rejected:
                    with refused_file(job.folder, shard).open("rb") as refused:
                        shutil.copyfileobj(refused, records)
                before += counts.lines
