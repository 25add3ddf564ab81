"""The compiled loops against their twins in numpy and Python: the same answers, to the last bit."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import byref
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.inference import compiled, kernel, tags
from service.inference.annotator import Annotator
from service.inference.article import Annotation, Article
from service.inference.decisions import Options
from service.inference.features import tokenise
from service.inference.rubric import RubricHead
from service.inference.tags import MANY
from service.inference.text import read
from service.inference.words import edges_in, folded
from tests.corpora import corpus
from tests.sample_model import annotator, articles, trained
from tests.test_baseline import baseline

LONGER_THAN_THE_MEMO_TAKES = "водогрязеторфопарафинолечебница Водогрязеторфопарафинолечебницей"
WORDS = st.sampled_from(
    ["Москва", "Москвы", "в", "Твери", "нижний", "Нижнем", "Новгороде", "хоккей", "ё", "Ёж", "112", "Кремль", "Путин"]
)


@contextmanager
def twin() -> Iterator[None]:
    library, kernel.library = kernel.library, None
    try:
        yield
    finally:
        kernel.library = library


def both(model: Annotator, what: Sequence[Article]) -> tuple[list[Annotation], list[Annotation]]:
    everything, usual = Options(explain=True, threshold=0.0, most_tags=None), Options()
    with twin():
        by_numpy = model.annotate(what, everything) + model.annotate(what, usual)
    return model.annotate(what, everything) + model.annotate(what, usual), by_numpy


def with_trained_tags() -> dict[str, Any]:
    """The sample's model, whose tags are known by name alone, with a model of chance for each of them."""
    parts, random = trained().parts, np.random.default_rng(0)
    width, tags_ = annotator().features.width, len(parts["tags"]["ids"])
    lengths = random.integers(0, 4, width)
    part = {
        **parts["tags"],
        "regime": np.full(tags_, MANY, np.int8),
        "trained": np.ones(tags_, np.bool_),
        "bias": np.repeat(np.linspace(0.5, 1, tags_), 2)[:tags_].astype(np.float32),  # with equals among them
        "start": np.concatenate(([0], np.cumsum(lengths))),
        "tag": random.integers(0, tags_, lengths.sum()),
        "weight": random.normal(size=lengths.sum()).astype(np.float16),
    }
    return {**parts, "tags": part}


def test_installing_compiled_the_loops() -> None:
    assert kernel.library is not None


def test_answers_of_articles_are_the_same() -> None:
    by_kernel, by_numpy = both(annotator(), articles())
    assert by_kernel == by_numpy
    assert any(one.tags and one.regions for one in by_kernel)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Москва",
        "Москва и Тверь. " * 3_000,  # more letters and more hits than there is room for at first
        LONGER_THAN_THE_MEMO_TAKES,
        " ".join(f"слово{number}" for number in range(70_000)),  # pushes everything out of the memo
        LONGER_THAN_THE_MEMO_TAKES + " Москва, хоккей",  # after that
        "Матч в Твери 🏒: café, Қазақстан, «Москва-Арена»",  # not in cp1251
        "The Kremlin said on Monday that Moscow would not attend",
    ],
)
def test_answers_of_odd_texts_are_the_same(text: str) -> None:
    odd = [Article(title="Матч в Москве", text=text), Article(text=text), Article(title=text[:200])]
    by_kernel, by_numpy = both(annotator(), odd)
    assert by_kernel == by_numpy


@given(st.lists(WORDS, max_size=200), st.lists(WORDS, max_size=20))
@settings(max_examples=30, deadline=None)
def test_answers_of_any_words_are_the_same(body: list[str], title: list[str]) -> None:
    by_kernel, by_numpy = both(annotator(), [Article(title=" ".join(title), text=" ".join(body))])
    assert by_kernel == by_numpy


