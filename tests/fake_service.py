"""Small, real stand-ins: a model that answers at once and signs what it answers, in a real registry."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from service.annotate import Model, Options
from service.inference import artifact
from service.inference.article import Alternative, Annotation, Article, ModelReference, RubricAnswer, TagAnswer
from service.inference.labels import Labels
from service.inference.words import folded
from service.registry import Registry

BASELINE = "baseline"


class FakeModel:
    """Its version is in every label, so that a mixed answer is seen. It fails at the title «!»."""

    def __init__(self, version: str, slow: float = 0.0) -> None:
        self.version = version
        self.reference = ModelReference(version, f"words of {version}")
        label = f"Рубрика {version}"
        self.labels = Labels([("r", label), ("a", "Другая рубрика")], [("t", f"Тег {version}"), ("u", "Другой тег")])
        self.calls: list[int] = []
        self.threads: set[str] = set()
        self._slow = slow

    def annotate(
        self,
        articles: Sequence[Article],
        options: Options,
        heard: Callable[[tuple[bytes, bytes]], object] | None = None,
        /,
    ) -> list[Annotation]:
        self.calls.append(len(articles))
        self.threads.add(threading.current_thread().name)
        time.sleep(self._slow)
        for article in articles:
            (heard or repr)((folded(article.title or ""), folded(article.text or "")))
        return [self._annotation(article, options) for article in articles]

    def known_words(self, text: str, /) -> tuple[int, int]:
        """It knows words that begin with a small letter."""
        words = text.split()
        return len(words), sum(word[0].islower() for word in words)

    def score_of_name(self, in_title: bool, in_lead: bool, times: int, words: int, /) -> tuple[float, float]:
        return 0.7, 0.5

    def named(self, text: str, /) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """It knows one place: Вологда."""
        words = enumerate(folded(text).decode("cp1251").split())
        return [(at, at + 1) for at, word in words if word.startswith("волог")], []

    def _annotation(self, article: Article, options: Options) -> Annotation:
        if article.title == "!":
            raise RuntimeError("this article is beyond the model")
        if not any(letter in "абвгдежзийклмнопрстуфхцчшщъыьэюя" for letter in (article.title or article.text or "")):
            return Annotation(article.id, "abstained", ("not_russian",), self.reference, rubric=None)
        label = f"Рубрика {self.version}"
        rubric = RubricAnswer("r", label, 0.9, "review", 0.5) if "rubric" in options.heads else None
        tag = TagAnswer("t", f"Тег {self.version}", options.threshold or 0.5, "review", "model")
        answer = Annotation(article.id, "ok", ("not_calibrated_for_source",), self.reference)
        parts = {}
        if rubric is not None:
            parts = {"rubric": rubric, "alternatives": (Alternative("a", label, 0.1),) * (options.limit or 3)}
        if "tags" in options.heads:
            parts |= {"tags": (tag,) * (options.limit or 3), "regions": ()}
        return Annotation(
            **{name: getattr(answer, name) for name in ("id", "status", "reasons", "model")},
            **parts,  # type: ignore[arg-type]
        )


def fake_model(directory: Path) -> Model:
    """What a registry loads here: the artifact is verified, the model is fake."""
    artifact.read(directory)
    return FakeModel(directory.name)


def write_model(directory: Path, name: str, day: str = "2023-10-31", documents: dict[str, bytes] | None = None) -> str:
    """A small artifact, different for each name; returns its version. All but the baseline know an outlet."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    outlets = {} if name == BASELINE else {"gazeta.ru": 900, "small.ru": 20}
    manifest = {"newest_row": day, "labels": {"rubric": [name], "outlets": outlets}}
    return artifact.write(directory, {}, manifest, f"# {name}\n", documents=documents)


def fake_registry(home: Path, names: Sequence[str] = ()) -> tuple[Registry, list[str]]:
    """A registry with a baseline and a version for each name, none of them activated; and the versions."""
    baseline = home / BASELINE
    write_model(baseline, BASELINE, documents={"report.html": b"<p>baseline</p>"})
    registry = Registry(home, baseline, fake_model)
    versions = []
    for name in names:
        directory = home / "incoming" / name
        write_model(directory, name)
        versions.append(registry.add(directory, reason=f"test {name}"))
    return registry, versions
