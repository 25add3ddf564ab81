"""How the time of an article grows: with its length, and with what the model holds."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from service.inference.article import Article
from tests.bench import drawing, grown
from tests.bench.in_process import ours, unseen
from tests.bench.material import Material
from tests.bench.mixes import Mixer
from tests.bench.peers import whole
from tests.bench.scale import Scale, pick
from tests.bench.systems import Build, in_turns
from training.progress import Progress
from training.protocols.section import Asked, Plot, Section, Table

IN_PROPORTION = 0.5  # a slope under this is far from the 1 of what grows in proportion
LINEAR = 1.05  # a slope under this is no worse than in proportion


class Curve(NamedTuple):
    """µs of CPU of an article, the median, at each size."""

    what: str
    sizes: Sequence[int]
    us: Sequence[float]

    @property
    def slope(self) -> float:
        """Of the logarithms: 1 is in proportion, 0 is no growth."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.us), 1)[0])

    @property
    def last_slope(self) -> float:
        """The same between the two largest sizes, where what doesn't grow hides least."""
        (x, y), (x2, y2) = [*zip(self.sizes, self.us, strict=True)][-2:]
        return float(np.log(y2 / y) / np.log(x2 / x))


def run(material: Material, scale: Scale, progress: Progress) -> Section:
    """Three minutes."""
    count = pick(scale, smoke=60, usual=600, full=2_000)
    warm_up = count // 4
    articles = list(Mixer(material, "test", "spare").articles(count, seed=2))
    curves = []
    with progress.step("articles of growing length"):
        curves.append(_over_length(material, articles, pick(scale, smoke=20, usual=60, full=200)))
    for what, sizes, make in (
        ("tags", (100, 500, 2_000, 8_000, 20_000), grown.with_tags),
        ("rubrics", (5, 17, 50, 150, 400), grown.with_rubrics),
        (
            "columns of the vocabulary",
            (3_000, 12_000, 50_000, len(material.annotator().features.keys)),
            grown.with_columns,
        ),
        (
            "own places beside the gazetteer",
            pick(scale, smoke=(1, 200), usual=(1, 300, 3_000), full=(1, 300, 3_000, 20_000)),
            grown.with_places,
        ),
    ):
        with progress.step(f"growing {what}"):
            builds: dict[str, Build] = {str(size): partial(make, size) for size in sizes}
            times, _ = in_turns(builds, material, articles, warm_up)
            curves.append(Curve(what, sizes, [1e6 * float(np.median(own)) for own in times.values()]))
    return _section(material, articles, curves)


def _over_length(material: Material, articles: Sequence[Article], each: int) -> Curve:
    """Mixes joined, and cut to a number of words."""
    sizes = (30, 60, 125, 250, 500, 1_000, 2_000, 4_000, 8_000)
    words = [word for article in articles for word in (article.text or "").split(" ")]
    cut = [_of_words(words, size, 7 * number * size) for size in sizes for number in range(each)]
    times, _ = in_turns({"all": partial(ours, None)}, material, cut, 0)
    medians = np.median(times["all"].reshape(len(sizes), each), axis=1)
    return Curve("words of the article", sizes, (1e6 * medians).tolist())


def _of_words(words: Sequence[str], size: int, first: int) -> Article:
    first %= max(1, len(words) - size)
    return Article(title="О чём пойдёт речь", text=" ".join(words[first : first + size]))


def _section(material: Material, articles: Sequence[Article], curves: Sequence[Curve]) -> Section:
    by_name = {curve.what: curve for curve in curves}
    tags, length = by_name["tags"], by_name["words of the article"]
    real = unseen(material, material.measured())
    mixed = unseen(material, articles)
    words = float(np.mean([len(whole(one).split()) for one in articles]))
    rows = [(curve.what, f"{size:,}", us) for curve in curves for size, us in zip(curve.sizes, curve.us, strict=True)]
    slopes = tuple((one.what, f"{min(one.sizes):,} to {max(one.sizes):,}", one.slope, one.last_slope) for one in curves)
    return Section(
        "growth",
        "How time grows",
        f"Mixes of held-out sentences of one rubric, {words:.0f} words on average, {mixed:.2%} of them unseen in "
        f"training (real held-out articles: {real:.2%}). Models were made larger or smaller for time alone: a tag "
        f"more has the weights "
        "of a trained one on other columns of about their frequency, a rubric more is a copy, the rarest columns go "
        "first, places more are made-up villages in a model of the sample corpus.",
        len(articles),
        (
            Asked(
                "slope of the time over the number of tags",
                tags.slope,
                most=IN_PROPORTION,
                note=f"1 would be in proportion; {tags.last_slope:.2f} from {tags.sizes[-2]:,} to {tags.sizes[-1]:,}",
            ),
            Asked(
                "slope of the time over the words of an article, 4,000 to 8,000",
                length.last_slope,
                most=LINEAR,
                note="1 is in proportion",
            ),
        ),
        (
            Table(
                "Slopes",
                ("Over", "from, to", "slope", "at the end"),
                slopes,
                "Of the logarithms: 1 is in proportion, 0 is no growth.",
            ),
            Table("Medians", ("Over", "how many", "µs of CPU"), tuple(rows)),
        ),
        tuple(
            Plot(f"Time over {curve.what}", drawing.lines({"all": (curve.sizes, curve.us)}, curve.what, "µs of CPU"))
            for curve in curves
        ),
    )
