"""The fast feature path against the textbook's, and against itself: one equals batch, training equals serving."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import sparse

from service.inference.article import Article
from service.inference.features import Features, Matrix, Tokens, tokenise
from service.inference.lemmas import Lemmas
from service.inference.text import Text, read
from tests.corpora import corpus
from tests.reference import Reference
from training.config import Vocabulary
from training.lexicon import build

SAMPLE = Path(__file__).parent.parent / "datasets" / "sample" / "news.jsonl"
CLOSE = 1e-6


def sample_texts() -> list[Text]:
    return [read(msgspec.json.decode(line, type=Article)) for line in SAMPLE.read_bytes().splitlines()]


def real_texts(rows: int) -> list[Text]:
    return [read(Article(title=row["title"], text=row["text"])) for row in corpus("fontanka", rows)]


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return sample_texts()


@pytest.fixture(scope="module")
def sample_path(texts: list[Text]) -> tuple[Lemmas, Features]:
    return fitted(texts)


def fitted(train: list[Text], *, predict_unknown: bool = True) -> tuple[Lemmas, Features]:
    lexicon = build(train, [], Vocabulary())
    lemmas = Lemmas(lexicon.lemmas, predict_unknown=predict_unknown)
    return lemmas, Features(lexicon.features, lemmas.lemma_of_class)


def as_scipy(matrix: Matrix) -> sparse.csr_matrix:
    return sparse.csr_matrix((matrix.values, matrix.columns, matrix.start), shape=(len(matrix.start) - 1, matrix.width))


def largest_difference(one: sparse.csr_matrix, other: sparse.csr_matrix) -> float:
    return float(abs(one - other).max())


@pytest.mark.slow
def test_the_fast_path_gives_the_textbook_vectors_on_the_sample_corpus(texts: list[Text]) -> None:
    train, rest = texts[:90], texts[90:]
    lemmas, features = fitted(train)
    expected = Reference(features, lemmas, train).matrix(rest)
    assert largest_difference(as_scipy(features.matrix(tokenise(rest, lemmas))), expected) < CLOSE
    assert expected.nnz > 10 * len(rest)


@pytest.mark.slow
def test_the_fast_path_gives_the_textbook_vectors_on_2000_real_articles(capsys: pytest.CaptureFixture[str]) -> None:
    texts = real_texts(5_000)
    train, rest = texts[:3_000], texts[3_000:]
    lemmas, features = fitted(train)
    expected = Reference(features, lemmas, train).matrix(rest)
    assert largest_difference(as_scipy(features.matrix(tokenise(rest, lemmas))), expected) < CLOSE

    plain = Lemmas(build(train, [], Vocabulary()).lemmas)
    difference = abs(as_scipy(features.matrix(tokenise(rest, plain))) - expected).max(axis=1).toarray()
    share = float((difference > CLOSE).mean())
    with capsys.disabled():
        print(f"\nwithout the predictor for unknown words {share:.1%} of {len(rest)} articles have another vector")
    assert share < 0.2


def test_one_article_has_the_same_bits_alone_and_in_a_batch(
    texts: list[Text], sample_path: tuple[Lemmas, Features]
) -> None:
    lemmas, features = sample_path
    tokens = tokenise(texts, lemmas)
    batch = features.matrix(tokens)
    for i, one in enumerate(tokens):
        alone = features.matrix([one])
        assert alone.columns.tobytes() == batch.row(i)[0].tobytes()
        assert alone.values.tobytes() == batch.row(i)[1].tobytes()


def test_rows_have_length_one_and_ascending_columns(texts: list[Text], sample_path: tuple[Lemmas, Features]) -> None:
    lemmas, features = sample_path
    matrix = features.matrix(tokenise(texts, lemmas))
    for i in range(len(texts)):
        columns, values = matrix.row(i)
        assert np.linalg.norm(values) == pytest.approx(1, abs=1e-5)
        assert (np.diff(columns) > 0).all()


def test_an_article_without_known_words_has_an_empty_row(
    texts: list[Text], sample_path: tuple[Lemmas, Features]
) -> None:
    lemmas, features = sample_path
    nothing = Tokens(np.zeros(0, np.int32), np.zeros(0, np.int32))
    unknown = Tokens(np.zeros(3, np.int32), np.zeros(9, np.int32))
    matrix = features.matrix([nothing, *tokenise(texts[:1], lemmas), unknown])
    assert np.diff(matrix.start).tolist()[::2] == [0, 0]
    assert features.matrix([]).start.tolist() == [0]


@pytest.mark.slow
def test_the_same_texts_give_the_same_bytes(texts: list[Text]) -> None:
    one, other = build(texts, [], Vocabulary()), build(texts, [], Vocabulary())
    for part in ("lemmas", "features"):
        for name, array in getattr(one, part).items():
            assert array.tobytes() == getattr(other, part)[name].tobytes(), name


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("Ёлки в «Лужниках»", "елки в лужниках"),
        ("Моско́вский театр", "московский театр"),
        ("Санкт-Петербург", "санкт петербург"),
        ("пере\u00adговоры", "переговоры"),
        ("суд\u00a0вынес приговор", "суд вынес приговор"),
        ("«Спартак»—ЦСКА, 2:1", "спартак цска 2 1"),
    ],
)
def test_spelling_that_means_nothing_changes_nothing(
    sample_path: tuple[Lemmas, Features], text: str, same_as: str
) -> None:
    lemmas, _ = sample_path
    [one, other] = tokenise([read(Article(text=text)), read(Article(text=same_as))], lemmas)
    assert one.body.tolist() == other.body.tolist()


def test_rare_persons_stay_out_of_the_vocabulary() -> None:
    texts = [read(Article(text=f"Водитель Аркадий Мироненко починил трубу номер {i} в доме.")) for i in range(10)]
    texts += [read(Article(text=f"Президент Владимир Путин подписал указ номер {i} о наградах.")) for i in range(40)]
    lemmas, features = fitted(texts, predict_unknown=False)
    names = lemmas.names()
    pairs = {tuple(names[i] for i in divmod(int(pair), features.lemmas + 1)) for pair in features.pairs}
    assert ("владимир", "путин") in pairs
    assert ("водитель", "аркадий") in pairs
    assert ("аркадий", "мироненко") not in pairs


def test_words_of_other_alphabets_are_one_unknown_word(sample_path: tuple[Lemmas, Features]) -> None:
    lemmas, _ = sample_path
    [tokens] = tokenise([read(Article(text="Қазақстан 北京 Pokémon"))], lemmas)
    assert len(tokens.body) == 3
