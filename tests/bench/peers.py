"""What a newsroom could run instead, learnt from the very articles that our model learnt from, and kept beside it.

fastText answers the same two questions by two models. Annif's way is a TF-IDF of Snowball stems and omikuji's trees,
rubrics and tags in one vocabulary, so that an article is analysed once; that is Annif's arithmetic without its REST
layer.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import joblib
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from service.inference.article import Article
from tests.bench.material import Material, Row
from training.protocols.peers import fast_text, omikuji_trees
from training.protocols.peers.tag_peer import best_threshold

T = TypeVar("T")
WORD = re.compile(r"[^\W_]+")
# of the grids in training/protocols/peers: pairs of words, and the most epochs
FAST_TEXT = {"lr": 0.5, "epoch": 10, "wordNgrams": 2}
FAST_TEXT_TAGS = {"lr": 0.5, "epoch": 40, "wordNgrams": 2}
SHOWN = 10  # tags asked for; a threshold cuts them
SHORTEST = 3  # letters of a word that Annif's analyzers keep


def whole(article: Article) -> str:
    return f"{article.title or ''}\n{article.text or ''}"


def kept(path: Path, make: Callable[[], T]) -> T:
    """What `make` makes, made once."""
    if not path.exists():
        joblib.dump(make(), path)
    found: T = joblib.load(path)
    return found


class Memo(dict[str, str]):
    """Word -> its normal form by a slow function, asked once for each; it comes filled with the words of training."""

    def __init__(self, known: dict[str, str], find: Callable[[str], str]) -> None:
        super().__init__(known)
        self._find = find

    def __missing__(self, word: str) -> str:
        found = self[word] = self._find(word)
        return found


class FastText:
    """A rubric and tags for each article; `threshold` is that of the best micro-F1 on validation."""

    def __init__(self, material: Material) -> None:
        learnt = material.part("train", "validation")
        self.rubrics = sorted({row.rubric for row in learnt if row.rubric})
        self.tags = sorted({tag for row in learnt for tag in row.tags or ()})
        rubric, tag = ({name: number for number, name in enumerate(names)} for names in (self.rubrics, self.tags))
        of_rubric = [([rubric[row.rubric]], row.whole) for row in learnt if row.rubric]
        self._rubric = self._model(material, "rubric", of_rubric, FAST_TEXT, "softmax")
        self._tags = self._model(material, "tags", _tagged(learnt, tag), FAST_TEXT_TAGS, "ova")
        self.threshold = kept(material.folder / "fasttext_threshold", partial(self._best_threshold, material, tag))
        self.facts = {"tags": len(self.tags), "rubrics": len(self.rubrics)}

    @staticmethod
    def _model(material: Material, name: str, lines: Any, options: Any, loss: str) -> Any:
        import fasttext

        path = material.folder / f"fasttext_{name}.bin"
        if not path.exists():
            fast_text.train(lines, options, loss).save_model(str(path))
        return fasttext.load_model(str(path))

    def _best_threshold(self, material: Material, number: dict[str, int]) -> float:
        """By a model that has not seen the validation."""
        trial = fast_text.train(_tagged(material.part("train"), number), FAST_TEXT_TAGS, "ova")
        judged = [row for row in material.part("validation") if row.tags is not None]
        rankings = [
            [(self.tags[tag], score) for tag, score in fast_text.ranked(trial, row.whole, 50)] for row in judged
        ]
        return best_threshold(rankings, [frozenset(row.tags or ()) for row in judged])[0]

    def __call__(self, articles: Sequence[Article]) -> list[tuple[str, list[str]]]:
        answers = []
        for article in articles:
            text = fast_text.words(whole(article))  # once for both
            label, _ = self._rubric.predict(text)
            tags, _ = self._tags.predict(text, k=SHOWN, threshold=self.threshold)
            answers.append(
                (self.rubrics[_number(label[0])] if label else "", [self.tags[_number(tag)] for tag in tags])
            )
        return answers


def _tagged(rows: Sequence[Row], number: dict[str, int]) -> list[tuple[list[int], str]]:
    return [([number[tag] for tag in row.tags], row.whole) for row in rows if row.tags]


def _number(label: str) -> int:
    return int(label.removeprefix("__label__"))


class Omikuji:
    """As Annif has it: NLTK's words of three letters and more, Snowball stems, TF-IDF of all of them, omikuji's trees.

    With `lean` the pairs for omikuji are read from the row's arrays; Annif reads each value by its place in the row.
    """

    def __init__(self, material: Material, lean: bool = False) -> None:
        import omikuji
        from nltk.stem.snowball import SnowballStemmer
        from nltk.tokenize import NLTKWordTokenizer

        self._lean = lean
        self._words = NLTKWordTokenizer().tokenize  # without the search for sentences, which would need a download
        self._stemmer = SnowballStemmer("russian")
        self._stems = Memo({}, self._stem)
        made = kept(material.folder / "omikuji_words", partial(self._learn, material))
        self._stems.update(made["stems"])
        self._vectorizer = fitted(TfidfVectorizer(tokenizer=self._tokens, token_pattern=None), made)
        with omikuji_trees.silence():
            self._model = omikuji.Model.load(str(material.folder / "omikuji"))
        self.facts = {"features": len(made["terms"]), "labels": made["labels"]}

    def _stem(self, word: str) -> str:
        return str(self._stemmer.stem(word.lower()))

    def _tokens(self, text: str) -> list[str]:
        stems = self._stems
        words = (word for word in self._words(text) if len(word) >= SHORTEST and any(map(str.isalpha, word)))
        return [stems[word] for word in words]

    def _learn(self, material: Material) -> dict[str, Any]:
        rows = [row for row in material.part("train", "validation") if row.rubric or row.tags]
        labels = [[*filter(None, (row.rubric,)), *(row.tags or ())] for row in rows]
        names = sorted({label for own in labels for label in own})
        number = {name: i for i, name in enumerate(names)}
        vectorizer = TfidfVectorizer(tokenizer=self._tokens, token_pattern=None)
        matrix = sparse.csr_array(vectorizer.fit_transform([row.whole for row in rows]))
        model = omikuji_trees.train(matrix, [[number[label] for label in own] for own in labels], len(names))
        model.save(str(material.folder / "omikuji"))
        return {**learnt_words(vectorizer), "stems": dict(self._stems), "labels": len(names)}

    def __call__(self, articles: Sequence[Article]) -> list[Any]:
        rows = self._vectorizer.transform([whole(article) for article in articles])
        return [self._model.predict(self._pairs(rows[i]), top_k=SHOWN) for i in range(len(articles))]

    def _pairs(self, row: Any) -> list[tuple[int, float]]:
        if self._lean:
            return list(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        return [(column, row[0, column]) for column in row.nonzero()[1]]


def learnt_words(vectorizer: TfidfVectorizer) -> dict[str, Any]:
    return {"terms": vectorizer.get_feature_names_out().tolist(), "idf": vectorizer.idf_}


def fitted(vectorizer: TfidfVectorizer, made: dict[str, Any]) -> TfidfVectorizer:
    """As it was when it had learnt: what it calls can't be kept in a file."""
    vectorizer.vocabulary = {name: column for column, name in enumerate(made["terms"])}
    vectorizer.idf_ = made["idf"]
    return vectorizer
