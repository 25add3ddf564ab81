"""Examples -> train, validation and test: by time or by hash, near-duplicates never on both sides."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from training import config
from training.examples import Example, Examples, labels_of

DATED = 0.9  # from so large a part of dated articles on, time splits
QUARTER = datetime.timedelta(days=91)
ENOUGH = 300  # and from so many: in fewer, the latest days hold too few rubrics

Indices = npt.NDArray[np.int64]
TRAIN, VALIDATION, TEST, NOWHERE = range(4)


class SplitError(Exception):
    """The articles can't be split as the config says: names the part and what to change."""


@dataclass(frozen=True)
class Split:
    """Indices into the examples, ascending."""

    by: str
    train: Indices
    validation: Indices
    test: Indices
    left_out: Counter[str]  # reason -> articles in no part
    # of the test: what this and every other retraining is judged by
    judges: Indices = field(default_factory=lambda: np.zeros(0, np.int64))


class Period(NamedTuple):
    since: datetime.date
    until: datetime.date  # exclusive


def split(examples: Examples, wanted: config.Split) -> Split:
    """`wanted.by` decides; if it is None, time does where nearly all articles are dated and there are enough."""
    by = wanted.by or _by(examples.rows, wanted)
    if by == "time":
        part, left_out = _by_time(examples, wanted)
    else:
        part, left_out = _by_hash(examples, wanted), Counter[str]()
    judges = _judges(examples, wanted)
    part[judges] = TEST
    train, validation, test = (np.flatnonzero(part == number) for number in (TRAIN, VALIDATION, TEST))
    result = Split(by, train, validation, test, left_out, judges)
    _check(examples.rows, result, wanted)
    return result


def _judges(examples: Examples, wanted: config.Split) -> Indices:
    """An article that is one once stays one, whatever else is there: the hash of its group decides."""
    if not (wanted.anchor or wanted.latest):
        return np.zeros(0, np.int64)
    newest = max((row.date for row in examples.rows if row.date), default=None)
    chosen = {group for group in set(examples.groups) if _hashed("anchor", group) < wanted.anchor}
    for row, group in zip(examples.rows, examples.groups, strict=True):
        recent = newest is not None and row.date is not None and newest - row.date < QUARTER
        if recent and _hashed("latest", group) < wanted.latest:
            chosen.add(group)
    return np.array([i for i, group in enumerate(examples.groups) if group in chosen], np.int64)


def _hashed(salt: str, group: str) -> float:
    """Even over 0 to 1."""
    return crc32(f"{salt} {group}".encode()) / 2**32


def _by(rows: Sequence[Example], wanted: config.Split) -> str:
    if isinstance(_bounds("validation", wanted.validation), Period) or isinstance(_bounds("test", wanted.test), Period):
        return "time"
    dated = sum(row.date is not None for row in rows)
    return "time" if len(rows) >= ENOUGH and dated >= DATED * len(rows) else "hash"


def _by_hash(examples: Examples, wanted: config.Split) -> Indices:
    """The hash of the group decides, so an article lands in the same part in every run, whatever else is there."""
    validation, test = (_fraction(name, getattr(wanted, name)) for name in ("validation", "test"))
    if validation + test >= 1:
        raise SplitError(f"[split] validation = {validation} and test = {test} leave nothing to learn from")
    share = np.array([crc32(group.encode()) % 100 for group in examples.groups])
    part = np.where(share < round(100 * (1 - validation - test)), TRAIN, VALIDATION)
    part[share >= round(100 * (1 - test))] = TEST
    _give_every_rubric_to_train(examples, part)
    return part


def _give_every_rubric_to_train(examples: Examples, part: Indices) -> None:
    """A rubric of one or two articles may have fallen into the other parts whole: then its first group comes back."""
    rubrics = [row.article.rubric for row in examples.rows]
    learnt = {rubrics[i] for i in np.flatnonzero(part == TRAIN)}
    groups = np.array(examples.groups)
    for rubric in sorted({rubric for rubric in rubrics if rubric} - learnt):
        if rubric not in learnt:
            group = min(group for group, its in zip(examples.groups, rubrics, strict=True) if its == rubric)
            part[groups == group] = TRAIN
            learnt |= {rubrics[i] for i in np.flatnonzero(groups == group)}


