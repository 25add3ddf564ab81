"""An evaluation as one HTML page made for looking at: no script, no network, light and dark, screen and paper."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from training import charts
from training.evaluation import Confusion, Evaluation, Word

TEMPLATES = Path(__file__).parent / "templates"
CONFUSION_LABELS = 30  # a larger table is not read but searched, and the JSON has it all
TAGS_LISTED = 40
CONFUSED_PAIRS = 10


def render(evaluation: Evaluation, *, title: str, about: Mapping[str, object]) -> str:
    """`about` are facts to print under the title, in order: corpus, period, command ..."""
    rubric = evaluation.rubric
    listed = sorted(evaluation.tags.per_label.items(), key=lambda one: (-one[1].support, one[0]))[:TAGS_LISTED]
    return environment().get_template("report.html.j2").render(
        title=title,
        about=about,
        evaluation=evaluation,
        rubric=rubric,
        tags=evaluation.tags,
        regions=evaluation.regions,
        curve=charts.precision_coverage(rubric),
        reliability=charts.reliability_diagram(rubric),
        enough_points=charts.ENOUGH_POINTS,
        enough_to_bin=charts.ENOUGH_TO_BIN,
        confusion=list(_confusion_rows(rubric.confusion)),
        confusion_labels=rubric.confusion.labels[:CONFUSION_LABELS],
        confused=_confused(rubric.confusion),
        tags_listed=sorted(listed, key=lambda one: (one[1].f1, one[0])),
    )  # fmt: skip


def environment() -> Environment:
    """What every page of the house is made with: text is escaped, a name that is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent, "score": _score, "signed": _signed, "marked": _marked, "count": "{:,}".format,
    }  # fmt: skip
    return environment


def _percent(share: float | None, digits: int = 1) -> str:
    return "–" if share is None else f"{100 * share:.{digits}f}%"


def _score(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _marked(text: str, words: Sequence[Word]) -> Markup:
    """The text with the words marked that spoke for the answer, the stronger the deeper; everything escaped."""
    if not words:
        return escape(text)
    weights = {word.text.casefold(): word.weight for word in words}
    strongest = max(weights.values())
    longest_first = sorted(weights, key=len, reverse=True)
    found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
    pieces, end = [], 0
    for match in found.finditer(text):
        weight = weights.get(match.group().casefold(), 0.0) / strongest
        mark = Markup('<mark style="--weight:{:.0f}%">{}</mark>').format(15 + 45 * weight, match.group())
        pieces += [escape(text[end : match.start()]), mark]
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


class Cell(NamedTuple):
    articles: int
    share: float  # of the row
    right: bool
    answered: str


class ConfusionRow(NamedTuple):
    label: str
    total: int
    cells: list[Cell]
    elsewhere: int  # no answer, or a label that is not listed


def _confusion_rows(confusion: Confusion) -> Iterator[ConfusionRow]:
    """One row for each of the most frequent labels, its cells in the same order."""
    shown = confusion.labels[:CONFUSION_LABELS]
    for label, counts in zip(shown, confusion.counts, strict=False):
        total = sum(counts)
        if total:
            cells = [
                Cell(count, count / total, answered == label, answered)
                for answered, count in zip(shown, counts, strict=False)
            ]
            yield ConfusionRow(label, total, cells, sum(counts[len(shown) :]))


class Pair(NamedTuple):
    true: str
    predicted: str
    articles: int
    share: float  # of the articles whose rubric it is


def _confused(confusion: Confusion) -> list[Pair]:
    """The mistakes made most often."""
    pairs = [
        Pair(true, predicted, count, count / sum(counts))
        for true, counts in zip(confusion.labels, confusion.counts, strict=True)
        for predicted, count in zip((*confusion.labels, "no answer"), counts, strict=True)
        if count and predicted != true
    ]
    return sorted(pairs, key=lambda pair: (-pair.articles, pair.true, pair.predicted))[:CONFUSED_PAIRS]
