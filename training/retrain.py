"""Corpora and corrections -> a challenger -> the gate: one retraining, top to bottom."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.article import LabelledArticle
from service.inference.manifest import Manifest
from service.memory import Chosen
from service.vocabulary import Vocabulary
from training import gazetteer
from training.config import Config
from training.evaluate import answered
from training.gate import Flags, Verdict, judge
from training.morphology import fold
from training.of_two_minds import Contradiction
from training.progress import Progress
from training.readers import Rejects
from training.run import Trained, labels_of, train
from training.score_heads import Row
from training.taught import RetrainingError, Taught, shrunken

FEWEST_JUDGES = 100  # articles; fewer say nothing of any label
ANCHOR, LATEST = 0.05, 0.2  # shares of all articles, and of the latest quarter, that judge and are never learnt from


class Retrained(NamedTuple):
    """`contradictions` are between editors, then between them and articles nearly like theirs."""

    trained: Trained
    record: "Record"
    contradictions: tuple[Contradiction, ...]


class Record(Struct, frozen=True):
    """Kept beside the registry for each challenger: what it learnt from and how it compared."""

    against: str
    judges: int
    verdict: Verdict
    corrections: int  # articles
    until: int  # the newest line of the journal that it knows
    notes: tuple[str, ...] = ()
    contradictions: int = 0

    @property
    def passed(self) -> bool:
        """Nothing passes that nobody judged."""
        return self.judges > 0 and self.verdict.passed


def retrain(
    config: Config, taught: Taught, current: Annotator, manifest: Manifest, rejects: Rejects, progress: Progress,
    today: date, *, forced: bool = False,
) -> Retrained:  # fmt: skip
    """Raises RetrainingError, unless `forced`, where the set is smaller than before or looks poisoned."""
    notes = list(taught.doubts)
    with_judges = replace(config.split, anchor=config.split.anchor or ANCHOR, latest=config.split.latest or LATEST)
    config = replace(config, corpus=(*taught.corpora, *config.corpus), split=with_judges)
    edited = taught.edited(current.labels)
    trained = train(
        config, rejects, progress, today=today, erased=taught.erased, edited=edited, corrections=len(taught.corpora)
    )
    learnt = sum(int(one["articles"]) for one in trained.manifest["data"])
    if less := shrunken(learnt, manifest.data):
        notes.append(less)
    if notes and not forced:
        raise RetrainingError("; ".join([*notes, "nothing was changed: see to it, or --force with the reason"]))
    judges, caveat = _judges(trained.judges, manifest)
    with progress.step(f"the gate: {len(judges)} articles"):
        challenger = Annotator("challenger", trained.parts)
        verdict = compare(current, manifest, challenger, trained.manifest, judges, taught.vocabulary)
    told = (*notes, *caveat)
    found = (*taught.contradictions, *trained.contradictions)
    record = Record(current.version, len(judges), verdict, taught.articles, taught.until, told, len(found))
    return Retrained(trained, record, found)


def compare(
    current: Annotator, manifest: Manifest, challenger: Annotator, its: Mapping[str, Any],
    judges: Sequence[LabelledArticle], vocabulary: Vocabulary,
) -> Verdict:  # fmt: skip
    """Both answer the same articles, each through the very door that newsrooms use. A tag that editors renamed or
    merged is one with what it is called now, and a retired one is none."""
    places = gazetteer.build()
    maps = [
        labels_of(current, places, manifest.labels.get("aliases", {})),
        labels_of(challenger, places, its["labels"]["aliases"]),
    ]
    before, after = (
        _by_label(answered(annotator, judges, label_map), vocabulary)
        for annotator, label_map in zip((current, challenger), maps, strict=True)
    )
    # an outlet's articles without tags may never have been looked at: only those with some judge the tags
    names = sorted({name for row in before for name in row.true} | {name for row in after for name in row.true})
    number = {name: i for i, name in enumerate(names)}
    true = _table([one.true | other.true for one, other in zip(before, after, strict=True)], number)
    return judge(
        names, true, _table([row.given for row in before], number), _table([row.given for row in after], number)
    )


class _Labels(NamedTuple):
    """Of one article, by name, so that two models can be compared whatever their ids: what is true, what was given."""

    true: frozenset[str]
    given: frozenset[str]


def _by_label(rows: Sequence[Row], vocabulary: Vocabulary) -> list[_Labels]:
    found = []
    for row in rows:
        true, given = set(), set()
        if row.article.rubric:
            true.add(_rubric(row.article.rubric))
            given |= {_rubric(one.label) for one in row.answer.rubrics[:1]}
        if row.truth.tags:
            true |= _tags(
                vocabulary, [(one.id if one.known else one.label, one.label) for one in row.truth.tags.values()]
            )
            given |= _tags(vocabulary, [(one.id, one.label) for one in row.answer.tags if one.id in row.answer.shown])
        found.append(_Labels(frozenset(true), frozenset(given)))
    return found


def _rubric(label: str) -> str:
    return f"рубрика «{fold(label)}»"


def _tags(vocabulary: Vocabulary, tags: Iterable[tuple[str, str]]) -> set[str]:
    """Pairs of id and label, as they are called now."""
    called = (vocabulary.meant(Chosen(*one)) for one in tags)
    return {f"тег «{fold(label)}»" for label in called if label is not None}


def _table(rows: Sequence[frozenset[str]], number: Mapping[str, int]) -> Flags:
    table = np.zeros((len(rows), len(number)), np.bool_)
    for i, names in enumerate(rows):
        table[i, [number[name] for name in names if name in number]] = True
    return table


def _judges(judges: Sequence[LabelledArticle], manifest: Manifest) -> tuple[Sequence[LabelledArticle], tuple[str, ...]]:
    """Those that the model in use has not learnt from either, as far as that can be told."""
    split = manifest.config.get("split", {})
    if split.get("anchor") or not manifest.newest_row:
        return judges, ()
    newer = [one for one in judges if (one.published_at or "")[:10] > manifest.newest_row[:10]]
    if len(newer) >= FEWEST_JUDGES:
        return newer, ()
    return (), (
        "the model in use may have learnt from the articles that would judge it: the next retraining will compare; for"
        " this one, `train` with anchor and latest under [split]",
    )
