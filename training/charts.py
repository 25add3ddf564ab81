"""Drawings for the pages: SVG that takes its colours and font from the page, so it is at home in light and dark."""

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.comparison import Comparison, System
from training.evaluation import RubricMeasures
from training.learning_curve import Curve

# Matplotlib writes colours as hex; these stand for the page's variables and are replaced after drawing.
INK, MUTED, GRID, ACCENT, WARM, GOOD = ("#010203", "#010204", "#010205", "#010206", "#010207", "#010208")
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "line", ACCENT: "accent", WARM: "warm", GOOD: "good"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rubricator",  # ids are the same on every run
    "text.parse_math": False,  # a system may be called «$x»
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.solid_capstyle": "round",
}
ENOUGH_POINTS = 20  # of a curve
ENOUGH_TO_BIN = 100  # articles: 15 bins of them, and a bin of one or two is right always or never
VERDICT_COLOURS = {"better": GOOD, "worse": WARM, "even": MUTED}


def precision_coverage(rubric: RubricMeasures) -> Markup:
    """How right the model is when it answers only its surest articles; nothing where the curve has too few points."""
    if len(rubric.curve) < ENOUGH_POINTS:
        return Markup()
    with canvas(5.2, 3.9) as (figure, axes):
        points = rubric.curve
        axes.plot([p.coverage for p in points], [p.precision for p in points], color=ACCENT, linewidth=2.2)
        floor = min(0.9, *(p.precision for p in points))
        bottom = max(0.0, floor - 0.06)
        axes.fill_between([p.coverage for p in points], bottom, [p.precision for p in points], color=ACCENT, alpha=0.08)
        for aim, coverage, colour in ((0.95, rubric.coverage_at_95, GOOD), (0.90, rubric.coverage_at_90, WARM)):
            axes.axhline(aim, color=colour, linewidth=1, linestyle=(0, (4, 3)))
            if not coverage:
                continue
            precision = next(p.precision for p in points if p.coverage == coverage)
            axes.plot([coverage] * 2, [bottom, precision], color=colour, linewidth=1, linestyle=(0, (4, 3)))
            axes.plot([coverage], [precision], "o", color=colour, markersize=8)
            inside = coverage > 0.72
            axes.annotate(
                f"{aim:.0%} right: {coverage:.0%} covered",
                (coverage, precision),
                (-9 if inside else 9, -17 if inside else 8),
                textcoords="offset points",
                ha="right" if inside else "left",
                weight="bold",
                color=colour,
            )
        axes.set(ylim=(bottom, 1.03))
        axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= 1])
        axes.set(xlim=(0, 1.01), ylim=(bottom, 1.03), xlabel="articles answered, surest first", ylabel="of them right")
        _percents(axes)
        return inline_svg(figure, "curve", "Precision against coverage")


def reliability_diagram(rubric: RubricMeasures) -> Markup:
    """Whether 0.8 is right eight times of ten; below, how many articles have such a score. Nothing of few articles."""
    if rubric.n < ENOUGH_TO_BIN:
        return Markup()
    with canvas(5.2, 3.9) as (figure, axes):
        figure.delaxes(axes)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1), gridspec_kw={"hspace": 0.09})
        bins = rubric.reliability
        upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for one in bins:
            upper.plot([one.confidence] * 2, [one.confidence, one.accuracy], color=WARM, linewidth=2.2, alpha=0.7)
        largest = max(one.n for one in bins)
        upper.plot([one.confidence for one in bins], [one.accuracy for one in bins], color=ACCENT, linewidth=1.6)
        upper.scatter(
            [one.confidence for one in bins],
            [one.accuracy for one in bins],
            s=[18 + 90 * one.n / largest for one in bins],
            color=ACCENT,
            zorder=3,
        )
        upper.text(0.03, 0.9, "too modest", color=MUTED, style="italic")
        upper.text(0.97, 0.06, "too sure", color=MUTED, style="italic", ha="right")
        upper.set(ylim=(0, 1.03), ylabel="right")
        width = 0.85 * (bins[0].high - bins[0].low)
        lower.bar([(b.low + b.high) / 2 for b in bins], [b.n for b in bins], width=width, color=ACCENT, alpha=0.45)
        lower.set(xlim=(0, 1.01), xlabel="score", ylabel="articles", yticks=[largest])
        _percents(upper)
        return inline_svg(figure, "reliability", "Calibration: score against share of right answers")


