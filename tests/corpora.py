"""Real texts outside the repository, for tests that must see some: skipped with a message where they are missing."""

import gzip
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def shared_example(name: str) -> str:
    return needs(SHARED / "examples" / name).read_text(encoding="utf-8")


def corpus(name: str, rows: int) -> Iterator[dict[str, Any]]:
    """The first rows of a corpus; RUBRICATOR_DATA names the folder."""
    folder = Path(os.environ.get("RUBRICATOR_DATA", SHARED / "data" / "corpora"))
    path = needs(folder / f"{name}.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, islice(lines, rows))


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not here: put it beside the project or set RUBRICATOR_DATA")
    return path
