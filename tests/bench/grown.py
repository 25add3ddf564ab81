"""A trained model made larger or smaller, for time alone: its arrays are trimmed or repeated, its answers mean nothing.

What is added is like what is there: a tag more has the weights of a trained one on other columns, each about as
frequent, so that as much is read and next to nothing scores; no tag more has a name. A rubric more is a copy. Columns
go from the rarest on. Places more are made-up villages, baked into a small model as a newsroom's own.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from service.inference import artifact
from service.inference.annotator import Annotator
from service.records import Rejects
from tests.bench.material import Material
from tests.bench.systems import Answers
from training.config import Regions, load
from training.progress import Progress
from training.run import SAMPLE, train

Parts = dict[str, Any]
ALIKE = 64  # columns of about one frequency, among which weights of a tag more are moved
HOME = "RU-69"
SYLLABLES = ("бо", "вер", "гру", "до", "жи", "зар", "ку", "лип", "мо", "ни", "пес", "ро", "сан", "ту", "хол", "чер")
ENDINGS = ("овка", "ино", "ское", "ово", "иха", "цы")


def with_tags(count: int, material: Material) -> Answers:
    parts = _parts(material)
    tags, draw = dict(parts["tags"]), np.random.default_rng(0)
    have, width = len(tags["ids"]), len(tags["start"]) - 1
    column = np.repeat(np.arange(width), np.diff(tags["start"]))
    number = draw.permutation(have)[np.asarray(tags["tag"])]
    columns, numbers, weights = [], [], []
    for copy in range(-(-count // have)):
        columns.append(_moved(parts["features"]["idf"], draw)[column] if copy else column)
        numbers.append(number + copy * have)
        weights.append(np.asarray(tags["weight"]))
    column, number, weight = (np.concatenate(all_of) for all_of in (columns, numbers, weights))
    kept = number < count
    order = np.lexsort((number[kept], column[kept]))
    start = np.searchsorted(column[kept][order], np.arange(width + 1))
    tags |= {
        "start": start.astype(np.int32),
        "tag": number[kept][order].astype(np.int32),
        "weight": weight[kept][order],
    }
    like = np.resize(np.argsort(draw.permutation(have)), count)
    for name in ("bias", "regime", "trained", "precision", "words"):
        tags[name] = np.asarray(tags[name])[like]
    if np.ndim(tags["ranker"]) > 1:
        tags["ranker"] = np.asarray(tags["ranker"])[like]
    tags["ids"], tags["labels"] = _names(count), _names(count)
    tags["phrase_tag"] = np.asarray(tags["phrase_tag"]) % count
    return _answers({**parts, "tags": tags})


def with_rubrics(count: int, material: Material) -> Answers:
    parts = _parts(material)
    rubric = dict(parts["rubric"])
    like = np.resize(np.arange(len(rubric["ids"])), count)
    rubric |= {"ids": _names(count), "labels": _names(count), "weights": np.asarray(rubric["weights"])[:, like]}
    for name in ("bias", "slope", "offset"):
        rubric[name] = np.asarray(rubric[name])[like]
    return _answers({**parts, "rubric": rubric})


def with_columns(count: int, material: Material) -> Answers:
    parts = _parts(material)
    features, tags = dict(parts["features"]), dict(parts["tags"])
    ours = Annotator("as it was", artifact.read(material.model).parts).features
    idf = np.asarray(features["idf"])
    kept = np.sort(np.argsort(idf, kind="stable")[:count])
    present = np.zeros(3 * (ours.features + 1), np.bool_)
    present[ours.keys[kept]] = True
    features |= {"present": np.packbits(present), "idf": idf[kept]}
    lengths = np.diff(tags["start"])
    of_kept = np.isin(np.repeat(np.arange(len(lengths)), lengths), kept)
    start = np.concatenate(([0], np.cumsum(lengths[kept])))
    tags |= {
        "start": start.astype(np.int32),
        "tag": np.asarray(tags["tag"])[of_kept],
        "weight": np.asarray(tags["weight"])[of_kept],
    }
    rubric = {**parts["rubric"], "weights": np.asarray(parts["rubric"]["weights"])[kept]}
    return _answers({**parts, "features": features, "tags": tags, "rubric": rubric})


def with_places(count: int, material: Material) -> Answers:
    """So many more than the gazetteer has, in a model of the sample corpus."""
    names = _villages(count)
    with TemporaryDirectory() as folder:
        file = Path(folder, "places.tsv")
        lines = [f"v{i}\t{name}\tplace\t{HOME}\t" for i, name in enumerate(names)]
        file.write_text("\n".join(("id\tlabel\tlevel\tparent\tforms", *lines)) + "\n", "utf-8")
        config = replace(load(None, [SAMPLE]), regions=Regions(HOME, str(file) if count else ""))
        parts = dict(train(config, Rejects(), Progress(quiet=True)).parts)
    return _answers(parts)


def _villages(count: int) -> list[str]:
    """16 to the fourth times six names are to be had."""
    draw, found = np.random.default_rng(0), dict[str, None]()
    while len(found) < count:
        found["".join((*draw.choice(SYLLABLES, 4), str(draw.choice(ENDINGS)))).capitalize()] = None
    return list(found)


def _parts(material: Material) -> Parts:
    """Without what goes by label: it has no part in the time, and would not fit."""
    parts = dict(artifact.read(material.model).parts)
    parts.pop("policy", None)
    decisions = {key: value for key, value in parts["decisions"].items() if key != "no_news"}
    bare = {name: _without_labels(own) for name, own in decisions.get("profiles", {}).items()}
    parts["decisions"] = {**_without_labels(decisions), "profiles": bare}
    return parts


def _without_labels(decisions: Mapping[str, Any]) -> Parts:
    return {key: value for key, value in decisions.items() if key != "rubric_auto_by_label"}


def _moved(idf: npt.ArrayLike, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each column another of about its frequency."""
    order = np.argsort(np.asarray(idf), kind="stable")
    shuffled = order.copy()
    for first in range(0, len(order), ALIKE):
        draw.shuffle(shuffled[first : first + ALIKE])
    moved = np.empty(len(order), np.int64)
    moved[order] = shuffled
    return moved


def _names(count: int) -> list[str]:
    return [f"l{number}" for number in range(count)]


def _answers(parts: Parts) -> Answers:
    annotator = Annotator("grown", parts)
    return annotator.annotate
