"""The page stands alone, says what the evaluation says, and trusts no text."""

import re
from html.parser import HTMLParser

import pytest
from msgspec import structs

from service.inference.article import LabelledArticle
from tests import newsroom
from training.evaluate import evaluate
from training.evaluation import Evaluation, Word, WorstError
from training.report import render

VOID = {"meta", "link", "br", "img", "hr", "input"}
EVIL = "<script>alert('я')</script>"


class Page(HTMLParser):
    """Tags must close in order, and every id be there once."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def whole() -> Evaluation:
    rows = newsroom.articles(600)
    return evaluate(newsroom.Annotator(rows), rows, label_map=newsroom.MAP)


def page(evaluation: Evaluation) -> str:
    measured = structs.replace(evaluation, model="20231001-00c0ffee")
    return render(measured, title="Октябрь", about={"corpus": "a <made-up> one"})


def test_the_page_is_well_formed_and_says_what_was_found(whole: Evaluation) -> None:
    read = Page(page(whole))
    assert whole.rubric.accuracy is not None
    assert f"{100 * whole.rubric.accuracy:.1f}%" in read.text
    assert "20231001-00c0ffee" in read.text
    assert all(label in read.text for label in ("Здоровье и медицина", "Особое мнение", "<Редкий> тег", "Лукоморье"))
    assert len(read.ids) == len(set(read.ids))
    assert read.seen.count("svg") == 2
    assert read.seen.count("details") >= len(whole.rubric.worst)


@pytest.mark.slow
def test_the_page_needs_nothing_from_anywhere(whole: Evaluation) -> None:
    html = page(whole)
    assert "<script" not in html
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)|@import|url\((?!#)""", html) == []
    assert set(re.findall(r"https?://[^\s\"'<)]+", html)) <= {
        "http://www.w3.org/1999/xlink",
        "http://www.w3.org/2000/svg",
    }


@pytest.mark.slow
def test_drawings_take_their_colours_from_the_page_and_keep_their_text(whole: Evaluation) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", page(whole), re.DOTALL))
    assert re.findall(r"#[0-9a-f]{6}", drawings) == []
    assert "DejaVu" not in drawings
    assert "articles answered, surest first</text>" in drawings


@pytest.mark.slow
def test_the_same_evaluation_gives_the_same_bytes(whole: Evaluation) -> None:
    assert page(whole) == page(whole)


def test_texts_are_escaped_and_their_telling_words_marked(whole: Evaluation) -> None:
    error = WorstError(
        "1", EVIL, "2023", EVIL, f"Мост & {EVIL} мосты", EVIL, "Спорт", 0.9, (Word("мост", 1.0), Word("alert", 0.5))
    )
    html = page(structs.replace(whole, rubric=structs.replace(whole.rubric, worst=(error,))))
    assert "<script" not in html
    assert '<mark style="--weight:60%">Мост</mark> &amp; &lt;script&gt;' in html
    assert ">alert</mark>" in html
    assert "мосты" in re.sub("<[^>]+>", "", html)


def test_an_evaluation_of_nothing_is_still_a_page() -> None:
    rows = [LabelledArticle(id="news-0", title="Т")]
    assert "nothing can be said" in Page(page(evaluate(newsroom.Annotator(rows), rows, label_map=newsroom.MAP))).text


@pytest.mark.slow
@pytest.mark.parametrize(("n", "drawings"), [(1, 0), (19, 0), (40, 1), (150, 2)])
def test_few_articles_are_not_drawn_and_the_page_says_why(n: int, drawings: int) -> None:
    rows = newsroom.articles(n)
    read = Page(page(evaluate(newsroom.Annotator(rows), rows, label_map=newsroom.MAP)))
    assert read.seen.count("svg") == drawings
    assert read.text.count("of fewer it would show chance as a pattern") == 2 - drawings


@pytest.mark.slow
def test_doubts_stand_before_the_figures(whole: Evaluation) -> None:
    doubted = structs.replace(whole, notes=("the rows <b>were</b> learnt from",))
    assert "Before you believe these figures" not in page(structs.replace(whole, notes=()))
    text = Page(page(doubted)).text
    assert text.index("The rows <b>were</b> learnt from") < text.index("Rubric: accuracy")


def test_precision_and_recall_have_their_intervals(whole: Evaluation) -> None:
    one = whole.rubric.per_label["Спорт"]
    assert one.recall_interval
    low, high = one.recall_interval
    assert f"{one.recall:.3f} {low:.2f}–{high:.2f}" in Page(page(whole)).text
