"""What a person should know before believing a figure: sentences for the terminal and the report, none when all is
well."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from training.evaluation import Evaluation, Overlap
from training.examples import Examples
from training.labels import Tags
from training.split import Split

ENOUGH_ARTICLES = 200  # of a test: with fewer, chance moves the accuracy by ten points
ENOUGH_OF_A_RUBRIC = 10
A_DAY = datetime.timedelta(days=1)
LISTED = 10  # labels or fields in one sentence


def on_fields(examples: Examples) -> Iterator[str]:
    """Fields of the rows that nobody reads."""
    for corpus, fields in examples.unread.items():
        if fields:
            told = [
                f"{name} {count}{f' (did you mean {meant}?)' if meant else ''}"
                for (name, meant), count in fields.most_common(LISTED)
            ]
            yield f"fields that are not read, with the rows of {corpus} that have them: {_listed(told, len(fields))}"


def on_alphabets(examples: Examples) -> Iterator[str]:
    """Labels that had letters of two alphabets in a word."""
    if examples.mixed:
        told = [f"«{plain}» {count}" for (_, plain), count in Counter(examples.mixed).most_common(LISTED)]
        yield (
            "labels with Latin letters in a Russian word, or the reverse, that look the same: they are taken for the "
            f"word that a reader sees, with their rows: {_listed(told, len(examples.mixed))}; mend them in the archive"
        )


def on_future(examples: Examples, today: datetime.date, parts: Split | None = None) -> Iterator[str]:
    """Rows dated in days to come, and what they do to the split where there is one. Tomorrow may be today elsewhere."""
    days = {i: row.date for i, row in enumerate(examples.rows) if row.date and row.date > today + A_DAY}
    if not days:
        return
    told = (
        f"{len(days)} rows have a published_at later than today ({today}), up to {max(days.values())}: mend the dates"
    )
    if parts is None:
        yield f"{told}; rows that a model was trained on may pass for newer ones"
    elif parts.by == "time":
        of = {"test": parts.test, "validation": parts.validation, "train": parts.train}
        where = ", ".join(f"{name} {n}" for name, rows in of.items() if (n := sum(i in days for i in rows.tolist())))
        yield (
            f"{told}; the split by time takes them for the newest ({where or 'all of them left out'}), so that "
            "validation and test are of these rather than of the latest news"
        )
    else:
        yield f"{told}; the version is named by the newest day that was learnt from"


def on_unused(examples: Examples, parts: Split) -> Iterator[str]:
    """What was read and isn't learnt from although it was no reject: a sentence for each kind, with counts."""
    unmapped = {name: rubrics for name, rubrics in examples.unmapped.items() if rubrics}
    if unmapped:
        by_corpus = "; ".join(
            f"{name}: {', '.join(f'{rubric} {count}' for rubric, count in rubrics.most_common(LISTED))}"
            for name, rubrics in unmapped.items()
        )
        total = sum(rubrics.total() for rubrics in unmapped.values())
        yield f"{total} articles give tags and regions only, as their rubric becomes none ({by_corpus})"
    if examples.over_cap:
        by_corpus = "; ".join(f"{name}: {count}" for name, count in examples.over_cap.items())
        yield f"{sum(examples.over_cap.values())} articles don't give their rubric, as it is over the cap ({by_corpus})"
    if parts.left_out:
        why = "; ".join(f"{reason}: {count}" for reason, count in parts.left_out.most_common())
        yield f"{parts.left_out.total()} articles are in no part of the split ({why})"


def on_tags(tags: Tags, min_examples: int, max_tags: int) -> Iterator[str]:
    """Tags of the archive that the model doesn't learn."""
    if tags.rare:
        yield (
            f"tags left out, as fewer than {min_examples} articles have them: {len(tags.rare)} "
            f"({_counted(tags.rare)}); to learn them, lower min_examples under [tags] in the config"
        )
    if tags.over:
        yield (
            f"tags left out, as the model takes the {max_tags} most frequent: {len(tags.over)} "
            f"({_counted(tags.over)}); to learn them, raise max_tags under [model] in the config"
        )


def on_policy(unknown: Sequence[str]) -> Iterator[str]:
    """Labels of [policy] in the config that the model doesn't have."""
    if unknown:
        yield (
            f"labels of [policy] that are no rubric, tag or region of this model: {len(unknown)} "
            f"({_listed([f'«{label}»' for label in unknown[:LISTED]], len(unknown))})"
        )


def on_size(evaluation: Evaluation | None) -> Iterator[str]:
    """Whether there are enough articles to say anything; without an evaluation there is none."""
    if evaluation is None:
        yield (
            "no test articles were set aside, so nobody knows how good this model is: set test = 0.15 under [split] "
            "in the config, or evaluate it on newer articles"
        )
        return
    rubric = evaluation.rubric
    if evaluation.n < ENOUGH_ARTICLES:
        chance = ""
        if rubric.accuracy is not None and rubric.accuracy_interval:
            low, high = rubric.accuracy_interval
            chance = f"; an accuracy of {rubric.accuracy:.3f} may as well be anything from {low:.3f} to {high:.3f}"
        yield (
            f"articles measured: {evaluation.n}, too few to say how good a model is; "
            f"take {ENOUGH_ARTICLES} or more{chance}"
        )
    small = {label: one.support for label, one in rubric.per_label.items() if 0 < one.support < ENOUGH_OF_A_RUBRIC}
    if small:
        yield (
            f"rubrics with fewer than {ENOUGH_OF_A_RUBRIC} of these articles, so that their own figures say nothing: "
            f"{len(small)} ({_counted(small)})"
        )


def on_labels(evaluation: Evaluation, rubrics: Sequence[str]) -> Iterator[str]:
    """Labels of the articles that the model, whose rubrics these are, doesn't have."""
    rubric, tags = evaluation.rubric, evaluation.tags
    if unknown := sum(rubric.unknown.values()):
        knows = f"; it has {', '.join(rubrics)}" if unknown == rubric.n else ""
        yield (
            f"articles of rubrics that the model doesn't have, which count as errors: {unknown} of {rubric.n} "
            f"({_counted(rubric.unknown)}){knows}"
        )
    if tags.unknown:
        given = round((tags.true_per_article or 0) * tags.n)
        yield (
            f"tags of the editors that the model doesn't have, which count as missed: {sum(tags.unknown.values())} of "
            f"{given}, {len(tags.unknown)} different ({_counted(tags.unknown)})"
        )


def on_overlap(overlap: Overlap, n: int) -> Iterator[str]:
    """Whether the articles may have been learnt from."""
    for corpus in overlap.learnt:
        yield f"the model was trained on these very rows of {corpus}: the figures say how well it remembers them"
    if overlap.not_newer:
        yield (
            f"{overlap.not_newer} of {n} rows are not newer than the model's newest training row "
            f"({overlap.newest_row}): they may have been trained on"
        )
    if overlap.undated:
        why = "have no date" if overlap.newest_row else "can't be compared with training rows, which have no dates"
        yield f"{overlap.undated} of {n} rows {why}: nobody can tell whether they were trained on"


def _counted(labels: Mapping[str, int]) -> str:
    return _listed([f"{label} {count}" for label, count in Counter(labels).most_common(LISTED)], len(labels))


def _listed(shown: Iterable[str], total: int) -> str:
    listed = list(shown)
    return ", ".join(listed) + (f" and {total - len(listed)} more" if total > len(listed) else "")
