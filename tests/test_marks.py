"""Marks of the law, datelines and age limits: an article with one is answered as without it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.article import Article
from service.inference.decisions import Options
from service.inference.legal_marks import legal_marks
from tests.test_annotator import calibrated_parts

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parent / "cases" / "marks.tsv").read_text(encoding="utf-8").splitlines()[1:]
]
LEAD = "В Туле губернатор открыл новый мост через Упу, его строили три года."
TEXT = (
    "Строители работали и зимой, рассказал Иван Орлов журналистам. Стоимость работ составила два миллиарда рублей.\n"
    "Движение по мосту начнётся в понедельник, сообщили в министерстве транспорта области."
)
ARTICLES = (
    Article(title="В Туле открыли новый мост", lead=LEAD, text=TEXT, source="sample"),
    Article(
        title="«Спартак» обыграл ЦСКА", lead="Матч прошёл в Москве.", source="sample",
        text="Сборная России по футболу потеряла нападающего. Тренер команды Пётр Зуев назвал матч трудным.",
    ),
)  # fmt: skip


@cache
def publishing() -> Annotator:
    """A model that says `auto` to all three heads, and to short articles too."""
    parts = calibrated_parts(200)
    parts["decisions"] |= {"rubric_auto": 0.2, "tags_auto": 0.2, "regions_auto": 0.2, "fewest_features": 0}
    return Annotator("publishing", parts)


def marked(article: Article, mark: str, how: str) -> Iterator[Article]:
    """The article with the mark wherever such a mark stands."""
    title, lead, text = article.title or "", article.lead or "", article.text or ""
    if how == "bracket":
        words = text.split(" ")
        yield replace(article, title=f"{title} {mark}")
        yield replace(article, lead=f"{lead[:-1]} {mark}.")
        yield replace(article, text=" ".join((*words[:6], mark, *words[6:])))
        yield replace(article, text=f"{text[:-1]} {mark}.")
    elif how == "opening":
        yield replace(article, lead=f"{mark} {lead}")
        yield replace(article, text=f"{mark} {text}")
    else:
        yield replace(article, lead=f"{lead}\n{mark}")
        yield replace(article, text=f"{text}\n{mark}")
        yield replace(article, text=f"{text}\n\n{mark}\n")


def said(article: Article) -> tuple[dict[str, Any], list[str], list[str]]:
    """Labels, scores and decisions; words of the explanation; kinds of the notices."""
    [answer] = publishing().annotate([article], Options(explain=True))
    plain = msgspec.to_builtins(answer)
    labels = {head: plain[head] for head in ("rubric", "alternatives", "tags", "regions")}
    for region in labels["regions"]:
        region["evidence"] = [(one["field"], one["text"]) for one in region["evidence"]]
    words = [word["text"] for part in (plain["explain"]["rubric"], *plain["explain"]["tags"].values()) for word in part]
    return labels, words, [notice["kind"] for notice in plain["notices"]]


@pytest.mark.parametrize(("mark", "how"), ROWS)
def test_a_mark_changes_no_label_score_or_decision(mark: str, how: str) -> None:
    for article in ARTICLES:
        labels, words, _ = said(article)
        for with_mark in marked(article, mark, how):
            its_labels, its_words, kinds = said(with_mark)
            assert kinds
            assert its_words == words
            if how == "advertisement":
                assert "auto" not in str(its_labels)
                its_labels, labels = unsealed(its_labels), unsealed(labels)
            assert its_labels == labels, with_mark


def unsealed(labels: dict[str, Any]) -> dict[str, Any]:
    """Without what an advertisement may change: `auto` becomes `review`, with that decision's threshold."""
    return {
        head: [{key: value for key, value in one.items() if key not in ("decision", "threshold")} for one in answers]
        for head, answers in ((head, [its] if isinstance(its, dict) else its or []) for head, its in labels.items())
    }


def test_the_articles_have_something_to_lose() -> None:
    found = [said(article)[0] for article in ARTICLES]
    assert any("auto" in str(labels) for labels in found)
    assert all(labels["rubric"] and labels["regions"] for labels in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "repeated",
    [
        "занесен" * 14 + " А причислен *** " + "террористов" * 8 + " " + "РФ" * 14,
        "включён" * 14 + " запрещена включён " + '"' * 12 + " " + "*" * 24 + " * ",
        "¹ иноагент ",
        "включенный на территории ² организаций, запрещена ",
        "террористов " * 8 + "запрещена террористовтеррористов агент ** ",
    ],
)
def test_a_text_made_to_be_slow_is_not(repeated: str) -> None:
    text = (repeated * 200_000)[:200_000]
    before = process_time()
    legal_marks(text, False)
    assert process_time() - before < 1.0
