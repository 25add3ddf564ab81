"""Bulk retagging of archives in S3, against a real server: read by ranges, seen when whole, resumed, taken back."""

import gzip
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from service.jobs import command, s3, s3_object
from service.jobs.job import all_jobs, prune
from service.jobs.location import AwayError, source_at
from service.jobs.plan import JobError, WrongUsageError
from tests.dask_cluster import cluster
from tests.retagging import Newsroom, archive, encoded, newsroom, sure, until  # noqa: F401 - fixtures
from tests.s3_server import Bucket, bucket, variables  # noqa: F401 - fixtures

pytestmark = pytest.mark.slow


def plain(count: int = 60) -> bytes:
    return b"".join(map(encoded, archive(count)))


def on_disk(newsroom: Newsroom, content: bytes, name: str = "in.jsonl", **asked: Any) -> bytes:
    """What is made of the same file on a disk."""
    (newsroom.folder / name).write_bytes(content)
    newsroom.retag(name, f"disk-{name}", **asked)
    return (newsroom.folder / f"disk-{name}").read_bytes()


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
def test_an_object_becomes_what_a_file_becomes(newsroom: Newsroom, bucket: Bucket, packed: str) -> None:
    packs: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}
    content = packs[packed](plain())
    source = bucket.put(f"2024/новости №1.jsonl{packed}", content)
    _, outcome = newsroom.retag(source, bucket.url(f"out/a.jsonl{packed}"), workers=2)
    assert (outcome.status, outcome.totals.articles) == ("done", 60)
    assert bucket.get(f"out/a.jsonl{packed}") == on_disk(newsroom, content, f"in.jsonl{packed}")
    assert bucket.get(f"2024/новости №1.jsonl{packed}") == content


def test_parquet_is_read_by_its_row_groups(newsroom: Newsroom, bucket: Bucket) -> None:
    rows = pa.Table.from_pylist([{**one, "views": i} for i, one in enumerate(archive())])
    pq.write_table(rows, newsroom.folder / "in.parquet", row_group_size=7)
    content = (newsroom.folder / "in.parquet").read_bytes()
    _, outcome = newsroom.retag(bucket.put("in.parquet", content), bucket.url("out.parquet"))
    assert outcome.status == "done"
    newsroom.retag("in.parquet", "out.parquet")
    assert bucket.get("out.parquet") == (newsroom.folder / "out.parquet").read_bytes()


def test_a_prefix_is_mirrored_and_disks_and_buckets_mix(newsroom: Newsroom, bucket: Bucket) -> None:
    for name in ("a.jsonl", "2024/b.jsonl.gz", "notes.txt", ".hidden.jsonl"):
        bucket.put(f"archive/{name}", gzip.compress(plain(20)) if name.endswith(".gz") else plain(20))
    bucket.put("archive/", b"")  # as consoles make folders
    bucket.put("archive-of-others/c.jsonl", plain(5))
    _, outcome = newsroom.retag(bucket.url("archive"), bucket.url("new"))
    assert outcome.totals.articles == 40
    assert [key for key in bucket.contents() if key.startswith("new")] == ["new/2024/b.jsonl.gz", "new/a.jsonl"]
    newsroom.retag(bucket.url("archive"), "here")
    assert (newsroom.folder / "here/a.jsonl").read_bytes() == bucket.get("new/a.jsonl")
    newsroom.retag("here", bucket.url("there"))
    assert len(bucket.get("there/a.jsonl").splitlines()) == 20


def test_in_place_it_is_taken_back_byte_for_byte_with_what_it_was_sent_with(newsroom: Newsroom, bucket: Bucket) -> None:
    about = {"ContentType": "application/x-ndjson", "CacheControl": "no-cache", "Metadata": {"desk": "sport"}}
    source = bucket.put("a.jsonl", plain(), **about)
    job, outcome = newsroom.retag(source, source)
    assert outcome.status == "done"
    assert b'"annotation":' in bucket.get("a.jsonl")
    for content in (None, plain()):  # replaced, and put back
        head = bucket.client.head_object(Bucket=bucket.name, Key="a.jsonl")
        assert {name: head[name] for name in about} == about
        if content is None:
            command.undo(newsroom.settings, job.id)
    assert bucket.get("a.jsonl") == plain()
    assert command.undo(newsroom.settings, job.id) == 1  # once more does no harm


