"""The regions head: places that a text names, places that it is about, and what of them could be published unseen.

    python -m training.protocols.regions --data FOLDER --json out.json

Every figure is of `Annotator.annotate`. A model that learns from ria_2023 is asked for the places named in factrueval,
by the entities that people marked there and the gazetteer knows, and for the places that the editors of ria_2020
tagged, articles without a place included. `auto` is measured as it is given, to the outlet that the model was
calibrated on: a model of the first four fifths of ria_2023 is asked about the last. How it would do on ria_2020, three
years before and tagged by another habit, is printed beside. Under a minute.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import typer

from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle, RegionAnswer
from service.inference.decisions import Options
from service.inference.words import folded
from service.lines import open_lines
from service.records import Rejects
from training import gazetteer as places
from training.config import Config, Corpus, Split
from training.evaluate import evaluate, unlabelled
from training.examples import load
from training.gazetteer import Gazetteer
from training.heads import fit_heads
from training.label_map import LabelMap
from training.labels import Tags
from training.progress import Progress
from training.run import labelled, labels_of
from training.split import split

TRAIN, TEST, NAMED = "ria_2023", "ria_2020", "factrueval"
LEVELS = ("country", "subject", "city")
PLACES = Options(heads=frozenset({"regions"}))
ENTITIES = frozenset({"Location", "LocOrg"})


class Asked(NamedTuple):
    """One figure and the least that is asked of it."""

    name: str
    value: float
    least: float
    rests_on: int  # places

    @property
    def met(self) -> bool:
        return self.value >= self.least


def config_for(folder: Path, corpus: str) -> Config:
    return Config(corpus=(Corpus(path=folder / f"{corpus}.jsonl.gz", format="records", use=("tags", "regions")),))


def run(folder: Path, progress: Progress) -> tuple[list[Asked], dict[str, Any]]:
    """The figures that something is asked of, and others to look at."""
    annotator, labels, gazetteer, _ = learnt(folder, Split("time", 0.25, 0.0), progress)
    tested = [row.article for row in load(config_for(folder, TEST), Rejects()).rows]
    with progress.step(f"{len(tested)} articles of {TEST}"):
        about = evaluate(annotator, tested, label_map=labels).regions
    with progress.step(f"texts of {NAMED}"):
        mentioned = mentions(annotator, gazetteer, folder / f"{NAMED}.jsonl.gz")
    earlier, labels, _, later = learnt(folder, Split("time", 0.25, 0.2), progress)
    right, elsewhere = (publishable(earlier, articles, labels) for articles in (later, tested))
    asked = [Asked(f"named: {level} F1", f1, 0.85, count) for level, (f1, count) in mentioned.items()]
    least = {"country": 0.61, "subject": 0.62, "city": 0.51}
    for level in LEVELS:
        measured = getattr(about, level)
        asked.append(Asked(f"about: {level} F1", measured.f1, least[level], measured.support))
    asked.append(Asked("auto: precision", share(right), 0.93, len(right)))
    others = {
        "articles": about.n,
        "without_place": about.without_place,
        "auto": {"threshold": earlier.decisions.as_data()["regions_auto"], "articles": len(later)},
        f"auto_on_{TEST}": {"precision": share(elsewhere), "places": len(elsewhere)},
        "about": {level: msgspec.to_builtins(getattr(about, level)) for level in LEVELS},
    }
    return asked, others


def learnt(
    folder: Path, parted: Split, progress: Progress
) -> tuple[Annotator, LabelMap, Gazetteer, list[LabelledArticle]]:
    """A model of places alone, how it reads labels, its gazetteer, and the articles set aside for a test."""
    config = msgspec.structs.replace(config_for(folder, TRAIN), split=parted)
    examples = load(config, Rejects())
    parts = split(examples, config.split)
    gazetteer = places.build()
    data = labelled(examples, [], Tags([], {}), gazetteer, config, by_time=True)
    heads = fit_heads(data, parts.train, parts.validation, [], [], gazetteer, config, progress)
    annotator = Annotator("protocol", heads)
    test = [examples.rows[i].article for i in parts.test]
    return annotator, labels_of(annotator, gazetteer, {}), gazetteer, test


def mentions(annotator: Annotator, gazetteer: Gazetteer, path: Path) -> dict[str, tuple[float, int]]:
    """F1 and number of marked places by level: a place counts once a text; a city's subject only where it is named."""
    rows = [json.loads(line) for _, line in open_lines(path)]
    texts = [Article(title=row["title"], text=row["text"]) for row in rows]
    level = {place.id: place.level for place in annotator.places}
    counts = {name: Counter[str]() for name in LEVELS}
    for row, annotation in zip(rows, annotator.annotate(texts, PLACES), strict=True):
        assert isinstance(annotation.regions, tuple)
        answered = named(annotation.regions)
        wanted: set[str] = set()
        for entity in row["entities"]:
            if entity["type"] in ENTITIES:
                readings = readings_of(annotator, gazetteer, entity["text"])
                wanted |= readings & answered or set(sorted(readings)[:1])
        for place in answered | wanted:
            outcome = "missed" if place not in answered else "hit" if place in wanted else "wrong"
            counts[level[place]][outcome] += 1
    return {name: (f1(of), of["hit"] + of["missed"]) for name, of in counts.items()}


