"""The regions head: places that a text names, places that it is about, and what of them could be published unseen.

    python -m training.protocols --data FOLDER --only regions

Every figure is of `Annotator.annotate`. A model that learns from ria_2023 is asked for the places named in factrueval,
by the entities that people marked there and the gazetteer knows, and for the places that the editors of ria_2020
tagged, articles without a place included. `auto` is measured as it is given, to the outlet that the model was
calibrated on: a model of the first four fifths of ria_2023 is asked about the last. How it would do on ria_2020, three
years before and tagged by another habit, is printed beside. Under a minute.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle, RegionAnswer
from service.inference.decisions import Options
from service.inference.words import folded
from service.lines import open_lines
from service.records import Rejects
from training import gazetteer as places
from training import measures
from training.config import Config, Corpus, Split
from training.evaluate import evaluate, unlabelled
from training.evaluation import RegionMeasures
from training.examples import load
from training.gazetteer import Gazetteer
from training.heads import fit_heads
from training.label_map import LabelMap
from training.labels import Tags
from training.progress import Progress
from training.protocols.section import Asked, Cell, Section, Table
from training.run import labelled, labels_of
from training.split import split

TRAIN, TEST, NAMED = "ria_2023", "ria_2020", "factrueval"
LEVELS = ("country", "subject", "city")
PLACES = Options(heads=frozenset({"regions"}))
ENTITIES = frozenset({"Location", "LocOrg"})
LEAST_NAMED = 0.85
LEAST_ABOUT = {"country": 0.61, "subject": 0.62, "city": 0.51}
LEAST_RIGHT = 0.93  # of the places published unseen


class Counts(NamedTuple):
    """Places of one level in one text."""

    found: int
    answered: int
    marked: int


def config_for(folder: Path, corpus: str) -> Config:
    return Config(corpus=(Corpus(path=folder / f"{corpus}.jsonl.gz", format="records", use=("tags", "regions")),))


def run(folder: Path, progress: Progress) -> list[Section]:
    annotator, labels, gazetteer, _ = learnt(folder, Split("time", 0.25, 0.0), progress)
    tested = [row.article for row in load(config_for(folder, TEST), Rejects()).rows]
    with progress.step(f"{len(tested)} articles of {TEST}"):
        about = evaluate(annotator, tested, label_map=labels).regions
    with progress.step(f"texts of {NAMED}"):
        mentioned = mentions(annotator, gazetteer, folder / f"{NAMED}.jsonl.gz")
    earlier, labels, _, later = learnt(folder, Split("time", 0.25, 0.2), progress)
    right, elsewhere = (publishable(earlier, articles, labels) for articles in (later, tested))
    return [section(mentioned, about, right, elsewhere, earlier.decisions.as_data()["regions_auto"], len(later))]


def section(
    mentioned: Mapping[str, Sequence[Counts]], about: RegionMeasures, right: Sequence[bool], elsewhere: Sequence[bool],
    threshold: float, later: int,
) -> Section:  # fmt: skip
    """`right` and `elsewhere`: whether each place to be published unseen is right, in the outlet's later articles
    and in those of another time; `threshold` is the score from which it is published."""
    levels = {level: getattr(about, level) for level in LEVELS}
    asked: list[Asked] = []
    named_rows: list[tuple[Cell, ...]] = []
    for level, of_texts in mentioned.items():
        found, answered, marked = np.array(of_texts, np.int64).reshape(-1, 3).T
        f1 = measures.micro_f1(found, answered, marked)
        interval = measures.interval(measures.resampled_micro_f1(found, answered, marked))
        asked.append(
            Asked(f"named: {level} F1", f1, least=LEAST_NAMED, interval=interval, note=f"{marked.sum()} places marked")
        )
        named_rows.append((level, *map(int, (marked.sum(), answered.sum(), found.sum())), f1))
    asked += [
        Asked(
            f"about: {level} F1", one.f1, least=LEAST_ABOUT[level], interval=one.f1_interval,
            note=f"{one.support} places of the editors",
        )
        for level, one in levels.items()
    ]  # fmt: skip
    asked.append(
        Asked(
            "published unseen: right", share(right) if right else None, least=LEAST_RIGHT,
            interval=measures.wilson(sum(right), len(right)), note=f"{sum(right)} of {len(right)} places",
        )
    )  # fmt: skip
    about_rows = [
        (level, one.support, one.f1, one.precision, one.recall, one.predicted) for level, one in levels.items()
    ]
    auto_rows = [
        (f"the last fifth of {TRAIN}, {later} articles", len(right), share(right)),
        (f"{TEST}, tagged by another habit", len(elsewhere), share(elsewhere)),
    ]
    return Section(
        "regions",
        "Places",
        f"Learnt from {TRAIN}; places named in {NAMED}, by the entities that people marked and the gazetteer knows; "
        f"places that {TEST} is about, by its editors’ tags, {about.without_place} of {about.n} articles without any. "
        f"What may be published unseen: a model of the first four fifths of {TRAIN} is asked about the last.",
        about.n,
        tuple(asked),
        (
            Table("Places named", ("Level", "Marked", "Answered", "Of them right", "F1"), tuple(named_rows)),
            Table(
                "Places an article is about", ("Level", "Editors’", "F1", "Precision", "Recall", "Answered"),
                tuple(about_rows),
            ),
            Table(
                "Published unseen", ("Articles", "Places", "Right"), tuple(auto_rows),
                f"From a score of {threshold:.2f} on.",
            ),
        ),
    )  # fmt: skip


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


def mentions(annotator: Annotator, gazetteer: Gazetteer, path: Path) -> dict[str, list[Counts]]:
    """Places by level, text by text: a place counts once a text; a city's subject only where it is named."""
    rows = [json.loads(line) for _, line in open_lines(path)]
    texts = [Article(title=row["title"], text=row["text"]) for row in rows]
    level = {place.id: place.level for place in annotator.places}
    counts: dict[str, list[Counts]] = {name: [] for name in LEVELS}
    for row, annotation in zip(rows, annotator.annotate(texts, PLACES), strict=True):
        assert isinstance(annotation.regions, tuple)
        answered = named(annotation.regions)
        wanted: set[str] = set()
        for entity in row["entities"]:
            if entity["type"] in ENTITIES:
                readings = readings_of(annotator, gazetteer, entity["text"])
                wanted |= readings & answered or set(sorted(readings)[:1])
        for name, of_texts in counts.items():
            own, marked = ({place for place in places if level[place] == name} for places in (answered, wanted))
            of_texts.append(Counts(len(own & marked), len(own), len(marked)))
    return counts


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
