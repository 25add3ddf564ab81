"""One article at a time inside a process, and 500: ours beside its peers, and above the floor of the same in C."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from service.inference import kernel
from service.inference.article import Article
from service.inference.decisions import Options
from service.inference.text import read_all
from service.inference.words import words
from tests.bench import drawing
from tests.bench.floor import Floor
from tests.bench.material import Material
from tests.bench.peers import FastText, Omikuji, whole
from tests.bench.right import RUBRIC_AND_TAGS, Right, of_fast_text, of_ours
from tests.bench.scale import Scale, pick
from tests.bench.scikit_learn import Reference
from tests.bench.systems import Answers, Build, Seconds, in_turns, ratio
from training.progress import Progress
from training.protocols.section import Asked, Plot, Section, Table

BATCH = 500
OURS_SHORT, OURS = "rubricator: rubric + tags", "rubricator: all"
OURS_NUMPY, LOOPS, FLOOR = "rubricator: all, numpy instead of C", "rubricator: the loops in C alone", "floor in C"
FAST_TEXT, ANNIF, LEAN = "fastText: rubric + tags", "Annif's omikuji: rubric + tags", "omikuji, read from arrays"
SCIKIT_LEARN = "scikit-learn: rubric + tags + places"


def ours(heads: frozenset[str] | None, material: Material) -> Answers:
    annotator = material.annotator()
    options = Options() if heads is None else Options(heads=heads)
    return lambda articles: annotator.annotate(articles, options)


def ours_in_numpy(material: Material) -> Answers:
    kernel.library = None  # of this process: as where nothing could be compiled
    return ours(None, material)


def loops_alone(material: Material) -> Answers:
    """From an article to margins, names and candidates, without decisions, places and answers."""
    find = material.annotator()._compiled.find
    return lambda articles: find([raw for _, raw in read_all(articles)])


def one_by_one(material: Material) -> Answers:
    annotator = material.annotator()
    return lambda articles: [annotator.annotate([article]) for article in articles]


SYSTEMS: Mapping[str, Build] = {
    OURS_SHORT: partial(ours, RUBRIC_AND_TAGS),
    OURS: partial(ours, None),
    OURS_NUMPY: ours_in_numpy,
    LOOPS: loops_alone,
    FLOOR: Floor,
    FAST_TEXT: FastText,
    ANNIF: Omikuji,
    LEAN: partial(Omikuji, lean=True),
    SCIKIT_LEARN: Reference,
}


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Four minutes, and ten more the first time, when the peers learn."""
    articles = material.measured()[: pick(scale, smoke=160, usual=100_000, full=100_000)]
    warm_up = pick(scale, smoke=60, usual=300, full=300)
    rows = material.part("test")
    for name, build in SYSTEMS.items():
        with progress.step(f"ready: {name}"):
            in_turns({name: build}, material, articles[:1], 0)  # what a peer learns is kept: apart from all timing
    with progress.step("rubric and tags of held-out articles"):
        rightness = {OURS_SHORT: of_ours(material, rows), FAST_TEXT: of_fast_text(material, rows)}
    with progress.step(f"{len(articles)} articles in turns"):
        times, facts = in_turns(SYSTEMS, material, articles, warm_up)
    with progress.step(f"batches of {BATCH}"):
        batched = _batches(material, [row.article for row in rows], scale)
    return _section(material, articles[warm_up:], times, facts, rightness, batched)


