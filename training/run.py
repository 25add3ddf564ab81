"""One training run, top to bottom: articles -> examples -> split -> heads -> self-test -> a model directory."""

import datetime
import importlib.metadata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from service.inference import artifact
from service.inference.annotator import Annotator, plain_answers
from service.inference.article import Article, LabelledArticle
from service.inference.decisions import ENOUGH_OF_A_SOURCE
from service.inference.places import OWN
from service.inference.text import read
from service.lines import open_lines
from training import gazetteer as places
from training import no_news, notes, policy
from training.card import card_of
from training.config import Config
from training.evaluate import evaluate
from training.evaluation import Evaluation
from training.examples import Example, Examples, check_that_labels_differ, load
from training.gazetteer import Gazetteer, label_key
from training.heads import Labelled, fit_heads
from training.label_map import LabelMap, label_map
from training.labels import AS_TRAINED, EditedTags, Tags, tag_key, tags_of
from training.morphology import fold
from training.of_two_minds import Contradiction, among_likes
from training.overlap import fingerprint
from training.own_places import newsroom
from training.own_tags import beside, own_tags
from training.progress import Progress
from training.readers import Rejects
from training.split import Split, split

SAMPLE = Path(__file__).parent.parent / "datasets" / "sample" / "news.jsonl"
SELF_TEST = 12  # articles of the sample corpus whose answers travel with the model


@dataclass(frozen=True)
class Trained:
    """A model that answers, and all that is to be written beside it."""

    parts: Mapping[str, Any]
    manifest: Mapping[str, Any]
    card: str
    evaluation: Evaluation | None
    notes: tuple[str, ...]  # what was read and not learnt from, and how far the test can be believed: sentences
    calibrated: Mapping[str, int]  # calibration articles of each outlet, most first; empty: nothing is ever `auto`
    judges: tuple[LabelledArticle, ...] = ()  # what it and the model in use can be compared on
    contradictions: tuple[Contradiction, ...] = ()  # near-identical articles that editors gave another rubric

    def write(
        self, directory: Path, *, compress: bool, with_report: bool = True, signing_key: Path | None = None
    ) -> str:
        """Writes the artifact, its report inside, and returns the version."""
        documents = {}
        if self.evaluation is not None and with_report:
            from training.report import render  # draws with matplotlib, 0.7 s to import

            page = render(self.evaluation, title="Test of the trained model", about={})
            documents["report.html"] = page.encode()
        return artifact.write(
            directory, self.parts, self.manifest, self.card,
            compress=compress, signing_key=signing_key, documents=documents,
        )  # fmt: skip


def train(
    config: Config,
    rejects: Rejects,
    progress: Progress,
    *,
    today: datetime.date | None = None,
    erased: Set[bytes] = frozenset(),
    edited: EditedTags = AS_TRAINED,
    corrections: int = 0,
) -> Trained:
    """Reads the corpora of the config and learns from them. Minutes of CPU for 100,000 articles.

    With `today` a note tells of rows dated later; nothing else depends on it. `erased`: see `examples.load`.
    `edited`: what editors made of the tags of the model in use. The first so many `corrections` corpora are what they
    decided.
    """
    with progress.step("reading"):
        examples = load(config, rejects, erased)
    check_that_labels_differ(examples.rows)
    with progress.step(f"splitting {len(examples)} articles, near-duplicates together"):
        parts_of = split(examples, config.split)
    gazetteer = places.build(newsroom=newsroom(config.regions.home_region, config.regions.places))
    learnt = np.concatenate((parts_of.train, parts_of.validation))
    rubrics = rubrics_of([examples.rows[i] for i in learnt])
    no_news.numbers(rubrics, config)  # one that no article has is an error before anything is fitted
    tags = tags_of(
        [examples.rows[i].article for i in learnt],
        gazetteer,
        (*config.tags.drop, *edited.retired),
        config.tags.min_examples,
        config.model.max_tags,
        beside(edited.own, own_tags(config.tags.vocabulary, gazetteer)),
        edited.ids,
    )
    data = labelled(examples, rubrics, tags, gazetteer, config, by_time=parts_of.by == "time")
    parts = fit_heads(data, parts_of.train, parts_of.validation, rubrics, tags.tags, gazetteer, config, progress)
    parts["policy"], unknown = policy.policies(rubrics, tags, gazetteer, config.policy)
    annotator = Annotator("new", parts)
    evaluation = None
    if len(parts_of.test):
        with progress.step(f"test on {len(parts_of.test)} articles"):
            evaluation = evaluate(
                annotator,
                no_news.unlabelled([examples.rows[i].article for i in parts_of.test], config),
                label_map=labels_of(annotator, gazetteer, aliases_of(tags)),
            )
    calibrated = annotator.decisions.calibrated
    manifest = manifest_of(config, examples, parts_of, annotator, tags, evaluation, calibrated)
    card = card_of(config, examples, parts_of, rubrics, tags, calibrated, evaluation, manifest["labels"]["policy"])
    told = (
        *notes.on_unused(examples, parts_of),
        *(notes.on_future(examples, today, parts_of) if today else ()),
        *notes.on_alphabets(examples),
        *notes.on_fields(examples),
        *notes.on_tags(tags, config.tags.min_examples, config.model.max_tags),
        *notes.on_policy(unknown),
        *notes.on_size(evaluation),
    )
    judges = tuple(examples.rows[i].article for i in parts_of.judges)
    differing = tuple(among_likes(examples.rows, examples.groups, corrections))
    return Trained(parts, manifest, card, evaluation, told, calibrated, judges, differing)


