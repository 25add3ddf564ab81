"""The versions of the model at a glance: what each was trained on, until when, and how well it did."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from service.gates import Verdict, gate_of
from service.inference import artifact
from service.inference.manifest import ArtifactError
from service.registry import BASELINE, Registry

REPORT = "report.html"  # a file of the artifact
HEADER = ("version", "added", "articles", "until", "rubrics", "tags", "right in its own test")
RIGHT = {"articles", "rubrics", "tags"}  # columns of numbers


class Listed(Struct, frozen=True):
    """`problem` says why a version can't be used, as far as a quick look tells; None stands for what it doesn't say.
    `previous`: rolling back leads to it. `gate`: how its retraining judged it against the model in use then."""

    version: str
    active: bool
    problem: str | None
    added: str | None = None  # to this registry, UTC; the baseline comes with the service
    articles: int | None = None  # learnt from
    newest_row: str | None = None  # the day of the newest of them
    rubrics: int | None = None
    tags: int | None = None
    accuracy: float | None = None  # of the rubric, in the test that was set aside
    test_articles: int | None = None
    report: bool = False  # whether there is one to read
    previous: bool = False
    gate: Verdict | None = None


def listed(registry: Registry) -> list[Listed]:
    """All there are, the baseline first. Reads their manifests."""
    added = registry.added()
    previous = next(iter(registry.history()[1:]), None)
    found = []
    for each in registry.versions():
        try:
            about = _about(artifact.inspect(each.path))
        except (ArtifactError, OSError):  # which is its problem
            about = {}
        gate = gate_of(registry.gates, each.version)
        about |= {"previous": each.version == previous, "gate": gate.verdict if gate else None}
        found.append(Listed(each.version, each.active, each.problem, added.get(each.version), **about))
    return found


def _about(manifest: artifact.Manifest) -> dict[str, Any]:
    rubrics, tags = manifest.labels.get("rubrics"), manifest.labels.get("tags")
    return {
        "articles": sum(corpus.get("articles", 0) for corpus in manifest.data) or None,
        "newest_row": manifest.newest_row,
        "rubrics": len(rubrics) if isinstance(rubrics, list) else None,
        "tags": tags if isinstance(tags, int) else None,
        "accuracy": manifest.scores.get("accuracy"),
        "test_articles": manifest.scores.get("articles"),
        "report": REPORT in manifest.files,
    }


def table(versions: Iterable[Listed]) -> Iterator[str]:
    """Lines for a terminal of 100 columns; a star stands before the active version."""
    listed = list(versions)
    rows = [HEADER, *map(_cells, listed)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield _line(" ", HEADER, widths)
    for one, cells in zip(listed, rows[1:], strict=True):
        yield _line("*" if one.active else " ", cells, widths)
        if one.problem:
            yield f"    can't be used: {one.problem}"


def _line(mark: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if name in RIGHT else cell.ljust(width)
        for name, cell, width in zip(HEADER, cells, widths, strict=True)
    ]
    return f"{mark} {'  '.join(aligned)}".rstrip()


def _cells(one: Listed) -> tuple[str, ...]:
    test = "–"
    if one.accuracy is not None:
        test = f"{one.accuracy:.3f} of {_number(one.test_articles)}"
    return (
        one.version,
        one.added[:10] if one.added else "bundled" if one.version == BASELINE else "–",
        _number(one.articles),
        one.newest_row or "–",
        _number(one.rubrics),
        _number(one.tags),
        test,
    )


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
