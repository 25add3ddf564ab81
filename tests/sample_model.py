"""A model trained on the sample corpus, once for each state of the code, and its articles."""

import fcntl
import hashlib
import pickle
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle
from service.records import Rejects
from training.config import load
from training.progress import Progress
from training.run import Trained, train

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "datasets" / "sample" / "news.jsonl"
KEPT = ROOT / "var" / "tests"


@cache
def trained() -> Trained:
    """15 s of CPU, kept for the other test processes and for later runs of the same code."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = KEPT / f"sample-{_state_of_the_code()}.pickle"
        if not kept.exists():
            found = train(load(None, [SAMPLE]), Rejects(), Progress(quiet=True))
            for older in KEPT.glob("sample-*"):
                older.unlink()
            beside = kept.with_suffix(".new")
            beside.write_bytes(pickle.dumps(found))
            beside.replace(kept)
        return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]


def _state_of_the_code() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(_sources()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    """What a training run reads, and what makes its numbers."""
    yield ROOT / "requirements-training.txt"
    for folder in ("service", "training", "datasets"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".pyc", ".so"}:
                yield path


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
