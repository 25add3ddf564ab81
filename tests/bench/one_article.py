"""One article at a time through rubric, regions and 2,000 tags, against scikit-learn's usual parts.

    python -m tests.bench.one_article --data FOLDER [--json out.json]

The reference: TfidfVectorizer with a pymorphy3 tokenizer whose lemmas are cached, LinearSVC.decision_function, and the
tags as one sparse product. Its tags have the very weights of ours, it looks for no places and no names, and it has seen
every word of the test before. Ours does all of `Annotator.annotate`. Articles are real and all different.
"""

import argparse
import gc
import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import pymorphy3
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from service.inference import artifact
from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle
from service.records import Rejects
from tests.reference import term
from training.config import Config, Corpus, Decision, Model, Tags
from training.examples import load as load_examples
from training.progress import Progress
from training.run import train

TAGS = 2_000
ARTICLES = 1_500
TURN = 50  # articles of one system before the other's turn
WARM_UP = 300  # articles that are not counted
WORDS = (200, 320)  # of a measured article: some 250
WORD = re.compile(r"[^\W_]+")


def corpora(folder: Path) -> Config:
    """An outlet for the rubrics and two for the tags; every tag that two articles bear is trained."""
    return Config(
        corpus=(
            Corpus(folder / "fontanka.jsonl.gz", format="records", use=("rubric",), cap=2_000, min_chars=200),
            Corpus(folder / "rt.jsonl.gz", format="records", use=("tags", "regions")),
            Corpus(folder / "ria_2023.jsonl.gz", format="records", use=("tags", "regions")),
            Corpus(folder / "ng.jsonl.gz", format="records", use=("tags", "regions")),
        ),
        model=Model(max_tags=TAGS),
        tags=Tags(min_examples=2, min_positives=2, max_negatives=1_500),
        decision=Decision(publish=False),
    )


class Reference:
    """The usual parts of scikit-learn, each used as its documentation shows."""

    def __init__(self, articles: Sequence[LabelledArticle], ours: Annotator) -> None:
        analyzer = pymorphy3.MorphAnalyzer(lang="ru")
        lemma = cache(lambda word: analyzer.parse(word)[0].normal_form.replace("ё", "е"))

        def tokens(text: str) -> list[str]:
            return [lemma(word) for word in WORD.findall(text.lower())]

        self._vectorizer = TfidfVectorizer(
            tokenizer=tokens,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            min_df=4,
            sublinear_tf=True,
            dtype=np.float32,
        )
        rows = self._vectorizer.fit_transform(map(whole, articles))
        labelled = [i for i, article in enumerate(articles) if article.rubric]
        self._rubric = LinearSVC(C=0.1).fit(rows[labelled], [articles[i].rubric for i in labelled])
        self._tags = self._weights(ours)

    def _weights(self, ours: Annotator) -> sparse.csr_matrix:
        """Our trained weights in this vocabulary, those of body, title and lead added up."""
        vocabulary, names = self._vectorizer.vocabulary_, ours.lemmas.names()
        start, tag, weight = ours.tags.weights()
        block = ours.features.features + 1
        own = {column: int(key) % block for column, key in enumerate(ours.features.keys)}
        rows, columns, values = [], [], []
        for column, key in own.items():
            row = vocabulary.get(term(key, ours.features, names))
            if row is not None:
                part = slice(int(start[column]), int(start[column + 1]))
                rows += [row] * (part.stop - part.start)
                columns += tag[part].tolist()
                values += weight[part].tolist()
        shape = (len(vocabulary), len(ours.tags.ids))
        return sparse.csr_matrix((np.array(values, np.float32), (rows, columns)), shape=shape)

    def __call__(self, article: Article) -> Any:
        row = self._vectorizer.transform([whole(article)])
        return self._rubric.decision_function(row), row @ self._tags

    @property
    def facts(self) -> dict[str, int]:
        features, tags = self._tags.shape
        return {"features": features, "tags": tags, "weights": int(self._tags.nnz)}


