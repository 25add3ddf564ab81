"""scikit-learn on raw words: what a first attempt looks like, every setting at its default but the one named."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

from training.protocols.peers.peer import Answers, Learnable, Model, Options, Peer
from training.protocols.peers.tag_peer import RANKED, Ranking, Tagged, TagModel, TagPeer


def _logistic_regression(learnt: Learnable, _: Options) -> Model:
    vectorizer = TfidfVectorizer()
    model = LogisticRegression(max_iter=1000)
    model.fit(vectorizer.fit_transform(learnt.texts), learnt.labels)

    def answer(texts: Sequence[str]) -> Answers:
        probabilities = model.predict_proba(vectorizer.transform(texts))
        return Answers(model.classes_[probabilities.argmax(axis=1)].tolist(), probabilities.max(axis=1))

    return answer


def _linear_svc(learnt: Learnable, class_weight: str | None) -> Model:
    vectorizer = TfidfVectorizer()
    model = LinearSVC(class_weight=class_weight, random_state=0)
    model.fit(vectorizer.fit_transform(learnt.texts), learnt.labels)

    def answer(texts: Sequence[str]) -> Answers:
        margins = model.decision_function(vectorizer.transform(texts))
        return Answers(model.classes_[margins.argmax(axis=1)].tolist(), margins.max(axis=1))

    return answer


LOGISTIC_REGRESSION = Peer("raw words + LogisticRegression", _logistic_regression)
LINEAR_SVC = Peer("raw words + LinearSVC", lambda learnt, _: _linear_svc(learnt, None), gives_probabilities=False)
BALANCED_SVC = Peer(
    "raw words + LinearSVC, balanced", lambda learnt, _: _linear_svc(learnt, "balanced"), gives_probabilities=False
)


# A tag with fewer is left out, which saves a quarter of the time: on RT's validation the margins of 25 tags with one
# example and of 25 with two were over -0.5 once among 32,000, and not where they should have been.
FEWEST_EXAMPLES = 3


def _one_vs_rest(learnt: Tagged, _: Options) -> TagModel:
    vectorizer, binarizer = TfidfVectorizer(), MultiLabelBinarizer(sparse_output=True)
    examples = Counter(tag for own in learnt.tags for tag in own)
    tags = binarizer.fit_transform(
        [sorted(tag for tag in own if examples[tag] >= FEWEST_EXAMPLES) for own in learnt.tags]
    )
    model = OneVsRestClassifier(LinearSVC(random_state=0)).fit(vectorizer.fit_transform(learnt.texts), tags)

    def answer(texts: Sequence[str]) -> list[Ranking]:
        margins = np.atleast_2d(model.decision_function(vectorizer.transform(texts)))
        best = np.argsort(-margins, axis=1, kind="stable")[:, :RANKED]
        return [
            [(binarizer.classes_[i], float(row[i])) for i in own.tolist()]
            for row, own in zip(margins, best, strict=True)
        ]

    return answer


ONE_VS_REST_SVC = TagPeer("raw words + LinearSVC, one-vs-rest", _one_vs_rest)
