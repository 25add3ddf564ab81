"""What a protocol found, as records: one section of the quality page, and of its JSON."""

from msgspec import Struct

from training.evaluation import Interval, WorstError

Cell = str | float | int | None


class Asked(Struct, frozen=True):
    """A figure that was asked for, and what was measured; exactly one of `least` and `most` is given."""

    what: str
    got: float | None  # None: could not be measured here, `note` says why
    least: float | None = None
    most: float | None = None
    interval: Interval | None = None
    note: str = ""

    @property
    def kept(self) -> bool:
        """Whether the figure is as good as asked, on the value alone."""
        if self.got is None:
            return False
        return (self.least is None or self.got >= self.least) and (self.most is None or self.got <= self.most)


class Table(Struct, frozen=True):
    """Rows are as long as `columns`; the first cell of a row names it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class Plot(Struct, frozen=True):
    """SVG that takes its colours from the page (training/charts.py)."""

    title: str
    svg: str


class Section(Struct, frozen=True):
    """`name` is the file's name of the protocol; `about` says split, choice of options, and what to mind."""

    name: str
    title: str
    about: str
    n: int  # test articles
    asked: tuple[Asked, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    worst: tuple[WorstError, ...] = ()
