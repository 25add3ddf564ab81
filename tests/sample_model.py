"""A model trained on the sample corpus, once for each test process, and its articles."""

from functools import cache
from pathlib import Path

import msgspec

from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle
from service.records import Rejects
from training.config import load
from training.progress import Progress
from training.run import Trained, train

SAMPLE = Path(__file__).parent.parent / "datasets" / "sample" / "news.jsonl"


@cache
def trained() -> Trained:
    return train(load(None, [SAMPLE]), Rejects(), Progress(quiet=True))


@cache
def annotator() -> Annotator:
    return Annotator("sample", trained().parts)


@cache
def labelled_articles() -> tuple[LabelledArticle, ...]:
    return tuple(msgspec.json.decode(line, type=LabelledArticle) for line in SAMPLE.read_bytes().splitlines())


@cache
def articles() -> tuple[Article, ...]:
    return tuple(msgspec.json.decode(line, type=Article) for line in SAMPLE.read_bytes().splitlines())
