"""Articles in other languages and headlines alone, asked of the model that the service starts with."""

from functools import cache
from pathlib import Path

import pytest

from service.inference.annotator import Annotator, load
from service.inference.article import Article
from service.inference.decisions import Options
from service.inference.features import headline_of, tokenise
from service.inference.text import read
from service.loading import BASELINE
from tests.corpora import corpus

CASES = Path(__file__).parent / "cases"


@cache
def baseline() -> Annotator:
    return load(BASELINE)


def rows(language: str) -> list[str]:
    lines = (CASES / "foreign.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [text for text, its in (line.split("\t") for line in lines) if its == language]


def article(field: str, said: str) -> Article:
    return Article(title=said) if field == "title" else Article(text=said)


@pytest.mark.parametrize("field", ["title", "text"])
@pytest.mark.parametrize("language", ["uk", "en"])
def test_other_languages_are_not_answered(language: str, field: str) -> None:
    annotations = baseline().annotate([article(field, text) for text in rows(language)])
    answered = [a for a in annotations if a.status != "abstained" or a.rubric]
    assert len(annotations) > 60
    assert len(answered) <= 0.02 * len(annotations)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fontanka", "lenta_headlines", "ng", "ria_2023", "telegram_silver"])
def test_russian_headlines_and_articles_are_not_taken_for_foreign(name: str) -> None:
    articles = [article(field, row[field]) for row in corpus(name, 500) for field in ("title", "text") if row[field]]
    foreign = sum("not_russian" in annotation.reasons for annotation in baseline().annotate(articles))
    assert foreign <= 0.01 * len(articles)


def test_a_headline_alone_has_one_rubric_whether_it_is_sent_as_title_or_as_text() -> None:
    headlines = [
        "«Спартак» обыграл ЦСКА в Москве",
        "Учёные нашли новый вид пауков в Африке",
        "Курс доллара вырос до 92 рублей",
    ]
    for headline in headlines:
        as_title, as_text = baseline().annotate([Article(title=headline), Article(text=headline)])
        assert as_title.rubric
        assert as_title.rubric == as_text.rubric
        assert as_title.alternatives == as_text.alternatives


@pytest.mark.parametrize("field", ["title", "text"])
def test_all_that_spoke_for_the_rubric_of_a_headline_stands_where_it_was_sent(field: str) -> None:
    model = baseline()
    sent = article(field, "Курс доллара вырос до 92 рублей")
    [answer] = model.annotate([sent], Options(explain=True))
    assert answer.rubric
    assert answer.explain
    headline = headline_of(tokenise([read(sent)], model.lemmas)[0])
    assert headline
    number = model.rubric.ids.index(answer.rubric.id)
    margin = model.rubric.margins(model.features.matrix([headline]))[0, number] - model.rubric.bias[number]
    assert sum(word.weight for word in answer.explain.rubric) == pytest.approx(float(margin), abs=1e-3)
    assert {word.field for word in answer.explain.rubric} == {field}
