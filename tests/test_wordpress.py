"""WordPress exports: what is an article in them, which of its categories is the rubric, and files that are bad."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from service.inference.text import read as read_text
from service.records import Rejects
from tests.sample_model import labelled_articles
from tests.wxr import HEAD, TAIL, export, item
from training.readers import Row
from training.readers.wordpress import WordPressError, read

POST = {"title": "Спартак & ЦСКА", "text": "Первый.\nВторой.", "published_at": "2025-01-10T06:55:00", "rubric": "Спорт"}


def rows_of(path: Path, content: bytes) -> tuple[list[Row], list[dict[str, object]]]:
    path.write_bytes(content)
    told: list[bytes] = []
    rows = list(read(path, Rejects(told.append)))
    return rows, [json.loads(line) for line in told]


def test_a_post_comes_with_its_category_tags_and_clean_text(tmp_path: Path) -> None:
    content = gzip.compress(export([POST | {"tags": ["ЦСКА", "дерби"]}]))
    [row], rejects = rows_of(tmp_path / "site.xml.gz", content)
    article = row.article
    assert (article.id, article.title, article.source, article.rubric) == ("1", POST["title"], "vesti.example", "Спорт")
    assert (article.tags, article.published_at) == (("ЦСКА", "дерби"), "2025-01-10 06:55:00")
    assert read_text(article).body.split() == ["Первый.", "Второй."]
    assert row.line == content_line(export([POST]), b"<item>")
    assert not rejects


def content_line(content: bytes, what: bytes) -> int:
    return next(number for number, line in enumerate(content.split(b"\n"), 1) if what in line)


def test_the_sample_corpus_comes_through_whole(tmp_path: Path) -> None:
    records = map(msgspec.structs.asdict, labelled_articles())
    rows, _ = rows_of(tmp_path / "site.xml", export(records))
    for row, article in zip(rows, labelled_articles(), strict=True):
        assert (row.article.rubric, row.article.tags) == (article.rubric, article.tags)
        assert read_text(row.article).body.split() == read_text(article).body.split()


def test_what_is_no_published_post_is_counted_by_its_kind(tmp_path: Path) -> None:
    more = [item(2, POST, "attachment", "inherit"), item(3, POST, "page"), item(4, POST, status="draft")]
    rows, rejects = rows_of(tmp_path / "site.xml", export([POST], "".join(more) + item(5, POST, "news")))
    assert [row.article.id for row in rows] == ["1", "5"]
    reasons = [row["reason"] for row in rejects]
    assert reasons == ["no article but a attachment", "no article but a page", "not published but draft"]


@pytest.mark.parametrize(
    ("categories", "meta", "rubric"),
    [
        (["Без рубрики"], "", None),
        (["Новости", "Спорт"], "", "Спорт"),  # «Новости» are on nearly all posts
        (["Новости"], "", "Новости"),
        (["Спорт", "Чемпионат"], "", "Спорт"),  # the more frequent one
        (["Чемпионат", "Спорт"], "_yoast_wpseo_primary_category=7", "Спорт"),
        (["Культура", "Спорт"], "rank_math_primary_category=7", "Спорт"),
        (["Культура"], "rank_math_primary_category=7", "Культура"),  # the main one was taken away later
    ],
)
def test_one_of_the_categories_is_the_rubric(
    tmp_path: Path, categories: list[str], meta: str, rubric: str | None
) -> None:
    others = [POST | {"categories": ["Новости", label]} for label in ("Спорт", "Спорт", "Культура", "Культура", "Мир")]
    key, _, value = meta.partition("=")
    field = f"<wp:postmeta><wp:meta_key>{key}</wp:meta_key><wp:meta_value>{value}</wp:meta_value></wp:postmeta>"
    rows, _ = rows_of(tmp_path / "site.xml", export(others, item(9, POST | {"categories": categories}, meta=field)))
    assert rows[-1].article.rubric == rubric


def test_control_characters_that_xml_forbids_are_left_out(tmp_path: Path) -> None:
    rows, rejects = rows_of(tmp_path / "site.xml", export([POST]).replace(b"\xd0\x9f\xd0\xb5\xd1\x80", b"\x08\x00", 1))
    assert len(rows) == 1 and not rejects


def test_what_stands_before_a_break_is_kept_and_the_break_told(tmp_path: Path) -> None:
    content = export([POST, POST])
    rows, [told] = rows_of(tmp_path / "site.xml", content[: content.rindex(b"<wp:post_date>")])
    assert [row.article.id for row in rows] == ["1"]
    assert str(told["reason"]).startswith("not XML from here on: ")


BOMB = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (HEAD.replace("<rss", BOMB + "<rss", 1) + item(1, POST | {"title": "&b;"}) + TAIL, "document type"),
        ("<html><p>Нет</p></html>", "no export of WordPress"),
        ("<html><p>Нет", "is not XML"),
        ("<?xml version='1.0'?>", "is not XML"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(WordPressError, match=why):
        rows_of(tmp_path / "site.xml", content.encode())