def rubrics_of(rows: Sequence[Example]) -> list[str]:
    """Rubrics in use, the most frequent first; of «Спорт» and «спорт» the more frequent spelling."""
    spelt = Counter(row.article.rubric for row in rows if row.article.rubric)
    counts: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for rubric, count in sorted(spelt.items(), key=lambda one: (-one[1], one[0])):
        counts[spelling.setdefault(fold(rubric), rubric)] += count
    return sorted(counts, key=lambda rubric: (-counts[rubric], rubric))


def labelled(
    examples: Examples, rubrics: Sequence[str], tags: Tags, gazetteer: Gazetteer, config: Config, *, by_time: bool
) -> Labelled:
    """Articles with their labels as numbers. A tag label that names a place is a region, wherever it was written."""
    rubric_number = {fold(label): i for i, label in enumerate(rubrics)}
    tagging = examples.labelled_with("tags")
    places_of = [_places(row.article, gazetteer) for row in examples.rows]
    placing = {row.corpus for row, found in zip(examples.rows, places_of, strict=True) if found}
    texts, rubric, of_tags, of_places = [], [], [], []
    for row, found in zip(examples.rows, places_of, strict=True):
        texts.append(read(row.article))
        rubric.append(rubric_number.get(fold(row.article.rubric or ""), -1))
        of_tags.append(tags.of(row.article.tags) if row.corpus in tagging else None)
        of_places.append(found if row.corpus in placing else None)
    weights = (
        _outlet_weights(examples.rows) if config.rubric.outlet_weights else np.ones(len(examples.rows), np.float32)
    )
    outlets = [row.outlet for row in examples.rows]
    days = [row.date.toordinal() if by_time and row.date else 0 for row in examples.rows]
    return Labelled(
        texts, np.array(rubric), of_tags, of_places, outlets, weights, np.array(days, np.int64), examples.groups
    )


def _places(article: LabelledArticle, gazetteer: Gazetteer) -> frozenset[int]:
    """The places an article is labelled with; a city stands for its subject too, as in the answers."""
    found = {place for label in (*article.regions, *article.tags) if (place := gazetteer.place_of(label)) is not None}
    return frozenset(found.union(*(gazetteer.above(place) for place in found)))


