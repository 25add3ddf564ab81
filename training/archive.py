"""A newsroom's archive as it is handed over -> examples, and the part of it that the model is tested on."""

import datetime
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np

from training import config
from training.config import Config, Corpus, defaults
from training.examples import Example, Examples, load
from training.readers import Rejects
from training.readers.detect import detect
from training.split import DATED, ENOUGH, Split, split

QUARTER = datetime.timedelta(days=91)
QUARTER_SHARE = (0.05, 0.3)  # of the articles; else the latest quarter of them stands in for the latest three months
LAST = 0.25
VALIDATION = 0.15
# Fewer articles with a rubric are cross-fitted: their last quarter would be too few to say anything.
ENOUGH_TO_TEST = 800


def read(
    path: Path, source: str | None, precision: float, rejects: Rejects, erased: Set[bytes] = frozenset()
) -> tuple[Config, Examples]:
    """Every article names its outlet as the CMS has to name it: as the rows do, else `source`, the address, the file.

    An archive with one rubric for all is read for its tags alone. Reads the disk.
    """
    corpus = Corpus(path=path, format=detect(path))
    wanted = defaults()
    wanted = msgspec.structs.replace(
        wanted, corpus=(corpus,), decision=msgspec.structs.replace(wanted.decision, precision=precision)
    )
    examples = load(wanted, rejects, erased)
    rubrics = {row.article.rubric for row in examples.rows if row.article.rubric}
    if len(rubrics) == 1 and any(row.article.tags or row.article.regions for row in examples.rows):
        wanted = msgspec.structs.replace(wanted, corpus=(msgspec.structs.replace(corpus, use=("tags", "regions")),))
        examples = load(wanted, _Silent(), erased)
    fallback = source or _host(examples.rows) or corpus.name
    rows = [_of_outlet(row, source or row.article.source or fallback) for row in examples.rows]
    return wanted, Examples(rows, examples.corpora, examples.rejected, examples.unmapped, examples.over_cap)


class _Silent:
    """Rows of a second reading were told at the first."""

    def add(self, file: Path | str, line: int, reason: str) -> None: ...


def _host(rows: Sequence[Example]) -> str | None:
    """The address that most articles have in common."""
    hosts = Counter(host for row in rows if (host := urlsplit(row.article.url or "").hostname))
    return hosts.most_common(1)[0][0].removeprefix("www.") if hosts else None


def _of_outlet(row: Example, outlet: str) -> Example:
    article = msgspec.structs.replace(row.article, source=outlet)
    return Example(article, row.corpus, outlet, row.date, row.key)


def set_aside(examples: Examples) -> tuple[Split, config.Split]:
    """The archive's last quarter to test on and the time before it to calibrate on; a small one is not cut at all."""
    rubrics = sum(bool(row.article.rubric) for row in examples.rows)
    if 0 < rubrics < ENOUGH_TO_TEST:
        none = np.zeros(0, np.int64)
        return Split("cross-fitting", np.arange(len(examples)), none, none, Counter()), config.Split()
    dates = sorted(row.date for row in examples.rows if row.date)
    if len(dates) < max(ENOUGH, DATED * len(examples)):
        wanted = config.Split(by="hash", validation=VALIDATION, test=LAST)
    else:
        wanted = config.Split(by="time", validation=VALIDATION, test=_last_quarter(dates))
    return split(examples, wanted), wanted


def _last_quarter(dates: Sequence[datetime.date]) -> str | float:
    """The last three months where they hold a usual share of the articles: one article of 2099 is no quarter."""
    after = dates[-1] + datetime.timedelta(days=1)
    share = sum(date >= after - QUARTER for date in dates) / len(dates)
    return f"{after - QUARTER}/{after}" if QUARTER_SHARE[0] <= share <= QUARTER_SHARE[1] else LAST
