"""A rubric, or a tag, that the model has never seen: how many corrections until it is found?"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from service.inference import refit
from service.inference.calibration import Recalibrated
from service.inference.rubric import RubricHead
from training import gazetteer as places
from training.calibrate import LATEST, lift, platt
from training.config import Config
from training.fit import Linear, as_large, fit_rubric
from training.labels import tags_of
from training.progress import Progress
from training.protocols import tags as tags_protocol
from training.protocols.stream_arms import Flags, Longs, Stream
from training.protocols.tags import Task

COUNTS = (3, 5, 10, 20, 50)  # corrections that gave it
COUNTS_OF_TAGS = (0, 2, 5, 10, 20)
DAYS = 14  # of the stream before the first article of a new rubric
FEWEST_TESTED = 30
FEWEST_OF_A_TAG = 30  # articles, all in all, of a tag that is hidden
WANTED = 0.6  # F1


class Found(NamedTuple):
    """F1 on later articles by how many corrections had given the label; None where too few articles are left."""

    label: str
    f1: dict[int, float | None]

    @property
    def until(self) -> int | None:
        """From so many on it is WANTED or better."""
        counts = [count for count, f1 in self.f1.items() if f1 is not None]
        enough = [count for i, count in enumerate(counts) if all((self.f1[one] or 0) >= WANTED for one in counts[i:])]
        return enough[0] if enough else None


def rubrics(stream: Stream, config: Config, least: int) -> list[Found]:
    """Each rubric with `least` articles in the stream, hidden from the model and from the stream before it."""
    truth = stream.labels[stream.order]
    counts = np.bincount(truth[truth >= 0], minlength=len(stream.part["ids"]))
    return [_rubric(stream, int(number), config) for number in np.argsort(-counts) if counts[number] >= least]


def _rubric(stream: Stream, hidden: int, config: Config) -> Found:
    """The calibration that the service would make when the k-th correction has come, on all that comes later. Until
    day D, the first DAYS of the stream, there are no articles of the rubric."""
    label, head = stream.part["labels"][hidden], without(stream, hidden, config)
    truth, day = stream.labels[stream.order], stream.days[stream.order]
    is_new = truth == hidden
    there = np.flatnonzero((truth >= 0) & (~is_new | (day >= day[0] + DAYS)))
    truth, is_new = truth[there], is_new[there]
    its = np.flatnonzero(is_new)
    f1: dict[int, float | None] = {}
    for count in COUNTS:
        f1[count] = None
        if len(its) < count + FEWEST_TESTED:
            continue
        until = int(its[count - 1]) + 1
        past = np.arange(max(0, until - refit.LATEST), until)
        names = [stream.part["labels"][number] for number in truth[past].tolist()]
        made = refit.calibration("", head, stream.matrix(stream.order[there[past]]), names, until)
        if made is None or not made.new:
            continue
        over = Recalibrated(made, head)
        margins = over.head.margins(stream.matrix(stream.order[there[until:]]))
        own = head.probabilities(margins[:, : len(head.ids)])
        given = [int(np.argmax(over.shares(*one))) for one in zip(own.tolist(), margins.tolist(), strict=True)]
        f1[count] = _f1(np.array(given) == len(head.ids), is_new[until:])
    return Found(label, f1)


def _f1(given: Flags, real: Flags) -> float:
    return float(2 * (given & real).sum() / max(1, given.sum() + real.sum()))


def without(stream: Stream, hidden: int, config: Config) -> RubricHead:
    """The rubric head as training makes it, from articles that have another rubric. The words that are features stay
    those of all articles, which flatters nothing: with the words of the others alone «Спорт» had an F1 of .68, .75 and
    .85 after three, five and ten corrections, so it has .56, .65 and .80."""
    known = stream.known[(stream.labels[stream.known] >= 0) & (stream.labels[stream.known] != hidden)]
    known = known[np.argsort(stream.days[known], kind="stable")]
    kept = [number for number in range(len(stream.part["ids"])) if number != hidden]
    labels = np.searchsorted(kept, stream.labels[known])
    earlier, judged = known[:-LATEST], known[-LATEST:]

    def fitted(on: Longs, labels: Longs) -> Linear:
        strength = as_large(config.rubric.C, len(on), len(known))
        return fit_rubric(
            stream.rows[on], labels, len(kept), np.ones(len(on), np.float32), strength,
            config.rubric.class_weight_power, config.model.seed,
        )  # fmt: skip

    margins = fitted(earlier, labels[: len(earlier)]).margins(stream.rows[judged])
    slope, offset = platt(margins, labels[len(earlier) :])
    final = fitted(known, labels)
    raised = lift(np.bincount(labels, minlength=len(kept)), config.rubric.lift)
    part = {
        **stream.part,
        "ids": [stream.part["ids"][number] for number in kept],
        "labels": [stream.part["labels"][number] for number in kept],
        "weights": final.weights.astype(np.float16), "bias": final.bias, "slope": slope, "offset": offset + raised,
    }  # fmt: skip
    return RubricHead(part)


def tags(folder: Path, progress: Progress) -> list[Found]:
    """Of RIA, tags with FEWEST_OF_A_TAG articles and crc32(label) % HIDDEN_OF == 0, of whose articles only the
    first k are learnt from: an editor added the tag to the vocabulary, k corrections gave it, and the model was trained
    again."""
    task = tags_protocol.ria(folder)
    rows = task.examples.rows
    labels = [label for row in rows for label in row.article.tags]
    hidden = [
        label
        for label in sorted(set(labels))
        if labels.count(label) >= FEWEST_OF_A_TAG and crc32(label.encode()) % tags_protocol.HIDDEN_OF == 0
    ]
    found: dict[str, dict[int, float | None]] = {label: {} for label in hidden}
    for count in COUNTS_OF_TAGS:
        for label, f1 in _with(task, hidden, count, progress).items():
            found[label][count] = f1
    return [Found(label, f1) for label, f1 in found.items()]


def _with(task: Task, hidden: Sequence[str], count: int, progress: Progress) -> dict[str, float]:
    """F1 of each hidden tag, when the first `count` articles that have it were learnt from. The others that have it are
    not there yet: without their label they would teach that it is wrong."""
    rows = task.examples.rows
    left = dict.fromkeys(hidden, count)
    later: set[int] = set()
    for i in sorted((*task.train.tolist(), *task.validation.tolist()), key=lambda i: (str(rows[i].date), rows[i].key)):
        its = [label for label in rows[i].article.tags if label in left]
        if any(left[label] == 0 for label in its):
            later.add(i)
        else:
            left |= {label: left[label] - 1 for label in its}
    train, validation = (
        np.array([i for i in part.tolist() if i not in later]) for part in (task.train, task.validation)
    )
    learnt = [*train.tolist(), *validation.tolist()]
    given = replace(task, train=train, validation=validation)
    ours = tags_protocol.both(given, progress, peer=False).systems[tags_protocol.OURS]
    vocabulary = task.vocabulary
    tags = tags_of([rows[i].article for i in learnt], places.build(), (), 1, len(vocabulary), vocabulary)
    tested = [rows[i].article for i in task.test.tolist()]
    f1 = {}
    for label in hidden:
        [number] = tags.of((label,))
        shown = np.array([tags.tags[number].id in one.given for one in ours])
        f1[label] = _f1(shown, np.array([label in article.tags for article in tested]))
    return f1
