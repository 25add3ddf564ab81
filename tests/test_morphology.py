"""What pymorphy3 said is kept from one run to the next."""

from pathlib import Path
from typing import Any

import pytest

from training import morphology
from training.morphology import forms_of, lemma_of, remembered


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(morphology, "_said", morphology._Said())
    return monkeypatch


def forget(fresh: pytest.MonkeyPatch) -> None:
    """A new process, in which asking pymorphy3 is an error."""

    def nothing() -> Any:
        raise AssertionError("it was asked again")

    fresh.setattr(morphology, "_said", morphology._Said())
    fresh.setattr(morphology, "morphology", nothing)


def test_lemmas_of_known_words_are_not_asked_for_again(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with remembered(tmp_path):
        before = lemma_of("учёными"), forms_of("мост")
    forget(fresh)
    with remembered(tmp_path):
        assert (lemma_of("учёными"), forms_of("мост")) == before
        with pytest.raises(AssertionError, match="asked again"):
            lemma_of("мостами")
    assert before[0] == "ученый"
    assert {"мост", "мосту", "мостами"} <= before[1]


@pytest.mark.parametrize("content", [b"", b"\x00nonsense", b"\x81\xa6lemmas\x01"])
def test_a_damaged_memory_is_made_anew(fresh: pytest.MonkeyPatch, tmp_path: Path, content: bytes) -> None:
    with remembered(tmp_path):
        lemma_of("мостами")
    [file] = tmp_path.iterdir()
    file.write_bytes(content)
    fresh.setattr(morphology, "_said", morphology._Said())
    with remembered(tmp_path):
        assert lemma_of("мостами") == "мост"
    forget(fresh)
    with remembered(tmp_path):
        assert lemma_of("мостами") == "мост"


def test_a_folder_that_is_not_there_is_made(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with remembered(tmp_path / "a" / "b"):
        lemma_of("мостами")
    assert len(list((tmp_path / "a" / "b").iterdir())) == 1