@given(st.text(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_text_has_the_same_classes(text: str) -> None:
    lemmas = annotator().lemmas
    by_kernel = lemmas.classes(folded(text))
    with twin():
        assert by_kernel.tolist() == lemmas.classes(folded(text)).tolist()


@given(st.text(max_size=300) | st.text("аб 1", max_size=300))
@settings(max_examples=100, deadline=None)
def test_words_of_any_text_stand_at_the_same_places(text: str) -> None:
    assert kernel.library is not None
    cut = folded(text)
    classes, edges = np.empty(len(cut) + 1, np.int32), np.empty(len(cut) + 2, np.int32)
    words = kernel.library.classes_of_words(
        byref(annotator().lemmas.compiled), cut, len(cut), edges.ctypes.data, classes.ctypes.data
    )
    assert edges[: 2 * words].tolist() == edges_in(cut).tolist()


@pytest.mark.slow
def test_answers_of_a_long_batch_are_the_same() -> None:
    """More than one group, and in it an article that has more letters, hits and places than there is room for."""
    names = " ".join(place.label for place in annotator().places)
    some = [*articles()[:70], Article(text=f"{names} {'Москва и Тверь. ' * 3_000}"), *articles()[70:80]]
    by_kernel, by_numpy = both(annotator(), some)
    assert by_kernel == by_numpy
    assert annotator().annotate(some)[:5] == [annotator().annotate([one])[0] for one in some[:5]]


def test_a_batch_has_the_same_rows() -> None:
    model = annotator()
    tokens = tokenise([read(article) for article in articles()], model.lemmas)
    by_kernel = model.features.matrix(tokens)
    with twin():
        by_numpy = model.features.matrix(tokens)
    assert np.array_equal(by_kernel.start, by_numpy.start)
    assert np.array_equal(by_kernel.columns, by_numpy.columns)
    assert np.array_equal(by_kernel.values, by_numpy.values)


def test_scores_are_rounded_as_python_rounds() -> None:
    """Ties and their neighbours too: 0.03125 is 0.0312, and 0.00015 is a little more or less than it says."""
    assert kernel.library is not None
    ties = (np.arange(10_000) + 0.5) / 10_000
    shares = np.concatenate((ties, np.nextafter(ties, 0), np.nextafter(ties, 1), np.arange(129) / 128))
    shares = np.concatenate((shares, np.random.default_rng(0).random(10_000)))
    order, scores = np.empty(len(shares), np.int32), np.empty(len(shares), np.float64)
    kernel.library.rank(shares.ctypes.data, len(shares), order.ctypes.data, scores.ctypes.data)
    assert list(zip(order.tolist(), scores.tolist(), strict=True)) == RubricHead.ranked(shares.tolist())


@pytest.mark.slow
def test_of_many_likely_tags_the_same_are_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tags, compiled):
        monkeypatch.setattr(module, "CANDIDATES", 7)
    by_kernel, by_numpy = both(Annotator("many", with_trained_tags()), articles())
    assert by_kernel == by_numpy
    assert 7 <= len(by_kernel[0].tags or ()) <= 20


def test_threads_share_a_model() -> None:
    model, expected = annotator(), annotator().annotate(articles())
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.annotate(articles()), range(8)):
            assert found == expected


@pytest.mark.parametrize(
    ("part", "table", "wrong"),
    [
        ("lexicon", "lemma", lambda lemma: lemma + 1_000_000),
        ("lexicon", "patterns_start", lambda start: start[:-1]),
        ("lexicon", "patterns", lambda patterns: patterns[:-1]),
        ("features", "idf", lambda idf: idf[:-1]),
        ("rubric", "weights", lambda weights: weights[:-1]),
        ("rubric", "bias", lambda bias: bias[:-1]),
        ("tags", "precision", lambda precision: precision[:-1]),
        ("tags", "trained", lambda trained: trained[:-1]),
        ("tags", "ranker", lambda ranker: ranker[:-1]),
        ("tags", "phrase_tag", lambda phrase_tag: phrase_tag[:-1]),
        ("tags", "phrase_tag", lambda phrase_tag: [10_000 for _ in phrase_tag]),
        ("tags", "weight", lambda weight: weight[:-1]),
    ],
)
def test_tables_that_do_not_fit_each_other_are_refused(part: str, table: str, wrong: object) -> None:
    assert callable(wrong)
    parts = with_trained_tags()
    spoilt = {**parts, part: {**parts[part], table: wrong(parts[part][table])}}
    with pytest.raises((ValueError, IndexError), match=r"fit|shape|bounds|size|broadcast"):
        Annotator("spoilt", spoilt)


@pytest.mark.slow
def test_answers_of_real_articles_by_the_baseline_are_the_same() -> None:
    some = [msgspec.convert(row, Article) for row in corpus("fontanka", 500)]
    by_kernel, by_numpy = both(baseline(), some)
    assert by_kernel == by_numpy
