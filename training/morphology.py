"""pymorphy3, one for the whole process, what it has said so far, and the spelling that everything is compared in."""

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
import pymorphy3

from training.cores import on_all_cores

T = TypeVar("T")

WORTH = 16  # pieces of a quarter of a second


class _Said(msgspec.Struct):
    """By form its lemma, by lemma its forms. Half of a vocabulary's time, and the same in every run."""

    lemmas: dict[str, str] = msgspec.field(default_factory=dict)
    forms: dict[str, frozenset[str]] = msgspec.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lemmas) + len(self.forms)


_said = _Said()


@cache
def morphology() -> pymorphy3.MorphAnalyzer:
    """Takes 0.2 s and 30 MB the first time."""
    return pymorphy3.MorphAnalyzer(lang="ru")


def fold(text: str) -> str:
    """Lower case, ё as е."""
    return text.lower().replace("ё", "е")


def lemma_of(form: str) -> str:
    """The lemma that features see: the normal form of pymorphy3's first reading, ё as е."""
    lemma = _said.lemmas.get(form)
    if lemma is None:
        lemma = _said.lemmas[form] = fold(morphology().parse(form)[0].normal_form)
    return lemma


def prepare_lemmas(forms: Iterable[str]) -> None:
    """Asks for those of many forms on all cores, 50 µs each; `lemma_of` finds them said."""
    _ask(_lemmas_of, sorted(set(forms) - _said.lemmas.keys()), _said.lemmas, piece=5_000)


def prepare_forms(lemmas: Iterable[str]) -> None:
    """Asks for those of many lemmas on all cores, 0.5 ms each; `forms_of` finds them said."""
    _ask(_forms_of, sorted(set(lemmas) - _said.forms.keys()), _said.forms, piece=500)


def _ask(ask: Callable[[list[str]], list[T]], words: list[str], said: dict[str, T], piece: int) -> None:
    pieces = [words[start : start + piece] for start in range(0, len(words), piece)]
    found = on_all_cores(ask, [(one,) for one in pieces], worth=len(pieces) > WORTH)
    for one, answers in zip(pieces, found, strict=True):
        said.update(zip(one, answers, strict=True))


def _lemmas_of(forms: list[str]) -> list[str]:
    return [lemma_of(form) for form in forms]


def _forms_of(lemmas: list[str]) -> list[frozenset[str]]:
    return [forms_of(lemma) for lemma in lemmas]


def forms_of(lemma: str) -> frozenset[str]:
    """Every dictionary form of every reading that has this lemma, ё as е."""
    forms = _said.forms.get(lemma)
    if forms is None:
        parses = [parse for parse in morphology().parse(lemma) if fold(parse.normal_form) == lemma]
        forms = frozenset({fold(form.word) for parse in parses for form in parse.lexeme} | {lemma})
        _said.forms[lemma] = forms
    return forms


@contextmanager
def remembered(folder: Path) -> Iterator[None]:
    """Lemmas of words that an earlier run has met are read from `folder`; those of new ones are left there at the end.

    A file for each version of pymorphy3 and of its dictionary; one that can't be read is made anew.
    """
    versions = [importlib.metadata.version(name) for name in ("pymorphy3", "pymorphy3-dicts-ru")]
    path = folder / f"lemmas-{'-'.join(versions)}.msgpack"
    try:
        earlier = msgspec.msgpack.decode(path.read_bytes(), type=_Said)
    except (OSError, msgspec.MsgspecError):
        earlier = _Said()
    _said.lemmas.update(earlier.lemmas)
    _said.forms.update(earlier.forms)
    yield
    if len(_said) > len(earlier):
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_bytes(msgspec.msgpack.encode(_said))
        beside.replace(path)
