"""Articles where a hundred thousand are needed: sentences of real articles of one rubric, mixed by seed.

Most sentences are the leading article's, whose headline and labels the mix bears; the rest come from others of its
rubric. Where editors gave no rubric, the model's answer parts the articles.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

import numpy as np

from service.inference.article import Article, LabelledArticle
from service.inference.decisions import Options
from tests.bench.material import Material, Part
from tests.bench.peers import kept

WORDS, SPREAD = 250, 0.45  # of a mix on average, and of its logarithm
OWN = 0.6  # share of the sentences that are the leading article's
TAGGED = 0.5  # share of the mixes whose leading article has tags
DAYS = 600  # over which they are dated
SENTENCE = re.compile(r"(?<=[.!?…»])\s+")
RUBRIC = Options(heads=frozenset({"rubric"}))


class Mixer:
    def __init__(self, material: Material, *parts: Part) -> None:
        self._rows = material.part(*parts)
        known = kept(material.folder / f"rubrics_{'_'.join(parts)}", partial(self._rubrics, material))
        self._rubric_of: Sequence[str] = known
        self._sentences = [SENTENCE.split(row.text) for row in self._rows]
        self._alike: dict[str, list[int]] = defaultdict(list)
        for i, rubric in enumerate(known):
            self._alike[rubric].append(i)
        tagged = [i for i, row in enumerate(self._rows) if row.labels]
        self._leading = [tagged or range(len(self._rows)), range(len(self._rows))]

    def _rubrics(self, material: Material) -> list[str]:
        annotator = material.annotator()
        return [row.rubric or _likeliest(annotator.annotate([row.article], RUBRIC)[0]) for row in self._rows]

    def labelled(self, count: int, seed: int) -> Iterator[LabelledArticle]:
        """All different; the same for a seed."""
        draw = np.random.default_rng(seed)
        for number in range(count):
            leading = self._leading[int(draw.random() > TAGGED)]
            i = leading[int(draw.integers(len(leading)))]
            day = np.datetime64("2022-01-01") + int(draw.integers(DAYS))
            row = self._rows[i]
            yield LabelledArticle(
                id=f"m{seed}-{number}",
                source="mixed",
                title=row.title,
                text=self._text(i, draw),
                published_at=str(day),
                rubric=self._rubric_of[i],
                tags=row.labels,
                regions=row.regions,
            )

    def articles(self, count: int, seed: int) -> Iterator[Article]:
        for one in self.labelled(count, seed):
            yield Article(id=one.id, title=one.title, text=one.text)

    def _text(self, i: int, draw: np.random.Generator) -> str:
        wanted = WORDS * float(draw.lognormal(-(SPREAD**2) / 2, SPREAD))
        own, alike = self._sentences[i], self._alike[self._rubric_of[i]]
        order = iter(draw.permutation(len(own)).tolist())
        chosen: list[str] = []
        words = 0
        while words < wanted:
            mine = next(order, None) if draw.random() < OWN else None
            if mine is None:
                other = self._sentences[alike[int(draw.integers(len(alike)))]]
                sentence = other[int(draw.integers(len(other)))]
            else:
                sentence = own[mine]
            chosen.append(sentence)
            words += sentence.count(" ") + 1
        return " ".join(chosen)


def _likeliest(answer: object) -> str:
    rubric, others = answer.rubric, answer.alternatives  # type: ignore[attr-defined]
    return rubric.label if rubric else others[0].label if others else ""


def grouped(articles: Iterator[Article], size: int) -> Iterator[list[Article]]:
    while group := list(islice(articles, size)):
        yield group
