"""What every part measures on: real articles, cut into those learnt from and those held out, and the model they made.

Made once and kept in the folder of the benchmark, for training takes minutes: throw the folder away after a change of
training, or when the corpora are others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec.structs import replace

from service.inference import artifact
from service.inference.annotator import Annotator
from service.inference.article import Article
from service.records import Rejects
from training import gazetteer
from training.config import Config, Corpus, Decision, Model, Split, Tags
from training.examples import load
from training.labels import tags_of
from training.progress import Progress
from training.run import train
from training.split import split

TAGS = 2_000
WORDS = (200, 320)  # of an article whose time is taken: some 250
Part = Literal["train", "validation", "test", "spare"]  # spare: beyond the cap of its rubric, never learnt from


class Row(msgspec.Struct, frozen=True):
    """An article with what its editors say of it, in the model's terms; None where its outlet says nothing."""

    part: Part
    title: str
    text: str
    rubric: str | None
    tags: tuple[str, ...] | None
    labels: tuple[str, ...] = ()  # tags and regions as its editors wrote them
    regions: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.text}"

    @property
    def article(self) -> Article:
        return Article(title=self.title, text=self.text)


@dataclass(frozen=True)
class Material:
    """Where it is kept, and the corpora that it was made of."""

    folder: Path
    corpora: Path

    def __reduce__(self) -> tuple[type["Material"], tuple[Path, Path]]:
        """Other processes read the rows for themselves."""
        return Material, (self.folder, self.corpora)

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @cached_property
    def rows(self) -> Sequence[Row]:
        lines = (self.folder / "rows.jsonl").read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Row) for line in lines]

    def part(self, *names: Part) -> list[Row]:
        return [row for row in self.rows if row.part in names]

    def measured(self) -> list[Article]:
        """Held-out articles of the usual length, all different, in an order that mixes the outlets."""
        chosen = [row.article for row in self.part("test", "spare") if WORDS[0] <= len(row.whole.split()) <= WORDS[1]]
        return [chosen[i] for i in np.random.default_rng(0).permutation(len(chosen)).tolist()]

    def annotator(self) -> Annotator:
        return Annotator("bench", artifact.read(self.model).parts)


def prepare(folder: Path, corpora: Path, progress: Progress) -> Material:
    """The material of this folder, made if it is not there. Minutes of CPU the first time."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Material(folder, corpora)
    config = config_of(corpora)
    if not (folder / "rows.jsonl").exists():
        with progress.step("reading the corpora"):
            (folder / "rows.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows_of(config))))
    if not found.model.is_dir():
        train(config, Rejects(), progress).write(found.model, compress=False, with_report=False)
    return found


def config_of(folder: Path) -> Config:
    """An outlet for the rubrics and three for the tags; every tag that two articles bear is trained."""
    return Config(
        corpus=(
            Corpus(folder / "fontanka.jsonl.gz", format="records", use=("rubric",), cap=2_000, min_chars=200),
            Corpus(folder / "rt.jsonl.gz", format="records", use=("tags", "regions")),
            Corpus(folder / "ria_2023.jsonl.gz", format="records", use=("tags", "regions")),
            Corpus(folder / "ng.jsonl.gz", format="records", use=("tags", "regions")),
        ),
        split=Split("hash", 0.10, 0.15),
        model=Model(max_tags=TAGS),
        tags=Tags(min_examples=2, min_positives=2, max_negatives=1_500),
        decision=Decision(publish=False),
    )


def rows_of(config: Config) -> Iterator[Row]:
    """As training reads, cuts and names them."""
    examples = load(config, Rejects())
    cut = split(examples, config.split)
    parts: tuple[tuple[Part, np.ndarray], ...] = (
        ("train", cut.train),
        ("validation", cut.validation),
        ("test", cut.test),
    )
    learnt = [examples.rows[i].article for i in np.concatenate((cut.train, cut.validation)).tolist()]
    known = tags_of(learnt, gazetteer.build(), (), config.tags.min_examples, config.model.max_tags, ())
    tagging = examples.labelled_with("tags")
    for part, indices in parts:
        for row in (examples.rows[i] for i in indices.tolist()):
            article = row.article
            tags = tuple(known.tags[number].id for number in sorted(known.of(article.tags)))
            yield Row(
                part,
                article.title or "",
                article.text or "",
                article.rubric or None,
                tags if row.corpus in tagging else None,
                article.tags,
                article.regions,
            )
    used = {row.key for row in examples.rows}
    uncapped = load(replace(config, corpus=(replace(config.corpus[0], cap=0),)), Rejects())
    for row in uncapped.rows:
        if row.key not in used:
            yield Row("spare", row.article.title or "", row.article.text or "", None, None)