def _by_time(examples: Examples, wanted: config.Split) -> tuple[Indices, Counter[str]]:
    """Train is all that is older than validation, and what has no date."""
    dates = [row.date for row in examples.rows]
    test = _period("test", wanted.test, dates, before=None)
    validation = _period("validation", wanted.validation, dates, before=test)
    if validation and test and validation.until > test.since:
        raise SplitError(f"validation has to end before test begins, on {test.since}")
    first = min((period.since for period in (validation, test) if period), default=datetime.date.max)

    def part_of(date: datetime.date | None) -> int:
        if date is None or date < first:
            return TRAIN
        for number, period in ((VALIDATION, validation), (TEST, test)):
            if period and period.since <= date < period.until:
                return number
        return NOWHERE

    part = np.array([part_of(date) for date in dates], np.int64)
    left_out = Counter({"outside of the periods": int((part == NOWHERE).sum())})
    left_out["near-duplicate of an earlier part"] = _keep_apart(examples.groups, part)
    return part, +left_out


def _keep_apart(groups: Sequence[str], part: Indices) -> int:
    """An article that a part before has nearly word for word is in no later part. Returns how many there were."""
    earliest: dict[str, int] = {}
    for group, number in zip(groups, part.tolist(), strict=True):
        earliest[group] = min(number, earliest.get(group, NOWHERE))
    later = (part > np.array([earliest[group] for group in groups])) & (part != NOWHERE)
    part[later] = NOWHERE
    return int(later.sum())


def _period(
    name: str, wanted: float | str, dates: Iterable[datetime.date | None], before: Period | None
) -> Period | None:
    """The period as given, or the latest whole days that hold such a fraction of the articles dated before `before`."""
    bounds = _bounds(name, wanted)
    if isinstance(bounds, Period):
        return bounds
    dated = sorted(date for date in dates if date is not None)
    older = [date for date in dated if before is None or date < before.since]
    count = round(bounds * len(dated))
    if count == 0:
        return None
    if count >= len(older):
        raise SplitError(
            f'{name} = {bounds}: only {len(older)} articles have a date; choose by = "hash" or a smaller fraction'
        )
    day = datetime.timedelta(days=1)
    end = before.since if before else min(older[-1], datetime.date.max - day) + day
    return Period(older[-count], end)


def _bounds(name: str, wanted: float | str) -> Period | float:
    """A period "2023-07-01/2023-10-01", or a fraction."""
    if not isinstance(wanted, str):
        return _fraction(name, wanted)
    since, _, until = wanted.partition("/")
    try:
        period = Period(datetime.date.fromisoformat(since), datetime.date.fromisoformat(until))
    except ValueError as error:
        raise SplitError(
            f'[split] {name} = "{wanted}": write "2023-07-01/2023-10-01" or a fraction such as 0.15'
        ) from error
    if period.since >= period.until:
        raise SplitError(f'[split] {name} = "{wanted}": it ends before it begins (the end is exclusive)')
    return period


def _fraction(name: str, wanted: float | str) -> float:
    if isinstance(wanted, str):
        raise SplitError(f'[split] {name} = "{wanted}" is a period: with by = "hash" give a fraction such as 0.15')
    if not 0 <= wanted < 1:
        raise SplitError(f"[split] {name} = {wanted}: a fraction is at least 0 and less than 1")
    return wanted


def _check(rows: Sequence[Example], result: Split, wanted: config.Split) -> None:
    parts = [("train", result.train), ("validation", result.validation)]
    if wanted.test:
        parts.append(("test", result.test))
    for name, indices in parts:
        labels = labels_of([rows[i] for i in indices])
        if len(labels) < 2:
            what = (
                f"no article is in {name}"
                if not len(indices)
                else f"the {len(indices)} articles of {name} have {len(labels)} label"
            )
            advice = 'a longer period, or by = "hash"' if result.by == "time" else "a larger fraction, or more articles"
            raise SplitError(f"{what}, two different labels are needed: give [split] {advice}")
