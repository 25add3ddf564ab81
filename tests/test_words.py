"""Words: one byte for each character, and just what a plain regular expression would find."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inference.words import folded, positions, words
from tests.corpora import corpus

CASES = Path(__file__).parent / "cases" / "words.tsv"
PLAIN = re.compile(r"[^\W_]+")


def rows() -> list[tuple[str, list[str]]]:
    table = [line.split("\t") for line in CASES.read_text(encoding="utf-8").splitlines()[1:]]
    return [(text, expected.split()) for text, expected in table]


def readable(word: bytes) -> str:
    return word.replace(b"\x98", b"\0").decode("cp1251").replace("\0", "\x98")


@pytest.mark.parametrize(("text", "expected"), rows())
def test_words_are_those_of_the_table(text: str, expected: list[str]) -> None:
    assert [readable(word) for word in words(text)] == expected


@given(st.text())
def test_every_character_is_one_byte_and_every_word_has_its_place(text: str) -> None:
    assert len(folded(text)) == len(text)
    starts, ends = positions(text)
    assert [folded(text)[start:end] for start, end in zip(starts, ends, strict=True)] == words(text)


@pytest.mark.slow
@given(st.text(st.characters(codec="cp1251")))
def test_in_cp1251_words_are_runs_of_letters_and_digits(text: str) -> None:
    plain = [word.lower().replace("ё", "е").encode("cp1251") for word in PLAIN.findall(text)]
    assert words(text) == plain


@pytest.mark.parametrize("name", ["rt", "nplus1", "telegram_silver"])
def test_real_texts_fall_into_the_words_of_a_plain_regular_expression(name: str) -> None:
    for row in corpus(name, 300):
        text = row["text"].encode("cp1251", "ignore").decode("cp1251")
        assert [word.decode("cp1251") for word in words(text)] == PLAIN.findall(text.lower().replace("ё", "е"))
