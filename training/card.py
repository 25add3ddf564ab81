"""The model's card: what its manifest says, for people."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from service.inference.decisions import ENOUGH_OF_A_SOURCE
from training import measures, no_news, notes, policy
from training.config import Config
from training.evaluation import Evaluation, RubricMeasures
from training.examples import Examples
from training.labels import Tags
from training.split import Split

OUTLETS_LISTED = 50
HELD_LISTED = 20  # sensitive labels of one kind


def card_of(
    config: Config, examples: Examples, parts: Split, rubrics: Sequence[str], tags: Tags, calibrated: Mapping[str, int],
    evaluation: Evaluation | None, held: Mapping[str, Any],
) -> str:  # fmt: skip
    """The manifest for people: what it learnt from, how well it does, what to mind."""
    unsaid = [rubrics[i] for i in no_news.numbers(rubrics, config)]
    said = [rubric for rubric in rubrics if rubric not in unsaid]
    lines = [
        "# Model card",
        "",
        "## Learnt from",
        "",
        "| corpus | articles used | rejected | why |",
        "|---|---|---|---|",
    ]
    counts = Counter(examples.rows[i].corpus for i in np.concatenate((parts.train, parts.validation)))
    for number, corpus in enumerate(examples.corpora):
        rejected = examples.rejected.get(corpus.name, Counter())
        why = "; ".join(f"{reason}: {count}" for reason, count in rejected.most_common(3))
        lines.append(f"| {escaped(corpus.name)} | {counts[number]} | {rejected.total()} | {escaped(why)} |")
    lines += [
        "",
        f"Split by {parts.by}: {len(parts.train)} train, {len(parts.validation)} validation, {len(parts.test)} test.",
        "",
        *(f"- {escaped(line)}\n" for line in notes.on_unused(examples, parts)),
        "## Answers with",
        "",
        f"{len(said)} rubrics: {escaped(', '.join(said))}; {len(tags.tags)} topic tags; places of the gazetteer.",
        "",
        *([f"Learnt, never answered: {escaped(', '.join(unsaid))}.", ""] if unsaid else []),
        *(f"- {escaped(line)}\n" for line in notes.on_tags(tags, config.tags.min_examples, config.model.max_tags)),
        "## Sensitive labels",
        "",
        *_held_lines(held),
        "",
        "## Calibrated on",
        "",
        *(_outlet_lines(calibrated) or ["No outlet's own articles."]),
        "",
        "## Test",
        "",
    ]
    if evaluation is not None:
        lines += [*_figures(evaluation), *by_outlet(evaluation.rubric)]
    lines += [f"- {escaped(line)}" for line in notes.on_size(evaluation)]
    minded = [*config.model.notes]
    if not config.decision.publish:
        minded.append("It never says `auto`: no outlet's own archive was learnt from.")
    elif not any(count >= ENOUGH_OF_A_SOURCE for count in calibrated.values()):
        minded.append(f"It never says `auto`: no outlet has {ENOUGH_OF_A_SOURCE} articles to calibrate on.")
    else:
        minded.append(
            f"It says `auto` only to outlets of which it was calibrated on {ENOUGH_OF_A_SOURCE} articles or more, of "
            "rubrics, regions and tags each by the articles that have them."
        )
    lines += ["", "## Mind", "", *(f"- {note}" for note in minded)]
    return "\n".join(lines) + "\n"


def _figures(evaluation: Evaluation) -> Iterator[str]:
    rubric, tags = evaluation.rubric, evaluation.tags
    yield f"- articles: {evaluation.n}"
    for name, value, interval in (
        ("accuracy", rubric.accuracy, rubric.accuracy_interval),
        ("macro-F1", rubric.macro_f1, rubric.macro_f1_interval),
        ("calibration error", rubric.calibration_error, None),
        ("micro-F1 of tags", tags.micro_f1, tags.micro_f1_interval),
    ):
        if value is not None:
            yield f"- {name}: {value:.3f}" + (f" (95 %: {interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def by_outlet(rubric: RubricMeasures) -> Iterator[str]:
    """A table of how often the rubric is right, the outlets with most articles first."""
    if len(rubric.by_source) < 2:
        return
    yield from ("", "| outlet | test articles with a rubric | right | 95 % |", "|---|---|---|---|")
    for source, share in sorted(rubric.by_source.items(), key=lambda one: (-one[1].n, one[0]))[:OUTLETS_LISTED]:
        right = share.right or 0.0
        low, high = measures.wilson(round(share.n * right), share.n) or (0.0, 1.0)
        yield f"| {escaped(source)} | {share.n} | {right:.3f} | {low:.3f} to {high:.3f} |"


def _held_lines(held: Mapping[str, Any]) -> Iterator[str]:
    review_only, never = held["review_only"], held["never_suggest"]
    yield f"- never published unseen: {len(review_only)}"
    for reason, labels in policy.reasons(review_only):
        more = f" and {len(labels) - HELD_LISTED} more" if len(labels) > HELD_LISTED else ""
        yield f"  - {escaped(', '.join(labels[:HELD_LISTED]))}{more}: {reason}"
    yield f"- never suggested: {len(never)}{': ' + escaped(', '.join(never[:HELD_LISTED])) if never else ''}"
    yield f"- tags that are persons, never published unseen under a rubric of incidents: {held['persons']}"


def escaped(text: str) -> str:
    """Names that newsrooms gave, as they are in Markdown: none of them makes a link, a heading or HTML of the card."""
    plain = re.sub(r"[\\`*\[\]<>|&~]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
    return re.sub(r"^(\d*)([-+#=.)])", r"\1\\\2", plain)


def _outlet_lines(calibrated: Mapping[str, int]) -> list[str]:
    lines = [
        f"- {escaped(source)}: {count} articles{'' if count >= ENOUGH_OF_A_SOURCE else ', too few for `auto`'}"
        for source, count in list(calibrated.items())[:OUTLETS_LISTED]
    ]
    return lines + ([f"- and {more} smaller outlets"] if (more := len(calibrated) - OUTLETS_LISTED) > 0 else [])
