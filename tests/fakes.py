"""Small, real stand-ins for the slow parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from service.inference import artifact
from service.inference.article import Article
from service.inference.manifest import Manifest


class FakeAnnotator:
    """Answers every article with the one rubric that its artifact was written with, and signs with its version."""

    def __init__(self, version: str, manifest: Manifest, parts: artifact.Parts) -> None:
        self.version = version
        self.manifest = manifest
        self._rubric: str = parts["rubric"]["label"]
        self._weights: np.ndarray[Any, Any] = parts["rubric"]["weights"]

    @classmethod
    def load(cls, directory: Path) -> Self:
        """As the service does it: verified, read, self-tested; the directory's name is the version."""
        parts = artifact.read(directory)
        annotator = cls(directory.name, parts.manifest, parts)
        artifact.check_self_test(parts.manifest, annotator.annotate)
        return annotator

    def annotate(self, articles: Sequence[Article]) -> list[dict[str, Any]]:
        score = float(self._weights[0, 0])
        return [
            {
                "id": article.id,
                "status": "ok",
                "rubric": {"id": self._rubric, "label": self._rubric, "score": score},
                "model": {"version": self.version},
            }
            for article in articles
        ]


def write_fake_artifact(
    directory: Path,
    label: str = "Спорт",
    *,
    promised: str | None = None,
    newest_row: str | None = "2023-10-31",
    compress: bool = False,
    signing_key: Path | None = None,
) -> str:
    """An artifact that answers `label`, and whose self-test promises `promised` (the same if not given)."""
    rubric = promised or label
    manifest = {
        "newest_row": newest_row,
        "versions": {"code": "0.1.0"},
        "self_test": [
            {
                "article": {"id": "1", "title": "Заголовок"},
                "answer": {"id": "1", "status": "ok", "rubric": {"id": rubric, "label": rubric, "score": 0.5}},
            }
        ],
    }
    parts = {
        "rubric": {"label": label, "weights": np.full((40, 30), 0.5, dtype=np.float32)},
        "names": ["а", "б"],
    }
    return artifact.write(directory, parts, manifest, f"# {label}\n", compress=compress, signing_key=signing_key)