def dot_plot(comparison: Comparison) -> Markup:
    """Every system's accuracy and macro-F1 with their intervals, the one to beat as a line through all."""
    rows = len(comparison.systems)
    with canvas(10.4, 0.95 + 0.46 * rows) as (figure, axes):
        figure.delaxes(axes)
        panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.08})
        for panel, (title, measure) in zip(panels, (("accuracy", "accuracy"), ("macro-F1", "macro_f1")), strict=True):
            for row, system in enumerate(comparison.systems):
                reference = comparison.to_beat if measure == "accuracy" else comparison.to_beat_in_f1
                _dot(panel, row, system, measure, reference)
            panel.set(ylim=(rows - 0.4, -0.6), yticks=range(rows), yticklabels=[s.name for s in comparison.systems])
            panel.set_title(title, loc="left", color=INK, fontsize=11, weight="bold")
            panel.grid(axis="y", visible=False)
            panel.margins(x=0.12)
            panel.tick_params(axis="y", labelcolor=INK)
        return inline_svg(figure, "dots", "Accuracy and macro-F1 of each system, with 95% intervals")


def _dot(axes: Axes, row: int, system: System, measure: str, reference: str) -> None:
    figure = system.accuracy if measure == "accuracy" else system.macro_f1
    if system.name == reference:
        axes.axvline(figure.value, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    colour = INK if system.name == reference else VERDICT_COLOURS[figure.verdict]
    axes.plot(figure.interval, [row, row], color=colour, linewidth=3, alpha=0.35)
    axes.plot([figure.value], [row], "o", color=colour, markersize=8)
    axes.annotate(
        f"{figure.value:.3f}",
        (figure.value, row),
        (0, 7),
        textcoords="offset points",
        ha="center",
        color=colour,
        fontsize=9.5,
    )


def over_time(periods: Sequence[str], shares: Mapping[str, Sequence[float]], ours: str) -> Markup:
    """A line a system; ours is the one in colour. Names stand at the ends, moved apart where they would meet."""
    with canvas(10.4, 3.9) as (figure, axes):
        at = range(len(periods))
        for name, values in shares.items():
            own = name == ours
            axes.plot(
                at,
                values,
                "o-",
                color=ACCENT if own else MUTED,
                linewidth=2.4 if own else 1.2,
                markersize=7 if own else 4,
                alpha=1 if own else 0.75,
                zorder=3 if own else 2,
            )
        ends = sorted(shares, key=lambda name: shares[name][-1])
        low, high = min(map(min, shares.values())), max(map(max, shares.values()))
        apart = max(high - low, 1e-3) * 0.085
        place = -math.inf
        for name in ends:
            place = max(shares[name][-1], place + apart)
            axes.annotate(
                f"{name} {shares[name][-1]:.3f}",
                (len(periods) - 1, place),
                (12, 0),
                textcoords="offset points",
                va="center",
                fontsize=9.5,
                color=ACCENT if name == ours else MUTED,
                weight="bold" if name == ours else "normal",
                annotation_clip=False,
            )
        axes.set_xticks(list(at), periods)
        axes.set(xlim=(-0.15, (len(periods) - 1) * 1.45 + 0.5), ylabel="right")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        return inline_svg(figure, "over-time", "Share of right answers, period by period")


def learning_curve(curve: Curve) -> Markup:
    """How right models are that learnt from parts of the archive; in Russian, for the chief editor's page."""
    with canvas(10.4, 3.4) as (figure, axes):
        low, high = [low for low, _ in curve.intervals], [high for _, high in curve.intervals]
        axes.fill_between(curve.sizes, low, high, color=ACCENT, alpha=0.12, linewidth=0)
        axes.plot(curve.sizes, curve.accuracy, "o-", color=ACCENT, linewidth=2.2, markersize=7)
        for size, value in zip(curve.sizes, curve.accuracy, strict=True):
            axes.annotate(
                f"{100 * value:.0f}\u00a0%",
                (size, value),
                (0, 9),
                textcoords="offset points",
                ha="center",
                weight="bold",
                color=INK,
            )
        axes.set_xscale("log")
        axes.set_xticks(curve.sizes, [f"{size:,}".replace(",", " ") for size in curve.sizes])
        axes.minorticks_off()
        axes.margins(x=0.08, y=0.25)
        axes.set(xlabel="статей с рубрикой, на которых училась модель", ylabel="верных ответов")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol="\u00a0%"))
        return inline_svg(figure, "learning", "Сколько верных ответов даёт больший архив")


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure without a window behind it: pages are made on machines that have no screen."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        yield figure, figure.subplots()


def _percents(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def inline_svg(figure: Figure, name: str, title: str) -> Markup:
    """Inline SVG: no prolog and no date, ids that are the drawing's own, text in the page's font."""
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    size = re.search(r'viewBox="([^"]*)"', svg)
    assert size
    opening = f'<svg class="chart" viewBox="{size[1]}" role="img" xmlns:xlink="http://www.w3.org/1999/xlink">'
    inside = svg[svg.index(">") + 1 :].rstrip()
    return Markup(f"{opening}<title>{escape(title)}</title>{inside}")  # noqa: S704 - matplotlib has escaped what it wrote
