"""Drawings of the benchmark's page, in the house's colours: times on a logarithmic axis, ours in colour."""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from training.charts import ACCENT, GOOD, INK, MUTED, WARM, canvas, inline_svg

OURS = "rubricator"
LINES = (ACCENT, WARM, GOOD, INK)
numbers: Iterator[int] = itertools.count()  # drawings of one page need ids of their own


def plain(value: float, _: object = None) -> str:
    """1,500 and 0.25, not 1.5e3."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def ranges(values: Mapping[str, tuple[float, float]], unit: str) -> Markup:
    """A row for each: a dot at the median, a line from there to p99."""
    with canvas(10.4, 0.9 + 0.4 * len(values)) as (figure, axes):
        for row, (name, (p50, p99)) in enumerate(values.items()):
            colour = ACCENT if name.startswith(OURS) else MUTED
            axes.plot([p50, p99], [row, row], color=colour, linewidth=3, alpha=0.4)
            axes.plot([p50], [row], "o", color=colour, markersize=9)
            axes.annotate(
                plain(p50),
                (p50, row),
                (-10, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                color=colour,
                weight="bold",
                fontsize=10,
            )
            axes.annotate(
                plain(p99), (p99, row), (6, 0), textcoords="offset points", va="center", color=colour, fontsize=9
            )
        low, high = min(p50 for p50, _ in values.values()), max(p99 for _, p99 in values.values())
        axes.set(ylim=(len(values) - 0.4, -0.6), yticks=range(len(values)), yticklabels=list(values), xlabel=unit)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(axis="y", visible=False)
        _logarithmic(axes, "x", low / 1.6, high * 1.6)
        return inline_svg(figure, f"ranges{next(numbers)}", "Median and 99th percentile of each system")


def cumulative(times: Mapping[str, npt.NDArray[np.float64]], unit: str) -> Markup:
    """The share of articles that were done in so much time."""
    with canvas(10.4, 3.8) as (figure, axes):
        colours = iter((ACCENT, GOOD, *[MUTED] * len(times)))
        for number, (name, own) in enumerate(times.items()):
            colour = next(colours)
            axes.plot(
                np.sort(own),
                np.linspace(0, 100, len(own)),
                color=colour,
                linewidth=2.2 if name.startswith(OURS) else 1.4,
            )
            axes.annotate(
                name.partition(":")[0] if not name.startswith(OURS) else name,
                (float(np.percentile(own, 84 - 16 * number)), 84 - 16 * number),
                (7, -4),
                textcoords="offset points",
                color=colour,
                fontsize=9.5,
            )
        axes.set(ylim=(0, 101), xlabel=unit, ylabel="articles done, %")
        _logarithmic(
            axes,
            "x",
            min(float(own.min()) for own in times.values()),
            1.3 * max(float(own.max()) for own in times.values()),
        )
        return inline_svg(figure, f"cumulative{next(numbers)}", "Share of articles by time")


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x: str,
    y: str,
    *,
    log: bool = True,
    from_zero: bool = False,
) -> Markup:
    """A line each, its name at its end."""
    with canvas(5.2, 3.7) as (figure, axes):
        for (name, (at, values)), colour in zip(series.items(), itertools.cycle(LINES), strict=False):
            axes.plot(at, values, "o-", color=colour, linewidth=2, markersize=5)
            if len(series) > 1:
                axes.annotate(
                    name,
                    (at[-1], values[-1]),
                    (-4, 8),
                    textcoords="offset points",
                    ha="right",
                    color=colour,
                    weight="bold",
                    fontsize=9.5,
                )
        axes.set(xlabel=x, ylabel=y)
        if log:
            everything = [value for _, values in series.values() for value in values]
            positions = [value for at, _ in series.values() for value in at]
            _logarithmic(axes, "x", min(positions) / 1.15, max(positions) * 1.15)
            _logarithmic(axes, "y", min(everything) / 1.5, max(everything) * 1.6)
            axes.xaxis.set_major_locator(FixedLocator(_apart(sorted(set(positions)))))
            axes.minorticks_off()
        elif from_zero:
            axes.set_ylim(bottom=0, top=1.15 * max(value for _, values in series.values() for value in values))
            axes.xaxis.set_major_formatter(FuncFormatter(plain))
        return inline_svg(figure, f"lines{next(numbers)}", f"{y} by {x}")


def _apart(positions: Sequence[float]) -> list[float]:
    """Those whose labels don't meet on a logarithmic axis: a tenth of it apart, from the largest down."""
    least = (positions[-1] / positions[0]) ** 0.11
    kept = [positions[-1]]
    for position in reversed(positions[:-1]):
        if kept[-1] / position >= least:
            kept.append(position)
    return kept


def _logarithmic(axes: Axes, which: str, low: float, high: float) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    subs = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0) if high / low > 5 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    axis.set_major_locator(LogLocator(10, subs=subs, numticks=20))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())