def test_what_was_not_there_is_removed_and_what_was_changed_since_is_not_touched(
    newsroom: Newsroom, bucket: Bucket
) -> None:
    source = bucket.put("in/a.jsonl", plain())
    job, _ = newsroom.retag(source, bucket.url("out.jsonl"))
    command.undo(newsroom.settings, job.id)
    assert bucket.contents() == ["in/a.jsonl"]
    job, _ = newsroom.retag(source, bucket.url("out.jsonl"))
    bucket.put("out.jsonl", bucket.get("out.jsonl") + b"{}\n")
    with pytest.raises(JobError, match="has been changed since"):
        command.undo(newsroom.settings, job.id)
    assert prune(newsroom.settings, days=-1) == 2
    assert "out.jsonl" in bucket.contents()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_after_kill_9_resume_makes_the_same_bytes(newsroom: Newsroom, bucket: Bucket, workers: str) -> None:
    whole = on_disk(newsroom, plain(200))
    (newsroom.folder / "home").rename(newsroom.folder / "before")
    words = (bucket.put("in.jsonl", plain(200)), bucket.url("out.jsonl"), "--workers", workers)
    process = newsroom.started(*words)
    try:
        until(lambda: newsroom.finished_shards() >= 3, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    assert bucket.contents() == ["in.jsonl"]
    assert newsroom.started(*words, "--resume").wait(60) == 0, (newsroom.folder / "told").read_text()
    assert bucket.get("out.jsonl") == whole
    [job] = all_jobs(newsroom.settings)
    for path in job.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(bucket.environment[name].encode() in content for name in SECRETS), path


SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize("sent", [False, True])
def test_a_crash_while_the_result_is_sent_does_no_harm(
    newsroom: Newsroom, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, sent: bool
) -> None:
    class CrashError(Exception):
        pass

    put = s3_object.S3Object.put

    def crash(self: s3_object.S3Object, *where: Any) -> str:
        if sent:
            put(self, *where)
        raise CrashError

    bucket.put("out.jsonl", b'{"id": "earlier"}\n')
    source = bucket.put("in.jsonl", plain())
    monkeypatch.setattr(s3_object.S3Object, "put", crash)
    with pytest.raises(CrashError):
        newsroom.retag(source, bucket.url("out.jsonl"))
    monkeypatch.setattr(s3_object.S3Object, "put", put)
    job, outcome = newsroom.retag(source, bucket.url("out.jsonl"), resume=True)
    assert outcome.status == "done"
    assert bucket.get("out.jsonl") == on_disk(newsroom, plain())
    command.undo(newsroom.settings, job.id)
    assert bucket.get("out.jsonl") == b'{"id": "earlier"}\n'


def test_a_large_result_is_sent_in_parts_and_read_back_in_ranges(bucket: Bucket, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 21
    (tmp_path / "beside").write_bytes(content)
    target = s3_object.S3Object(bucket.url("large"))
    stamp = target.put(tmp_path / "beside", tmp_path / "kept", had=False)
    assert "-3" in stamp  # its tag tells of three parts
    with source_at(bucket.url("large")).open() as file:
        assert file.seek(-5, os.SEEK_END) == len(content) - 5
        assert (file.read(), file.read()) == (content[-5:], b"")
        file.seek(12_345_678)
        assert file.read(3_000_000) == content[12_345_678:15_345_678]
        assert file.tell() == 15_345_678
        file.seek(0)
        assert file.read() == content


def test_an_object_that_is_written_again_meanwhile_is_not_mixed(newsroom: Newsroom, bucket: Bucket) -> None:
    source = bucket.put("in.jsonl", plain(60))
    with source_at(source).open() as file:
        bucket.put("in.jsonl", plain(30))
        with pytest.raises(OSError, match="was written to while it was read"):
            file.read()
    job, outcome = newsroom.retag(source, bucket.url("out.jsonl"), max_change=0.0)
    bucket.put("in.jsonl", plain(60))
    again, outcome = newsroom.retag(source, bucket.url("out.jsonl"), resume=True)
    assert (again.id, outcome.status) == (job.id, "done")
    assert len(bucket.get("out.jsonl").splitlines()) == 60


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AWS_ACCESS_KEY_ID", "AKIANOBODY", "does not take the credentials"),
        ("AWS_SECRET_ACCESS_KEY", "wrong-secret", "does not take the credentials"),
        ("AWS_ACCESS_KEY_ID", None, "there are no credentials"),
        ("AWS_ENDPOINT_URL", "nobody", "S3 can't be reached"),
    ],
)
def test_who_is_not_let_in_is_told_what_to_do(
    newsroom: Newsroom, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, told: str
) -> None:
    source = bucket.put("in.jsonl", plain(5))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        if value == "nobody":
            value = f"http://127.0.0.1:{free.getsockname()[1]}"
        if value is None:
            monkeypatch.delenv("AWS_ACCESS_KEY_ID")
            monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        else:
            monkeypatch.setenv(variable, value)
        s3.client.cache_clear()
        with pytest.raises(AwayError, match=told) as refused:
            newsroom.retag(source, bucket.url("out.jsonl"))
    assert "AWS_" in str(refused.value)
    assert bucket.environment["AWS_SECRET_ACCESS_KEY"] not in str(refused.value)
    assert "wrong-secret" not in str(refused.value)
    assert all_jobs(newsroom.settings) == []