def whole(article: Article) -> str:
    return f"{article.title or ''}\n{article.text or ''}"


class System:
    """One system in a process of its own, as it would be deployed: no other heap takes its place in the caches."""

    def __init__(self, build: Callable[[Path, Path], Callable[[Article], Any]], data: Path, kept: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=work, args=(build, data, kept, other), daemon=True)
        self._process.start()
        self.facts: dict[str, Any] = self._connection.recv()

    def seconds(self, articles: Sequence[Article]) -> list[float]:
        """CPU time of each article, one at a time."""
        self._connection.send(articles)
        times: list[float] = self._connection.recv()
        return times

    def end(self) -> None:
        self._connection.send(None)
        self._process.join()


def work(build: Callable[[Path, Path], Callable[[Article], Any]], data: Path, kept: Path, parent: Connection) -> None:
    system = build(data, kept)
    gc.collect()
    gc.freeze()  # as a service does after its start; both gain by it
    parent.send(getattr(system, "facts", {}))
    while (articles := parent.recv()) is not None:
        times = []
        for article in articles:
            began = time.process_time_ns()
            system(article)
            times.append((time.process_time_ns() - began) / 1e9)
        parent.send(times)


def build_reference(data: Path, kept: Path) -> Callable[[Article], Any]:
    return Reference(examples(data), loaded(kept))


def build_ours(data: Path, kept: Path) -> Callable[[Article], Any]:
    annotator = loaded(kept)
    return lambda article: annotator.annotate([article])


def loaded(kept: Path) -> Annotator:
    return Annotator("bench", artifact.read(kept).parts)


def examples(data: Path) -> list[LabelledArticle]:
    return [row.article for row in load_examples(corpora(data), Rejects()).rows]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the trained model; made if it is not there")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not options.model.is_dir():
        train(corpora(options.data), Rejects(), Progress()).write(options.model, compress=False, with_report=False)
    systems = {
        "scikit-learn, no places, no names": System(build_reference, options.data, options.model),
        "rubricator, rubric + regions + tags": System(build_ours, options.data, options.model),
    }
    chosen = [one for one in examples(options.data) if WORDS[0] <= len(whole(one).split()) <= WORDS[1]][:ARTICLES]
    articles = [Article(title=article.title, text=article.text) for article in chosen]
    times: dict[str, list[float]] = {name: [] for name in systems}
    for system in systems.values():
        system.seconds(articles[:WARM_UP])
    # in turns, so that a slow moment of the machine hits both
    for start in range(WARM_UP, len(articles), TURN):
        for name, system in systems.items():
            times[name] += system.seconds(articles[start : start + TURN])
    result = report(times, articles[WARM_UP:], next(iter(systems.values())).facts)
    for system in systems.values():
        system.end()
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def report(times: dict[str, list[float]], articles: Sequence[Article], facts: dict[str, Any]) -> dict[str, Any]:
    words = float(np.mean([len(whole(article).split()) for article in articles]))
    print(
        f"{len(articles)} real articles, {words:.0f} words on average, {facts['tags']} tags, "
        f"{facts['weights']} weights and {facts['features']} features in the reference"
    )
    result: dict[str, Any] = {"articles": len(articles), "words": words, **facts, "systems": {}}
    for name, seconds in times.items():
        p50, p99 = (float(np.percentile(seconds, q)) * 1e6 for q in (50, 99))
        print(f"{name:<40} p50 {p50:7.0f} µs   p99 {p99:7.0f} µs   {1e6 / p50:6.0f} articles/s")
        result["systems"][name] = {"p50_us": p50, "p99_us": p99}
    slow, fast = times.values()
    ratio = float(np.median(np.array(slow) / np.array(fast)))
    print(f"ratio, the median over articles: {ratio:.2f}")
    return {**result, "ratio": ratio}


if __name__ == "__main__":
    main()