def _outlet_weights(rows: Sequence[Example]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Every outlet weighs the same within a rubric; on average a row weighs 1."""
    count = Counter((row.outlet, row.article.rubric) for row in rows)
    outlets = Counter(rubric for _, rubric in count)
    total = Counter(row.article.rubric for row in rows)
    return np.array(
        [
            total[row.article.rubric] / outlets[row.article.rubric] / count[row.outlet, row.article.rubric]
            for row in rows
        ],
        np.float32,
    )


def labels_of(annotator: Annotator, gazetteer: Gazetteer, aliases: Mapping[str, str]) -> LabelMap:
    """How editors' labels read in this model's terms; `aliases` as `aliases_of` made them at training time."""

    own = {label_key(place.label): place.id for place in annotator.places if place.home == OWN}

    def place_id(label: str) -> str | None:
        if own_id := own.get(label_key(label)):
            return own_id
        place = gazetteer.place_of(label)
        return None if place is None else gazetteer.places[place].id

    return label_map(
        zip(annotator.rubric.ids, annotator.rubric.labels, strict=True),
        zip(annotator.tags.ids, annotator.tags.labels, strict=True),
        annotator.places,
        place_id,
        aliases,
    )


def aliases_of(tags: Tags) -> dict[str, str]:
    """Keys of labels that were joined to a tag of another key -> its id; the manifest keeps them for evaluations."""
    return {
        key: tags.tags[number].id
        for key, number in sorted(tags.number.items())
        if key != tag_key(tags.tags[number].label)
    }


def manifest_of(
    config: Config, examples: Examples, parts: Split, annotator: Annotator, tags: Tags,
    evaluation: Evaluation | None, calibrated: Mapping[str, int],
) -> dict[str, Any]:  # fmt: skip
    """What the model says of itself: no clock, no path, no host, so that the same rows give the same bytes."""
    learnt = np.concatenate((parts.train, parts.validation))
    dates = [date for i in learnt if (date := examples.rows[i].date) is not None]
    questions = self_test_articles()
    answers = plain_answers(annotator, questions)
    unsaid = set(annotator.unlike.no_news)
    said = [label for i, label in enumerate(annotator.rubric.labels) if i not in unsaid]
    return {
        "newest_row": max(dates).isoformat() if dates else None,
        "versions": {
            "code": importlib.metadata.version("rubricator"),
            **{
                name: importlib.metadata.version(name)
                for name in ("scikit-learn", "numpy", "pymorphy3", "pymorphy3-dicts-ru")
            },
        },
        "data": fingerprints(examples, parts),
        "config": config_as_data(config),
        "labels": {
            "rubrics": said,
            "no_news": [annotator.rubric.labels[i] for i in sorted(unsaid)],
            "mix": mix_of((examples.rows[i] for i in learnt), said),
            "tags": len(annotator.tags.labels),
            "aliases": aliases_of(tags),
            "places": len(annotator.places),
            "outlets": calibrated,
            "policy": held_labels(annotator),
        },
        "thresholds": {
            "decisions": annotator.decisions.as_data(),
            "tags": annotator.tags.thresholds(),
            "profiles": annotator.decisions.profiles_as_data(),
        },
        "scores": scores(evaluation),
        "self_test": [
            {"article": msgspec.to_builtins(article), "answer": answer}
            for article, answer in zip(questions, answers, strict=True)
        ],
    }


def mix_of(rows: Iterable[Example], rubrics: Iterable[str]) -> dict[str, int]:
    """Articles of each of these rubrics: what answers can be compared with later."""
    counts = Counter(fold(row.article.rubric or "") for row in rows)
    return {label: counts[fold(label)] for label in rubrics}


def held_labels(annotator: Annotator) -> dict[str, Any]:
    """The labels that are not normal, by policy, and how many tags are persons."""
    policies = annotator.decisions.policies
    of_all = [
        *zip(policies.rubrics, annotator.rubric.labels, strict=True),
        *zip(policies.tags, annotator.tags.labels, strict=True),
        *((one, annotator.places[place].label) for place, one in policies.regions.items()),
    ]
    found: dict[str, Any] = {
        name: sorted(label for one, label in of_all if one == name) for name in ("review_only", "never_suggest")
    }
    return {**found, "persons": len(policies.persons)}


def self_test_articles() -> list[Article]:
    """Twelve articles, evenly over the sample corpus and so over its year, without their labels."""
    rows = [msgspec.json.decode(line, type=Article) for _, line in open_lines(SAMPLE)]
    return rows[:: len(rows) // SELF_TEST][:SELF_TEST]


def fingerprints(examples: Examples, parts: Split) -> list[dict[str, Any]]:
    """For each corpus how many articles were learnt from, and a checksum over their ids, texts and labels."""
    learnt = set(parts.train.tolist()) | set(parts.validation.tolist())
    found = []
    for number, corpus in enumerate(examples.corpora):
        rows = [row for i, row in enumerate(examples.rows) if row.corpus == number and i in learnt]
        found.append({"corpus": corpus.name, "articles": len(rows), "sha256": fingerprint(rows)})
    return found


def config_as_data(config: Config) -> dict[str, Any]:
    """The config without its paths."""
    plain: dict[str, Any] = msgspec.to_builtins(config, enc_hook=str)
    for corpus in plain["corpus"]:
        corpus["path"] = Path(corpus["path"]).name
        if corpus["rubric_map"]:
            corpus["rubric_map"] = Path(corpus["rubric_map"]).name
    for table, key in (("regions", "places"), ("tags", "vocabulary")):
        plain[table][key] = Path(plain[table][key]).name if plain[table][key] else ""
    return plain


def scores(evaluation: Evaluation | None) -> dict[str, Any]:
    """The figures of the test that a list of models shows."""
    if evaluation is None:
        return {}
    return {
        "articles": evaluation.n,
        "accuracy": evaluation.rubric.accuracy,
        "macro_f1": evaluation.rubric.macro_f1,
        "calibration_error": evaluation.rubric.calibration_error,
        "tags_micro_f1": evaluation.tags.micro_f1,
    }


def may_publish(calibrated: Mapping[str, int]) -> bool:
    """Whether there is an outlet to which the model may say `auto`."""
    return any(count >= ENOUGH_OF_A_SOURCE for count in calibrated.values())
