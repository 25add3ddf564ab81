"""The format of an archive is told by its first lines."""

from pathlib import Path

import pytest

from tests.wxr import export
from training.readers.detect import UnknownFormatError, detect

LENTA = "url,title,text,topic,tags,date\nhttps://lenta.ru/news/2018/12/14/a/,А,Б,Спорт,Все,2018/12/14\n"


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        ('\n{"title": "А", "rubric": "Б"}\n', "records"),
        (LENTA, "lenta_csv"),
        (LENTA.replace("lenta.ru", "vesti.example"), "csv"),
        ("Заголовок;Текст;Рубрика\nА;Б;В\n", "csv"),
        (export([]).decode(), "wordpress"),
    ],
)
def test_the_format_is_told_by_the_first_lines(tmp_path: Path, content: str, format_: str) -> None:
    (tmp_path / "archive.txt").write_text(content, "utf-8")
    assert detect(tmp_path / "archive.txt") == format_


@pytest.mark.parametrize(
    ("content", "why"), [("", "empty"), (" \n", "empty"), ("[1]", "jq"), ("Просто текст", "neither JSON lines")]
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "archive.csv").write_text(content, "utf-8")
    with pytest.raises(UnknownFormatError, match=why):
        detect(tmp_path / "archive.csv")
