"""Where the event took place, apart from all other places that a lead names."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from service.inference.article import Article
from service.inference.text import read
from tests.matching import Reading
from training.gazetteer import build

CASES = Path(__file__).parent / "cases" / "happened.tsv"


@cache
def reading() -> Reading:
    return Reading(build())


def cases(split: str) -> Iterator[tuple[str, set[str], str]]:
    for line in CASES.read_text("utf-8").splitlines():
        if line.startswith(split + "\t"):
            _, lead, labels, trap = line.split("\t")
            yield lead, reading().labelled(labels), trap


def happened(lead: str) -> set[str]:
    body = read(Article(text=lead)).body
    return {place for place, found in reading().found("", body).items() if found.role == "happened"}


@pytest.mark.parametrize(("split", "least_recall"), [("dev", 0.95), ("held", 0.9)])
def test_what_is_said_to_have_happened_there_did(split: str, least_recall: float) -> None:
    rows = [(happened(lead), wanted, lead) for lead, wanted, _ in cases(split)]
    assert len(rows) >= 75
    hits = sum(len(answered & wanted) for answered, wanted, _ in rows)
    precision = hits / sum(len(answered) for answered, _, _ in rows)
    recall = hits / sum(len(wanted) for _, wanted, _ in rows)
    print(f"{split}: precision {precision:.3f}, recall {recall:.3f}, {len(rows)} leads")
    wrong = [lead for answered, wanted, lead in rows if answered - wanted]
    assert precision >= 0.95, wrong
    assert recall >= least_recall


def test_the_first_sentence_that_says_where_decides() -> None:
    body = "В Туле сгорел склад. Пожар тушили три часа. В Орле в том году сгорел рынок."
    roles = {place: found.role for place, found in reading().found("", body).items()}
    assert roles["RU-71"] == "happened"
    assert roles["RU-57"] != "happened"


def test_a_later_sentence_may_say_more_precisely_where() -> None:
    found = reading().found("Взрыв в Тульской области", "Взрыв произошёл в субботу в Новомосковске.")
    assert {place for place, one in found.items() if one.role == "happened"} == {"RU-71", "c518557"}


def test_far_below_the_lead_nothing_is_said_to_have_happened() -> None:
    filler = "Ведомство готовит новый порядок расчётов с поставщиками. " * 12
    found = reading().found("Порядок расчётов изменится", filler + "Пожар произошёл в Туле.")
    assert found["RU-71"].role != "happened"
