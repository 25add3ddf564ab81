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


def small_archive(path: Path) -> Path:
    """120 of the articles as an archive of their own: fewer than the 200 that `auto` and a figure ask for."""
    path.write_bytes(b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[:120]))
    return path


@cache
def labelled_articles() -> tuple[LabelledArticle, ...]:
    return tuple(msgspec.json.decode(line, type=LabelledArticle) for line in SAMPLE.read_bytes().splitlines())


@cache
def articles() -> tuple[Article, ...]:
    return tuple(msgspec.json.decode(line, type=Article) for line in SAMPLE.read_bytes().splitlines())
