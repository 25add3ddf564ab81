"""Bulk retagging of Parquet: its schema and its columns are kept, `annotation` is added."""

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.jobs.plan import JobError
from tests.retagging import Newsroom, archive, newsroom, sure  # noqa: F401 - fixtures
from tests.sure_model import SOURCE

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("title", pa.large_string()),
        pa.field("text", pa.string(), metadata={"cms": "body"}),
        pa.field("published_at", pa.timestamp("ms")),
        pa.field("source", pa.dictionary(pa.int8(), pa.string())),
        pa.field("tags", pa.list_(pa.large_string())),
        pa.field("views", pa.decimal128(10, 2)),
        pa.field("photos", pa.list_(pa.struct([("url", pa.string()), ("width", pa.uint16())]))),
    ],
    metadata={"made by": "the CMS"},
)


def row(number: int, article: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "title": article["title"],
        "text": article["text"],
        "published_at": datetime.datetime(2025, 1, 2, 3, 4, 5),
        "source": SOURCE,
        "tags": ["Наш тег"] if number % 2 else None,
        "views": number,
        "photos": [{"url": "a.jpg", "width": number}] if number % 3 else None,
    }


def table(count: int = 60) -> Any:
    return pa.Table.from_pylist([row(i, one) for i, one in enumerate(archive(count))], SCHEMA)


def write(path: Path, content: Any, rows: int = 7) -> Path:
    pq.write_table(content, path, row_group_size=rows, compression="gzip")
    return path


def test_columns_are_carried_through_and_annotation_is_added(newsroom: Newsroom) -> None:
    source = write(newsroom.folder / "in.parquet", table())
    job, outcome = newsroom.retag(source, "out.parquet", workers=2)
    assert outcome.status == "done"
    file = pq.ParquetFile(newsroom.folder / "out.parquet")
    found = file.read()
    assert list(found.schema)[: len(SCHEMA)] == list(SCHEMA)
    assert found.schema.names[len(SCHEMA) :] == ["regions", "annotation"]
    assert found.schema.metadata == SCHEMA.metadata
    assert file.metadata.row_group(0).column(0).compression == "GZIP"
    others = [name for name in SCHEMA.names if name != "tags"]
    assert found.select(others).equals(table().select(others))
    annotations = [json.loads(one) for one in found["annotation"].to_pylist()]
    assert [one["id"] for one in annotations] == [str(i) for i in range(60)]
    assert {warning["pointer"] for one in annotations for warning in one["warnings"]} == {"/views", "/photos"}
    for had, tags, annotation in zip(table()["tags"].to_pylist(), found["tags"].to_pylist(), annotations, strict=True):
        auto = [one["label"] for one in annotation["tags"] if one["decision"] == "auto"]
        assert tags == [*(had or []), *auto]
    assert job.state.counts["articles"] == 60


def test_it_decides_as_for_lines(newsroom: Newsroom) -> None:
    newsroom.retag(write(newsroom.folder / "in.parquet", table()), "out.parquet")
    lines = [
        {**one, "id": str(i), "published_at": "2025-01-02T03:04:05", "tags": ["Наш тег"] if i % 2 else []}
        for i, one in enumerate(archive())
    ]
    newsroom.retag(newsroom.file("in.jsonl", lines))
    found = pq.read_table(newsroom.folder / "out.parquet").to_pylist()
    for rows, line in zip(found, newsroom.read(), strict=True):
        own = json.loads(rows["annotation"])
        assert (rows["tags"] or [], rows["regions"]) == (line["tags"], line["regions"])
        assert {**own, "warnings": []} == line["annotation"]


def test_rows_that_can_not_be_used_and_rows_that_do_not_change(newsroom: Newsroom) -> None:
    rows = table().to_pylist()
    rows[8] |= {"title": None, "text": None}
    rows[30] |= {"title": "English headline", "text": "The quick brown fox jumps over the lazy dog."}
    source = write(newsroom.folder / "in.parquet", pa.Table.from_pylist(rows, SCHEMA))
    job, outcome = newsroom.retag(source, "out.parquet", only_changes=True)
    [rejected] = [json.loads(line) for line in job.rejects.read_bytes().splitlines()]
    assert rejected["line"] == 9
    assert "title, text or body_html" in rejected["reason"]
    ids = pq.read_table(newsroom.folder / "out.parquet")["id"].to_pylist()
    assert ids == [i for i in range(60) if i not in (8, 30)]
    assert outcome.totals.written == 58


def test_in_place_no_row_is_lost(newsroom: Newsroom) -> None:
    rows = table().to_pylist()
    rows[8] |= {"title": None, "text": None}
    source = write(newsroom.folder / "in.parquet", pa.Table.from_pylist(rows, SCHEMA))
    newsroom.retag(source, "in.parquet")
    found = pq.read_table(source).to_pylist()
    assert [row["id"] for row in found] == list(range(60))
    assert [i for i, row in enumerate(found) if row["annotation"] is None] == [8]


def test_a_broken_row_group_is_told_and_resume_goes_on_when_it_is_mended(newsroom: Newsroom) -> None:
    source = write(newsroom.folder / "in.parquet", table())
    newsroom.retag(source, "whole.parquet")
    content = source.read_bytes()
    group = pq.ParquetFile(source).metadata.row_group(4).column(2)
    at = group.dictionary_page_offset or group.data_page_offset
    source.write_bytes(
        content[:at] + b"\xff" * group.total_compressed_size + content[at + group.total_compressed_size :]
    )
    job, outcome = newsroom.retag(source, "out.parquet")
    assert outcome.status == "broken"
    assert "is damaged" in outcome.problems[0]
    assert not (newsroom.folder / "out.parquet").exists()
    assert outcome.totals.articles > 30
    source.write_bytes(content)
    again, outcome = newsroom.retag(source, "out.parquet", resume=True)
    assert (again.id, outcome.status) == (job.id, "done")
    assert (newsroom.folder / "out.parquet").read_bytes() == (newsroom.folder / "whole.parquet").read_bytes()


def test_retagging_again_in_place_adds_no_second_annotation(newsroom: Newsroom) -> None:
    source = write(newsroom.folder / "in.parquet", table())
    newsroom.retag(source, "in.parquet")
    first = pq.read_table(source)
    job, outcome = newsroom.retag(source, "in.parquet")
    assert outcome.totals.changed == 0
    assert pq.read_table(source).equals(first)
    assert job.state.status == "done"


@pytest.mark.parametrize(("name", "kind"), [("tags", pa.string()), ("annotation", pa.int32())])
def test_a_column_of_another_type_is_refused(newsroom: Newsroom, name: str, kind: Any) -> None:
    rows = pa.Table.from_pylist([{"id": "1", "text": "Матч"}]).append_column(name, pa.nulls(1, kind))
    with pytest.raises(JobError, match=f"column {name}"):
        newsroom.retag(write(newsroom.folder / "in.parquet", rows), "out.parquet")


def test_without_pyarrow_it_says_what_to_install(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(newsroom.folder / "in.parquet", table(3))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(JobError, match=r"pip install 'rubricator\[parquet\]'"):
        newsroom.retag(source, "out.parquet")
