"""What would change with another version."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from service.__main__ import app
from service.app import create_app
from service.inference.annotator import Annotator
from service.loading import BASELINE, open_registry
from service.model_diff import diff, lines_of
from service.settings import Settings
from tests.sample_model import annotator, articles, trained
from tests.serving import listening


def moved() -> Annotator:
    """The sample's model with one word turned round for one rubric, another rubric renamed, and no word for a tag."""
    parts = {name: dict(part) if isinstance(part, dict) else part for name, part in trained().parts.items()}
    weights = parts["rubric"]["weights"].copy()
    column = abs(weights[:, 0]).argmax()
    weights[column, 0] = -weights[column, 0]
    labels = list(parts["rubric"]["labels"])
    labels[1] = "Новая рубрика"
    parts["rubric"] |= {"weights": weights, "labels": labels}
    return Annotator("moved", parts)


def test_labels_words_and_articles_that_change_are_told() -> None:
    before, after = annotator(), moved()
    found = diff(before, after, articles()[:60])
    assert found.rubrics_added.names == ("Новая рубрика",)
    assert found.rubrics_removed.names == (before.rubric.labels[1],)
    assert (found.tags_added.count, found.tags_removed.count) == (0, 0)
    by_label = {one.label: one for one in found.rubrics}
    first = by_label[before.rubric.labels[0]]
    assert len(first.gained) + len(first.lost) == 1
    assert by_label[before.rubric.labels[2]].gained == ()
    assert found.articles == 60
    assert 0 < found.changed == len(found.examples) < 60
    assert all(one.rubric[0] != one.rubric[1] or one.tags_added or one.tags_removed for one in found.examples)
    lines = "\n".join(lines_of(found))
    assert "new rubrics: 1 (Новая рубрика)" in lines
    assert f"{found.changed} of 60 articles are labelled otherwise" in lines


def test_a_version_does_not_differ_from_itself() -> None:
    found = diff(annotator(), annotator(), articles()[:20])
    assert found.changed == 0
    assert all(not (one.gained or one.lost) for one in found.rubrics)


@pytest.mark.slow
def test_two_versions_are_compared_over_http_and_on_the_command_line(tmp_path: Path, monkeypatch: Any) -> None:
    trained().write(tmp_path / "model", compress=False, with_report=False)
    registry = open_registry(Settings(home=tmp_path))
    version = registry.add(tmp_path / "model", reason="test")
    with listening(create_app(Settings(home=tmp_path))) as (_, port):
        url = f"http://127.0.0.1:{port}/models/baseline/diff"
        answer = httpx.get(url, params={"to": version}, timeout=60)
        assert answer.status_code == 200
        found = answer.json()
        assert (found["before"], found["after"]) == ("baseline", version)
        assert found["articles"] >= 12
        assert httpx.get(url).status_code == 400
        assert httpx.get(url, params={"to": "20200101-00000000"}).status_code == 404
    monkeypatch.setenv("RUBRICATOR_HOME", str(tmp_path))
    told = CliRunner().invoke(app, ["models", "diff", "active", version])
    assert told.exit_code == 0, told.output
    assert f"baseline -> {version}" in told.output
    assert BASELINE.is_dir()


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [('{"title": "Мост"}\n{"title": 1}\n', 1, "line 2: /title"), ("", 2, "no articles"), (None, 2, "is not a file")],
)
def test_what_is_no_article_to_compare_on_is_told(
    tmp_path: Path, monkeypatch: Any, content: str | None, code: int, said: str
) -> None:
    sample = tmp_path / "sample"
    if content is None:
        sample.mkdir()
    else:
        sample.write_text(content, "utf-8")
    monkeypatch.setenv("RUBRICATOR_HOME", str(tmp_path / "home"))
    told = CliRunner().invoke(app, ["models", "diff", "baseline", "baseline", "--data", str(sample)])
    assert (told.exit_code, said in told.output) == (code, True), told.output
