"""One article at a time through rubric, regions and 2,000 tags, against scikit-learn's usual parts.

    python -m tests.bench.one_article --data FOLDER [--json out.json]

The reference: TfidfVectorizer with a pymorphy3 tokenizer whose lemmas are cached, LinearSVC.decision_function, and the
tags as one sparse product. Its tags have the very weights of ours, it looks for no places and no names, and it has seen
every word of the test before. Ours does all of `Annotator.annotate`. Articles are real and all different.
"""

import argparse
import gc
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
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
from service.inference.decisions import Options
from service.records import Rejects
from tests.reference import term
from training.config import Config, Corpus, Decision, Model, Tags
from training.examples import load as load_examples
from training.progress import Progress
from training.run import train

TAGS = 2_000
ARTICLES = 1_500
TURN = 50  # articles of one system before the other's turn
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


def model(config: Config, kept: Path | None) -> Annotator:
    if kept is not None and kept.is_dir():
        return Annotator("bench", artifact.read(kept).parts)
    trained = train(config, Rejects(), Progress())
    if kept is not None:
        trained.write(kept, compress=False, with_report=False)
    return Annotator("bench", trained.parts)


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
    def weights(self) -> int:
        return int(self._tags.nnz)


def whole(article: Article) -> str:
    return f"{article.title or ''}\n{article.text or ''}"


def measure(systems: dict[str, Callable[[Article], Any]], articles: Sequence[Article]) -> dict[str, list[float]]:
    """Seconds of CPU for each article and system, in turns, so that a slow moment of the machine hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in systems}
    for start in range(0, len(articles), TURN):
        for name, system in systems.items():
            for article in articles[start : start + TURN]:
                began = time.process_time_ns()
                system(article)
                times[name].append((time.process_time_ns() - began) / 1e9)
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--model", type=Path, help="keep the trained model here, and use it if it is there")
    options = parser.parse_args()
    config = corpora(options.data)
    ours = model(config, options.model)
    known = [row.article for row in load_examples(config, Rejects()).rows]
    reference = Reference(known, ours)
    chosen = [article for article in known if WORDS[0] <= len(whole(article).split()) <= WORDS[1]][:ARTICLES]
    articles = [Article(title=article.title, text=article.text) for article in chosen]
    heads = Options()
    systems: dict[str, Callable[[Article], Any]] = {
        "scikit-learn, no places, no names": reference,
        "rubricator, rubric + regions + tags": lambda article: ours.annotate([article], heads),
    }
    gc.collect()
    gc.freeze()  # as a service does after its start; both gain by it
    measure(systems, articles[:300])  # warms both
    times = measure(systems, articles)
    result = report(times, articles, ours, reference)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def report(
    times: dict[str, list[float]], articles: Sequence[Article], ours: Annotator, reference: Reference
) -> dict[str, Any]:
    words = float(np.mean([len(whole(article).split()) for article in articles]))
    print(
        f"{len(articles)} real articles, {words:.0f} words on average, {len(ours.tags.ids)} tags, "
        f"{reference.weights} weights in the reference"
    )
    result: dict[str, Any] = {"articles": len(articles), "words": words, "tags": len(ours.tags.ids), "systems": {}}
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
