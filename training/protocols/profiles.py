"""What the profiles precision, balanced and recall show and publish, on the time after training.

    python -m training.protocols --data FOLDER --only profiles

Rubrics: fontanka until June 2023, calibrated on its latest 2,000 articles, tested on July to September. Tags and
regions: the first four fifths of ria_2023, thresholds from the last quarter of these, tested on the last one.
Thresholds are chosen on validation articles alone. `auto` is counted as it is given, to the outlet itself; RIA's
model has too few rubrics for that by training alone, so the protocol lets it. Tags are counted on articles that have
any, as far as five are shown. Two minutes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec

from service.inference.annotator import Annotator
from service.inference.article import LabelledArticle, Profile
from service.inference.decisions import Options
from service.inference.profiles import BALANCED
from service.records import Rejects
from training import gazetteer as places
from training import measures
from training.config import Config, Corpus, Split
from training.evaluate import unlabelled
from training.examples import load
from training.heads import fit_heads
from training.label_map import LabelMap
from training.labels import Tags, tags_of
from training.policy import policies
from training.progress import Progress
from training.protocols.outlet_over_time import config_for as fontanka
from training.protocols.section import Asked, Section, Table
from training.run import aliases_of, labelled, labels_of, rubrics_of
from training.split import split

PROFILES: tuple[Profile, ...] = get_args(Profile)
RUBRIC, TAGS, REGIONS = "rubric", "tags", "regions"
NO_TAGS = Tags([], {})
AUTO = {"precision": 0.95, "balanced": 0.9, "recall": 0.9}  # what is published is to be right so often, a quarter later


@dataclass
class Counts:
    """Labels of one kind under one profile, over all test articles: the editors', the shown, the published."""

    true: int = 0
    shown: int = 0
    shown_right: int = 0
    auto: int = 0
    auto_right: int = 0

    @property
    def precision(self) -> float | None:
        return self.shown_right / self.shown if self.shown else None

    @property
    def recall(self) -> float | None:
        return self.shown_right / self.true if self.true else None

    @property
    def auto_precision(self) -> float | None:
        return self.auto_right / self.auto if self.auto else None

    def add(self, truth: set[str], answers: Sequence[Mapping[str, Any]]) -> None:
        shown = {one["id"] for one in answers if one["decision"] != "abstain"}
        auto = {one["id"] for one in answers if one["decision"] == "auto"}
        self.true += len(truth)
        self.shown += len(shown)
        self.shown_right += len(shown & truth)
        self.auto += len(auto)
        self.auto_right += len(auto & truth)


ByProfile = dict[Profile, Counts]


def run(folder: Path, progress: Progress) -> Section:
    config = msgspec.structs.replace(
        fontanka(folder), split=Split("time", "2023-04-01/2023-07-01", "2023-07-01/2023-10-01")
    )
    model, labels, quarter = learnt(config, progress)
    rubric = counted(model, labels, quarter, RUBRIC)
    ria = Corpus(path=folder / "ria_2023.jsonl.gz", format="records", use=("tags", "regions"))
    model, labels, later = learnt(Config(corpus=(ria,), split=Split("time", 0.25, 0.2)), progress)
    tags, regions = (counted(model, labels, later, kind) for kind in (TAGS, REGIONS))
    return Section(
        name="profiles",
        title="Profiles: precision, balanced, recall",
        about=(
            "Rubrics: fontanka until June 2023, tested on the next quarter. Tags and regions: the first four fifths of "
            "ria_2023, tested on the last. Thresholds were chosen on validation articles before the test."
        ),
        n=len(quarter) + len(later),
        asked=(*asked_of_auto(rubric, tags, regions), *asked_of_order({RUBRIC: rubric, TAGS: tags, REGIONS: regions})),
        tables=(
            table("Rubric, fontanka", rubric, len(quarter)),
            table("Tags, ria_2023", tags, len(later)),
            table("Regions, ria_2023", regions, len(later)),
        ),
    )


def learnt(config: Config, progress: Progress) -> tuple[Annotator, LabelMap, list[LabelledArticle]]:
    """A model of the config, how it reads labels, and the articles set aside for the test."""
    examples = load(config, Rejects())
    parts = split(examples, config.split)
    gazetteer = places.build()
    rows = [examples.rows[i] for i in (*parts.train, *parts.validation)]
    rubrics = rubrics_of(rows)
    options = config.tags
    tags = NO_TAGS
    if "tags" in config.corpus[0].use:
        articles = [row.article for row in rows]
        tags = tags_of(articles, gazetteer, options.drop, options.min_examples, config.model.max_tags)
    data = labelled(examples, rubrics, tags, gazetteer, config, by_time=True)
    heads = fit_heads(data, parts.train, parts.validation, rubrics, tags.tags, gazetteer, config, progress)
    heads["policy"], _ = policies(rubrics, tags, gazetteer, config.policy)
    model = Annotator("protocol", heads)
    return model, labels_of(model, gazetteer, aliases_of(tags)), [examples.rows[i].article for i in parts.test]


def counted(model: Annotator, labels: LabelMap, articles: Sequence[LabelledArticle], kind: str) -> ByProfile:
    found = {profile: Counts() for profile in PROFILES}
    truths = [labels.truth(article) for article in articles]
    for profile, counts in found.items():
        options = Options(heads=frozenset({kind}), profile=profile)
        answers = msgspec.to_builtins(model.annotate([unlabelled(article) for article in articles], options))
        for truth, answer in zip(truths, answers, strict=True):
            if kind == RUBRIC and truth.rubric is not None:
                counts.add({truth.rubric.id}, [answer["rubric"]] if answer["rubric"] else [])
            if kind == TAGS and truth.tags:
                counts.add(set(truth.tags), answer["tags"])
            if kind == REGIONS:
                counts.add({region.id for region in truth.regions}, answer["regions"])
    return found


def asked_of_auto(rubric: ByProfile, tags: ByProfile, regions: ByProfile) -> Iterator[Asked]:
    for kind, by_profile in ((RUBRIC, rubric), (TAGS, tags), (REGIONS, regions)):
        for profile, counts in by_profile.items():
            yield Asked(
                f"{kind}: precision of what {profile} publishes",
                counts.auto_precision,
                least=AUTO[profile],
                interval=measures.wilson(counts.auto_right, counts.auto),
                note="" if counts.auto else "nothing was published",
            )


def asked_of_order(kinds: Mapping[str, ByProfile]) -> Iterator[Asked]:
    """Surer labels in precision, more of them in recall: how far each profile is on its side of balanced."""
    for kind, by_profile in kinds.items():
        balanced = by_profile[BALANCED]
        yield Asked(
            f"{kind}: precision over balanced's", _over(by_profile["precision"].precision, balanced.precision), 0.0
        )
        yield Asked(f"{kind}: recall over balanced's", _over(by_profile["recall"].recall, balanced.recall), 0.0)


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def table(title: str, by_profile: ByProfile, articles: int) -> Table:
    columns = ("profile", "shown", "precision", "recall", "published", "their precision")
    rows = tuple(
        (name, one.shown / articles, one.precision, one.recall, one.auto / articles, one.auto_precision)
        for name, one in by_profile.items()
    )
    return Table(title, columns, rows, f"shown and published: labels an article, of {articles} articles")