def named(answers: Sequence[RegionAnswer]) -> set[str]:
    """Places with a mention that none of the places in them has: «в Туле» names Тула, and not its oblast."""
    found = set()
    for answer in answers:
        inner = {span for other in answers if other.parent == answer.id and answer.level != "country"
                 for span in other.evidence}  # fmt: skip
        if any(span not in inner for span in answer.evidence):
            found.add(answer.id)
    return found


def readings_of(annotator: Annotator, gazetteer: Gazetteer, text: str) -> set[str]:
    """Ids of the places that the whole of a marked stretch may name."""
    classes = annotator.lemmas.classes(folded(text))
    hits, _ = annotator.phrases.named(classes, classes[:0]).places
    phrases = [
        gazetteer.phrases[phrase].place for first, last, phrase in hits.tolist() if first == 0 and last == len(classes)
    ]
    return {gazetteer.places[place].id for place in phrases if place >= 0}


def publishable(annotator: Annotator, articles: Sequence[LabelledArticle], labels: LabelMap) -> list[bool]:
    """Whether each place that would be `auto`, had the outlet been calibrated, is one of its editors'."""
    least = annotator.decisions.as_data()["regions_auto"]
    right = []
    answers = annotator.annotate([unlabelled(article) for article in articles], PLACES)
    for article, annotation in zip(articles, answers, strict=True):
        assert isinstance(annotation.regions, tuple)
        wanted = {region.id for region in labels.truth(article).regions}
        chosen = [one for one in annotation.regions if one.decision != "abstain" and one.score >= least]
        right += [one.id in wanted for one in chosen]
    return right


def share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else 0.0


def f1(counts: Counter[str]) -> float:
    found = 2 * counts["hit"]
    return found / max(1, found + counts["wrong"] + counts["missed"])


def summary(asked: Sequence[Asked]) -> Iterator[str]:
    for one in asked:
        told = "pass" if one.met else "FAIL"
        yield f"{told}  {one.name:<20}{one.value:.4f}, asked {one.least:.2f}, {one.rests_on} places"


def main() -> None:
    parser = argparse.ArgumentParser(description="Places named, places an article is about, places to publish unseen.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    asked, others = run(options.data, Progress())
    if options.json:
        figures = {
            one.name: {"value": one.value, "least": one.least, "met": one.met, "places": one.rests_on} for one in asked
        }
        content = msgspec.json.encode({"asked": figures, **others})
        options.json.write_bytes(msgspec.json.format(content, indent=1) + b"\n")
    for line in summary(asked):
        typer.echo(line)
    beside = others[f"auto_on_{TEST}"]
    typer.echo(f"auto on {TEST}: precision {beside['precision']:.3f} of {beside['places']} places")
    if not all(one.met for one in asked):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
