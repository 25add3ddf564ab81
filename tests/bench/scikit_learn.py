"""The whole line as scikit-learn's documentation shows it, and behind it a look-up of places in plain Python."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pymorphy3
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from service.inference.annotator import Annotator
from service.inference.article import Article
from tests.bench.material import Material
from tests.bench.peers import Memo, fitted, kept, learnt_words, whole
from tests.reference import term
from training.gazetteer import FOLDER as GAZETTEER

WORD = re.compile(r"[^\W_]+")


class Reference:
    """scikit-learn's usual parts: TfidfVectorizer over cached lemmas, LinearSVC, tags as one sparse product with the
    very weights of ours, and places by the longest name that stands in the lemmas. It looks for no names of tags."""

    def __init__(self, material: Material) -> None:
        analyzer = pymorphy3.MorphAnalyzer(lang="ru")
        self._lemmas = Memo({}, lambda word: str(analyzer.parse(word)[0].normal_form).replace("ё", "е"))
        made = kept(material.folder / "reference", partial(self._learn, material))
        self._lemmas.update(made["lemmas"])
        self._vectorizer = fitted(self._bare(), made)
        self._rubric: LinearSVC = made["rubric"]
        self._tags = _our_weights(material.annotator(), self._vectorizer.vocabulary_)
        self._places = Places(self._tokens)
        self.facts = {"features": len(made["terms"]), "tags": self._tags.shape[1], "names": len(self._places.names)}

    def _tokens(self, text: str) -> list[str]:
        lemmas = self._lemmas
        return [lemmas[word] for word in WORD.findall(text.lower())]

    @staticmethod
    def _bare() -> TfidfVectorizer:
        return TfidfVectorizer(
            tokenizer=_as_it_is,
            preprocessor=_as_it_is,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            min_df=4,
            sublinear_tf=True,
            dtype=np.float32,
        )

    def _learn(self, material: Material) -> dict[str, Any]:
        learnt = material.part("train", "validation")
        vectorizer = self._bare()
        rows = vectorizer.fit_transform([self._tokens(row.whole) for row in learnt])
        labelled = [i for i, row in enumerate(learnt) if row.rubric]
        rubric = LinearSVC(C=0.1).fit(rows[labelled], [learnt[i].rubric for i in labelled])
        return {**learnt_words(vectorizer), "lemmas": dict(self._lemmas), "rubric": rubric}

    def __call__(self, articles: Sequence[Article]) -> Any:
        tokens = [self._tokens(whole(article)) for article in articles]
        rows = self._vectorizer.transform(tokens)
        return self._rubric.decision_function(rows), rows @ self._tags, [self._places(one) for one in tokens]


class Places:
    """Every name, alias and adjective of the gazetteer as a tuple of lemmas; the longest that stands there is meant."""

    def __init__(self, tokens: Callable[[str], list[str]]) -> None:
        self.names: dict[tuple[str, ...], str] = {}
        for file in ("countries", "regions", "cities", "world_cities"):
            for line in (GAZETTEER / f"{file}.jsonl").read_text("utf-8").splitlines():
                row = json.loads(line)
                for key in ("aliases", "adjectives", "demonyms"):
                    for name in (row["name"], *(row.get(key) or ())):
                        self.names.setdefault(tuple(tokens(name)), row["name"])
        self._lengths: dict[str, list[int]] = defaultdict(list)
        for name in sorted(self.names, key=len, reverse=True):
            if name and len(name) not in self._lengths[name[0]]:
                self._lengths[name[0]].append(len(name))

    def __call__(self, lemmas: Sequence[str]) -> list[tuple[int, int, str]]:
        found, names, lengths, at = [], self.names, self._lengths, 0
        while at < len(lemmas):
            for length in lengths.get(lemmas[at], ()):
                place = names.get(tuple(lemmas[at : at + length]))
                if place is not None:
                    found.append((at, at + length, place))
                    at += length - 1
                    break
            at += 1
        return found


def _as_it_is(tokens: Any) -> Any:
    return tokens


def _our_weights(ours: Annotator, vocabulary: dict[str, int]) -> sparse.csr_matrix:
    """Our trained weights in this vocabulary, those of body, title and lead added up."""
    names = ours.lemmas.names()
    start, tag, weight = ours.tags.weights()
    block = ours.features.features + 1
    rows, columns, values = [], [], []
    for column, key in enumerate(ours.features.keys.tolist()):
        row = vocabulary.get(term(key % block, ours.features, names))
        if row is not None:
            part = slice(int(start[column]), int(start[column + 1]))
            rows += [row] * (part.stop - part.start)
            columns += tag[part].tolist()
            values += weight[part].tolist()
    shape = (len(vocabulary), len(ours.tags.ids))
    return sparse.csr_matrix((np.array(values, np.float32), (rows, columns)), shape=shape)
