import gzip
import json
from pathlib import Path

import pytest

from service.records import Rejects
from training.config import Corpus
from training.readers import Row, read
from training.readers.csv import LONGEST_CELL, TableError, iso_date, split_labels

HEADER = "id;Заголовок;Текст;Рубрика;Теги;Дата;Автор"


def rows_of(path: Path, content: bytes, **options: str) -> tuple[list[Row], list[dict[str, object]]]:
    path.write_bytes(content)
    told: list[bytes] = []
    rows = list(read(Corpus(path=path, **options), Rejects(told.append)))  # type: ignore[arg-type]
    return rows, [json.loads(line) for line in told]


def test_records_come_with_their_labels_and_extra(tmp_path: Path) -> None:
    record = {"id": "1", "title": "А", "rubric": "Мир", "tags": ["б", "в"], "regions": None, "extra": {"sub": ["х"]}}
    content = b"\xef\xbb\xbf" + json.dumps(record).encode() + b"\r\n\r\n" + b'{"title": "B", "rubric": null}\r\n'
    rows, rejects = rows_of(tmp_path / "a.jsonl.gz", gzip.compress(content))
    assert [(row.line, row.article.title, row.article.rubric) for row in rows] == [(1, "А", "Мир"), (3, "B", None)]
    assert (rows[0].article.tags, rows[0].article.regions, rows[0].extra) == (("б", "в"), (), {"sub": ["х"]})
    assert not rejects


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{oops", "not JSON"),
        (b'{"rubric": "A"}', "title, text or body_html"),
        (b'{"title": "A", "tags": "a,b"}', "/tags: tags must be an array, not a string"),
        (b'{"title": "A", "tags": ["a", 1]}', "/tags/1: an item of tags must be a string, not a number"),
        (b'{"title": "A", "rubric": 3}', "/rubric: rubric must be a string, not a number"),
        (b'{"title": 1}', "/title"),
        (b'{"title": "\xff"}', "not UTF-8"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_and_the_next_is_read(tmp_path: Path, line: bytes, reason: str) -> None:
    rows, rejects = rows_of(tmp_path / "a.jsonl", b'\n{"title": "A"}\n' + line + b'\n{"title": "B"}\n')
    assert [row.article.title for row in rows] == ["A", "B"]
    [reject] = rejects
    assert reject["line"] == 3
    assert reason in str(reject["reason"])


def test_fields_that_are_not_read_come_with_what_was_meant(tmp_path: Path) -> None:
    record = {"title": "А", "section": "Мир", "rubrics": ["Мир"], "views": 3, "entities": [], "current": {"tag": []}}
    [row], _ = rows_of(tmp_path / "a.jsonl", json.dumps(record | {"tags": ["б"]}).encode())
    assert row.unread == (("section", "rubric"), ("rubrics", "rubric"), ("views", None))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = HEADER + '\r\n7;Пожар;"Сгорел «склад».\r\n\r\nВторой абзац";Происшествия;пожар|МЧС;2023-01-05;Иванов\r\n'
    rows, rejects = rows_of(tmp_path / "a.csv", text.replace(";", delimiter).encode(encoding))
    assert not rejects
    [row] = rows
    assert (row.line, row.article.id, row.article.title) == (2, "7", "Пожар")
    assert row.article.text == "Сгорел «склад».\n\nВторой абзац"
    assert (row.article.rubric, row.article.tags) == ("Происшествия", ("пожар", "МЧС"))
    assert (row.article.published_at, row.extra) == ("2023-01-05", {"Автор": "Иванов"})


def test_a_bad_table_row_is_rejected_by_the_line_it_starts_on(tmp_path: Path) -> None:
    text = 'title,text,rubric\nA,"two\nlines",x\nB,short\n,,x\nC,t,y\n"D,never closed,z\n'
    rows, rejects = rows_of(tmp_path / "a.csv", text.encode())
    assert [(row.line, row.article.title) for row in rows] == [(2, "A"), (6, "C")]
    assert [reject["line"] for reject in rejects] == [4, 5, 7]
    assert "2 cells under 3 columns" in str(rejects[0]["reason"])
    assert "not CSV" in str(rejects[2]["reason"])


def test_a_cell_may_hold_a_long_read(tmp_path: Path) -> None:
    rows, _ = rows_of(tmp_path / "a.csv", b"title,text\nA," + b"x" * 200_000 + b"\n")
    assert len(rows[0].article.text or "") == 200_000


def test_a_table_without_known_columns_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="name them id, title"):
        rows_of(tmp_path / "a.csv", b"foo,bar\n1,2\n")
    with pytest.raises(TableError):
        rows_of(tmp_path / "b.csv", b"")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("", []),
        ("пожар", ["пожар"]),
        ("пожар, МЧС", ["пожар", "МЧС"]),
        ("Москва, Кремль; МЧС", ["Москва, Кремль", "МЧС"]),
        ("а|б;в|", ["а", "б;в"]),
    ],
)
def test_labels_in_one_cell_are_parted(cell: str, labels: list[str]) -> None:
    assert split_labels(cell) == labels


def test_the_lenta_archive_gives_dates_by_address_and_no_tags(tmp_path: Path) -> None:
    text = (
        "url,title,text,topic,tags,date\n"
        "https://lenta.ru/news/2018/12/14/cancer/,А,Текст,Россия,Общество,\n"
        "https://lenta.ru/x/,Б,Текст,Мир,Все,1914/09/16\n"
        "https://lenta.ru/y/,,,Мир,Все,\n"
    )
    rows, rejects = rows_of(tmp_path / "lenta.csv", text.encode(), format="lenta_csv")
    assert [(row.article.rubric, row.article.published_at, row.extra["subrubrics"]) for row in rows] == [
        ("Россия", "2018-12-14", ["Общество"]),
        ("Мир", "1914-09-16", []),
    ]
    assert all(row.article.source == "lenta.ru" and not row.article.tags for row in rows)
    assert [reject["line"] for reject in rejects] == [4]


@pytest.mark.parametrize(
    "content", [b"title,text\rA,t\rB,t\r", b"title,text," + b"x" * (LONGEST_CELL + 1) + b"\nA,t,x\n"]
)
def test_a_header_that_is_none_says_why(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TableError, match="no header of a table"):
        rows_of(tmp_path / "a.csv", content)


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("14.12.2018", "2018-12-14"),
        ("1.2.2018 10:15", "2018-02-01"),
        ("2018/12/14", "2018-12-14"),
        ("2018-12-14T10:15:00+03:00", "2018-12-14T10:15:00+03:00"),
        ("вчера", "вчера"),
    ],
)
def test_dates_of_spreadsheets_become_iso_dates(cell: str, date: str) -> None:
    assert iso_date(cell) == date
