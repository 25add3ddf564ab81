"""What one look at a text spares: nothing that any step would have found."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.inference import kernel
from service.inference.article import Article
from service.inference.looks import EVERYTHING, LINK, MARKED, MARKUP, UNTIDY, look
from service.inference.text import Raw, read, read_all
from service.inference.words import TABLE, folded
from tests.sample_model import articles

CASES = Path(__file__).parent / "cases"
TEXTS = [
    cell.replace("\\n", "\n").replace("⟦", "").replace("⟧", "")
    for name in ("marks", "notices", "datelines", "html", "furniture", "words", "regions")
    for row in (CASES / f"{name}.tsv").read_text("utf-8").splitlines()
    for cell in row.split("\t")
    if cell
]
PIECES = sorted({piece for text in TEXTS for piece in text.split()})
SPACES = [*[" "] * 8, "\n", "\xa0", "\xad", ". ", " http://", "&nbsp;", "16+", "é"]


def same(some: list[Article]) -> None:
    """A text read after a look is as it is without one, and so is what words are cut from."""
    for article, (text, raw) in zip(some, read_all(some), strict=True):
        assert text == read(article)
        assert [folded(text.title), folded(text.body)] == [part.translate(TABLE) for part in raw[:2]]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Агентство признано лучшим, перечень утверждён", 0),
        ("внесён в реестр иноагентов", MARKED),
        ("запрещена парковка", 0),
        ("запрещена в РФ", MARKED),
        (f"запрещена {'далеко ' * 20} Россия", 0),
        ("<p>Текст", MARKUP),
        ("мир\xa0труд", UNTIDY),
        ("см. http://сайт 18+", LINK | MARKED),
        ("", 0),
    ],
)
def test_a_look_tells_what_is_there(text: str, held: int) -> None:
    assert look([text.encode("cp1251")]) == [held]


def test_nothing_is_spared_where_a_text_is_not_in_cp1251() -> None:
    assert look([None, b"text"]) == [EVERYTHING, 0]


def test_nothing_is_spared_where_nothing_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "library", None)
    assert look([b"text"]) == [EVERYTHING]


def test_all_tables_are_read_as_without_a_look() -> None:
    same([Article(title=text) for text in TEXTS])
    same([Article(title="Заголовок", lead=text, text="Текст.") for text in TEXTS])
    same([Article(title=other, text=text) for text, other in zip(TEXTS, reversed(TEXTS), strict=True)])
    same([Article(text=" \n", body_html=text) for text in TEXTS])
    same(list(articles()))


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(0, 60))
@settings(max_examples=200, deadline=None)
def test_any_mix_of_their_words_is_read_as_without_a_look(random: Random, length: int) -> None:
    lead, text = ("".join(random.choice(PIECES) + random.choice(SPACES) for _ in range(of)) for of in (5, length))
    same([Article(title=lead, text=text), Article(lead=lead, text=text), Article(text=text, body_html=lead)])


def test_what_cleaning_leaves_as_it_was_is_not_written_anew() -> None:
    [(_, raw)] = read_all([Article(title="Ёлка", text="Стоит «ёлка»")])
    assert raw == Raw("Ёлка".encode("cp1251"), "Стоит «ёлка»".encode("cp1251"), True)
    [(_, raw)] = read_all([Article(title="Ёлка", text="Café 🎄")])
    assert raw == Raw(folded("Ёлка"), folded("Café 🎄"), False)
