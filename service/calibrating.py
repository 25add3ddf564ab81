"""Between two trainings: the latest corrections -> a calibration of the active model.

`python -m service.calibrating` with the settings as JSON on its input: once, in a process of its own that gives way to
the answers.
"""

import os
import sys
from functools import partial
from typing import NamedTuple

import msgspec
import zstandard

from service.corrections import worked_of
from service.inference import refit
from service.inference.annotator import Annotator
from service.inference.article import Article
from service.inference.calibration import Calibration
from service.keeping import Keeping
from service.loading import active_version, newest_row_of, open_keeping, open_model, open_registry
from service.outliers import outliers
from service.settings import Settings
from service.store import calibrations, journal
from service.store.database import Connection

NICE = 10
IN_VAIN = 3  # exit code where nothing is changed
SCANNED = 2 * refit.LATEST  # corrections that are looked through for the latest articles

_article = msgspec.json.Decoder(Article)


class Known(NamedTuple):
    """An article, and the rubric that its editors decided last."""

    article: Article
    rubric: str
    key: bytes


class Calibrated(NamedTuple):
    """`calibration` is None where there were too few articles."""

    model: str
    articles: int
    calibration: Calibration | None
    without: tuple[str, ...] = ()  # whose decisions were not heeded, and why


class Latest(NamedTuple):
    known: list[Known]
    without: tuple[str, ...]


def calibrate(settings: Settings, keeping: Keeping) -> Calibrated:
    """Fits a calibration for the active model, and puts it in place of the one before; anew where one of its articles
    was erased meanwhile. Reads the store; heavy on CPU: up to half a minute. Raises ArtifactError, StoreError."""
    registry = open_registry(settings)
    version = active_version(registry)
    newest = newest_row_of(registry)(version)
    model: Annotator | None = None
    while True:
        with keeping.readers.one() as connection:
            until, (known, without) = journal.last_number(connection), latest(connection, newest or "")
        if len(known) < refit.FEWEST:
            return Calibrated(version, len(known), None, without)
        model = model or open_model(settings, version)
        made = made_from(model, known, until)
        if made is None or keeping.writer.do(partial(_put, made=made)).result():
            return Calibrated(version, len(known), made, without)


def take_back(settings: Settings, keeping: Keeping) -> str:
    """The active model, whose own scores hold from now on; it calibrates itself again after as many new corrections."""
    version = active_version(open_registry(settings))
    keeping.writer.do(lambda connection: calibrations.put(connection, version, None)).result()
    return version


def made_from(model: Annotator, known: list[Known], until: int) -> Calibration | None:
    rows = model.rows_for_the_rubric([one.article for one in known])
    return refit.calibration(
        model.version, model.rubric, rows, [one.rubric for one in known], until, [one.key for one in known]
    )


def latest(connection: Connection, newest_row: str) -> Latest:
    """The articles that editors decided a rubric of last, the oldest decision first; each with its newest text. Without
    those that the model may have learnt from, of the day `newest_row` (ISO 8601) and before, and without what outliers
    decided: nobody looks at a calibration before it answers."""
    seen: set[str] = set()
    known: list[Known] = []
    scanned = journal.latest_taught(connection, SCANNED)
    alone = outliers(scanned)
    not_heeded = {one.actor for one in alone}
    for entry in scanned:
        if not_heeded and (entry.actor or "") in not_heeded:
            continue
        worked = worked_of(entry)
        chosen = worked.final.get("rubric") if worked is not None else None
        if chosen is None or (entry.article_id is not None and entry.article_id in seen):
            continue
        if entry.article_id is not None:
            seen.add(entry.article_id)
            entries = journal.of_article(connection, entry.article_id)
        else:
            own = journal.entry(connection, entry.sequence)
            entries = [own] if own is not None else []
        text = next((one.article for one in reversed(entries) if one.article is not None), None)
        if text is None or not chosen:
            continue
        article = _article.decode(zstandard.decompress(text))
        if (article.published_at or entry.received_at)[:10] <= newest_row[:10]:
            continue
        known.append(Known(article, chosen[0].label, journal.key_of(entry.article_id or "")))
        if len(known) == refit.LATEST:
            break
    return Latest(known[::-1], tuple(map(str, alone)))


def _put(connection: Connection, made: Calibration) -> bool:
    """Whether nothing of it was erased meanwhile: else it is not put."""
    erased = {one.key for one in journal.erased(connection)}
    if erased.intersection(made.keys):
        return False
    calibrations.put(connection, made.model, msgspec.json.encode(made))
    return True


def told(done: Calibrated) -> str:
    left_out = "".join(f"; {why}: not heeded" for why in done.without)
    if done.calibration is None:
        return (
            f"nothing is changed: corrections have the rubric of {done.articles} articles that {done.model} has not "
            f"learnt from; {refit.FEWEST} are the fewest, and so many in rubrics that it knows, or else "
            f"{refit.FEWEST_EXAMPLES} in a new one{left_out}"
        )
    new = ""
    for one in done.calibration.new:
        enough = ": retrain" if one.examples >= refit.ENOUGH_TO_LEARN else ""
        new += f", «{one.label}» is new ({one.examples} examples{enough})"
    return (
        f"{done.model} answers by the calibration {done.calibration.version}: {done.articles} articles{new}{left_out}"
    )


def main() -> int:
    os.nice(NICE)
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=Settings, dec_hook=lambda kind, value: kind(value))
    keeping = open_keeping(settings)
    keeping.writer.start()
    try:
        done = calibrate(settings, keeping)
    finally:
        keeping.close()
    sys.stdout.write(told(done) + "\n")
    return 0 if done.calibration is not None else IN_VAIN


if __name__ == "__main__":
    sys.exit(main())
