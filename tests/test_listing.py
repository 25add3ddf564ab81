"""Versions at a glance: what is told of each, and that it fits a terminal."""

from pathlib import Path
from typing import Any

import pytest

from service.inference import artifact
from service.listing import listed, table
from service.registry import Registry

TRAINED: dict[str, Any] = {
    "newest_row": "2025-10-31",
    "labels": {"rubrics": ["Спорт", "Культура"], "tags": 1530},
    "data": [{"corpus": "a", "articles": 24_000}, {"corpus": "b", "articles": 739}],
    "scores": {"accuracy": 0.8065, "articles": 2165},
}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A baseline that says nothing of itself, a version that says all and is active, one that is broken."""
    artifact.write(tmp_path / "baseline", {}, {}, "# baseline\n")
    registry = Registry(tmp_path, tmp_path / "baseline")
    for name, manifest in (("good", TRAINED), ("bad", TRAINED | {"newest_row": "2025-11-30"})):
        artifact.write(tmp_path / name, {}, manifest, f"# {name}\n")
        version = registry.add(tmp_path / name)
        if name == "good":
            registry.activate(version)
        else:
            (registry.path(version) / "card.md").unlink()
    return registry


def test_a_version_says_what_it_learnt_from_and_how_well(registry: Registry) -> None:
    baseline, good, bad = listed(registry)
    assert (baseline.version, baseline.articles, baseline.rubrics, baseline.accuracy) == ("baseline", None, None, None)
    assert (good.articles, good.newest_row, good.rubrics, good.tags) == (24_739, "2025-10-31", 2, 1530)
    assert (good.accuracy, good.test_articles, good.active, good.problem) == (0.8065, 2165, True, None)
    assert good.added and good.added.endswith("+00:00")
    assert bad.problem and bad.articles is None


def test_the_table_is_aligned_and_fits_100_columns(registry: Registry) -> None:
    header, baseline, good, bad, problem = table(listed(registry))
    assert max(map(len, (header, baseline, good, bad))) <= 100
    assert baseline.split()[1] == "bundled"
    assert good.startswith("* 20251031-")
    assert good.endswith("  0.806 of 2,165")
    assert header.index("right in its own test") == good.index("0.806")
    assert header.index("articles") + len("articles") == good.index("24,739") + len("24,739")
    assert bad.startswith("  20251130-")
    assert "can't be used: " in problem and "card.md" in problem


def test_a_version_was_added_when_it_came_first(registry: Registry, tmp_path: Path) -> None:
    before = registry.added()
    registry.add(tmp_path / "good")
    assert registry.added() == before
    assert len(before) == 2