def test_a_missing_bucket_or_object_is_told_before_anything_is_done(newsroom: Newsroom, bucket: Bucket) -> None:
    source = bucket.put("in.jsonl", plain(5))
    with pytest.raises(AwayError, match="there is no bucket no-such-bucket"):
        newsroom.retag("s3://no-such-bucket/in.jsonl", "out.jsonl")
    with pytest.raises(AwayError, match="there is no bucket no-such-bucket"):
        newsroom.retag(source, "s3://no-such-bucket/out.jsonl")
    with pytest.raises(WrongUsageError, match=r"there is no s3://.*/nothing"):
        newsroom.retag(bucket.url("nothing"), "out")
    with pytest.raises(WrongUsageError, match="BUCKET/KEY"):
        newsroom.retag("s3://key:secret@bucket/in.jsonl", "out.jsonl")
    with pytest.raises(WrongUsageError, match="Parquet becomes Parquet"):
        newsroom.retag(source, bucket.url("out.parquet"))
    assert all_jobs(newsroom.settings) == []


def test_a_server_that_goes_away_stops_the_job_and_resume_goes_on(
    newsroom: Newsroom, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bucket.put("in.jsonl", plain(60))

    def away(*_: object) -> Any:
        raise AwayError("S3 can't be reached")

    monkeypatch.setattr(s3_object._Ranges, "_read", away)
    with pytest.raises(AwayError):
        newsroom.retag(source, bucket.url("out.jsonl"))
    monkeypatch.undo()
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    [job] = all_jobs(newsroom.settings)
    assert job.state.status == "failed"


def test_a_connection_that_breaks_is_made_again(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(5_000_000)
    read, calls = s3_object._Ranges._read, 0

    def breaking(self: Any, wanted: int) -> bytes:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise ConnectionError("reset")
        return read(self, wanted)

    monkeypatch.setattr(s3_object._Ranges, "_read", breaking)
    with source_at(bucket.put("a", content)).open() as file:
        assert file.read() == content


def test_a_cluster_reads_and_writes_buckets(newsroom: Newsroom, bucket: Bucket) -> None:
    source = bucket.put("in/a.jsonl", plain(200))
    for path in Path(newsroom.model).iterdir():
        bucket.put(f"models/sure/{path.name}", path.read_bytes())
    with cluster(newsroom.folder) as running:
        asked = ("--accept", "review", "--engine", "dask", "--scheduler", running.address)
        newsroom.model = bucket.url("models/sure")
        process = newsroom.started(source, bucket.url("out/"), *asked)
        assert process.wait(90) == 0, (newsroom.folder / "told").read_text()
    [job] = all_jobs(newsroom.settings)
    assert json.loads((job.folder / "plan.json").read_bytes())["digest"]
    newsroom.model = str(newsroom.settings.home / "cache" / "models" / job.plan.digest)
    assert bucket.get("out/a.jsonl") == on_disk(newsroom, plain(200), accept="review")


def test_an_object_whose_name_leads_upwards_is_written_nowhere(newsroom: Newsroom, bucket: Bucket) -> None:
    bucket.put("archive/a.jsonl", b'{"title": "a"}\n')
    bucket.put("archive/../../outside.jsonl", b'{"title": "a"}\n')
    with pytest.raises(WrongUsageError, match="lead out"):
        newsroom.retag(bucket.url("archive"), newsroom.folder / "a" / "b" / "out")
    assert list(newsroom.folder.rglob("outside.jsonl")) == []