def _batches(material: Material, articles: Sequence[Article], scale: Scale) -> float:
    """How many times as fast the whole annotation is in batches, the median over them."""
    size = pick(scale, smoke=50, usual=BATCH, full=BATCH)
    whole_batches = articles[
        : pick(scale, smoke=3 * size, usual=len(articles) // size * size, full=len(articles) // size * size)
    ]
    systems: dict[str, Build] = {"alone": one_by_one, "together": partial(ours, None)}
    times, _ = in_turns(systems, material, whole_batches, size, size)
    return ratio(times["alone"], times["together"])


def unseen(material: Material, articles: Sequence[Article]) -> float:
    """Share of the words of these articles that no article learnt from has."""
    known = {word for row in material.part("train", "validation") for word in words(row.whole)}
    found = [word in known for article in articles for word in words(whole(article))]
    return 1 - sum(found) / len(found)


def _section(
    material: Material,
    articles: Sequence[Article],
    times: Mapping[str, Seconds],
    facts: Mapping[str, Mapping[str, Any]],
    rightness: Mapping[str, Right],
    batched: float,
) -> Section:
    length = float(np.mean([len(whole(article).split()) for article in articles]))
    p50, p99 = ({name: float(np.percentile(own, q)) * 1e6 for name, own in times.items()} for q in (50, 99))

    def times_as_fast(slow: str, fast: str) -> float:
        return ratio(times[slow], times[fast])

    ours_right, theirs = rightness[OURS_SHORT], rightness[FAST_TEXT]
    asked = (
        Asked("rubric + tags, times as fast as fastText", times_as_fast(FAST_TEXT, OURS_SHORT), least=1.5),
        Asked("rubric accuracy over fastText's", ours_right.accuracy - theirs.accuracy, least=0),
        Asked("micro-F1 of tags over fastText's", ours_right.micro_f1 - theirs.micro_f1, least=0),
        Asked("all with regions, times as fast as fastText's rubric + tags", times_as_fast(FAST_TEXT, OURS), least=1),
        Asked(
            "all with regions, times as fast as Annif's omikuji",
            times_as_fast(ANNIF, OURS),
            least=20,
            note=f"where omikuji's pairs are read from arrays: {times_as_fast(LEAN, OURS):.1f}",
        ),
        Asked(
            "all with regions, times as fast as scikit-learn with places",
            times_as_fast(SCIKIT_LEARN, OURS),
            least=6,
            note="every word of these articles that training has is in its cache of lemmas",
        ),
        Asked(f"batches of {BATCH}, times as fast as one by one", batched, least=1.6),
        Asked("p99 in p50s, rubric + tags", p99[OURS_SHORT] / p50[OURS_SHORT], most=3),
        Asked("p99 in p50s, all with regions", p99[OURS] / p50[OURS], most=3),
        Asked(
            "the loops in C, times as fast as numpy",
            times_as_fast(OURS_NUMPY, OURS),
            least=2,
            note=f"the loops alone take {times_as_fast(LOOPS, FLOOR):.1f} times the floor, which has single lemmas and "
            "rubrics only",
        ),
    )
    rows = tuple(
        (name, p50[name], p99[name], p99[name] / p50[name], 1e6 / p50[name], ratio(own, times[OURS]))
        for name, own in times.items()
    )
    qualities = tuple((name, one.accuracy, one.micro_f1) for name, one in rightness.items())
    told = tuple(
        (name, ", ".join(f"{value:,} {key}" for key, value in own.items())) for name, own in facts.items() if own
    )
    return Section(
        "in_process",
        "In the process, one article at a time",
        f"Real held-out articles, all different, {length:.0f} words on average; {unseen(material, articles):.2%} of "
        f"their "
        "words stand in no article learnt from, and are met here for the first time. CPU time of one core, in turns of "
        "50 articles, each system in a process of its own; ratios are medians over the articles.",
        len(articles),
        asked,
        (
            Table("An article, in µs", ("System", "p50, µs", "p99, µs", "p99 / p50", "articles/s", "times ours"), rows),
            Table(
                "How right they are",
                ("System", "rubric accuracy", "micro-F1 of tags"),
                qualities,
                f"On {len(material.part('test')):,} held-out articles, each counted for what its outlet labels. "
                "fastText learns as long as training/protocols allow; its threshold is chosen on validation.",
            ),
            Table("How large they are", ("System", "holds"), told),
        ),
        (
            Plot(
                "Time of an article: p50, and to p99",
                drawing.ranges({name: (p50[name], p99[name]) for name in times}, "µs of CPU"),
            ),
            Plot(
                "Every article",
                drawing.cumulative(
                    {name: times[name] * 1e6 for name in (OURS_SHORT, OURS, FAST_TEXT, SCIKIT_LEARN, ANNIF)},
                    "µs of CPU",
                ),
            ),
        ),
    )
