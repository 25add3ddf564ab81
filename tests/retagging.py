"""Archives, and jobs on them, with the sample model made sure of everything: what it finds is `auto` for SOURCE."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.inference import artifact
from service.jobs import command
from service.jobs.job import Job
from service.jobs.plan import Asked
from service.jobs.run import Outcome
from service.settings import Settings
from tests.sample_model import articles
from tests.sure_model import HELD, SOURCE, everything, sure_parts

SMALL = 20_000  # bytes of a shard: the sample is eleven of them
RUBRICATOR = [
    sys.executable,
    "-c",
    f"from service.jobs import job; job.SHARD_BYTES = {SMALL}; from service.__main__ import main; main()",
]


def sure_model(folder: Path, **changed: Any) -> str:
    """Written to disk; `changed`: see sure_parts."""
    manifest = {"newest_row": "2026-01-01", "versions": {}, "self_test": [], "labels": {}}
    artifact.write(folder, sure_parts(**changed), manifest, "# sure\n", compress=False)
    return str(folder)


@pytest.fixture(scope="session")
def sure(tmp_path_factory: pytest.TempPathFactory) -> str:
    return sure_model(tmp_path_factory.mktemp("models") / "sure")


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that knows the same labels, all of them `review_only`."""
    return sure_model(tmp_path_factory.mktemp("models") / "held", policy={**HELD, **everything("review_only")})


class Newsroom:
    """A home, files, and what `rubricator retag` does there, in this process."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.model = folder, model
        self.settings = Settings(home=folder / "home")
        self.told: list[str] = []

    def file(self, name: str, records: Sequence[Any]) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(one + b"\n" if isinstance(one, bytes) else encoded(one) for one in records))
        return path

    def retag(
        self,
        source: Path | str,
        target: Path | str = "out.jsonl",
        *,
        model: str | None = None,
        workers: int = 1,
        resume: bool = False,
        max_change: float = 1.0,
        **asked: Any,
    ) -> tuple[Job, Outcome]:
        return command.retag(
            self.settings,
            Asked(input=self.name(source), output=self.name(target), **asked),
            model or self.model,
            workers=workers,
            resume=resume,
            max_change=max_change,
            tell=self.told.append,
        )

    def name(self, of: Path | str) -> str:
        return str(of) if "://" in str(of) else str(self.folder / of)

    def started(self, *words: str) -> "subprocess.Popen[bytes]":
        """`rubricator retag` as a process, with shards so small that a short archive has many."""
        command = [*RUBRICATOR, "retag", *words, "--model", self.model, "--yes"]
        environment = {**os.environ, "RUBRICATOR_HOME": str(self.settings.home)}
        with (self.folder / "told").open("wb") as told:
            return subprocess.Popen(command, env=environment, stdout=told, stderr=told, start_new_session=True)

    def finished_shards(self) -> int:
        return len(list(self.settings.home.glob("jobs/*/parts/*.json")))

    def read(self, name: str = "out.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]


@pytest.fixture
def newsroom(tmp_path: Path, sure: str, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.setattr("service.jobs.job.SHARD_BYTES", SMALL)
    return Newsroom(tmp_path, sure)


def until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def encoded(record: object) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def archive(count: int = 60) -> list[dict[str, Any]]:
    """Articles of the sample without any labels."""
    return [
        {"id": one.id, "title": one.title, "text": one.text, "published_at": one.published_at, "source": SOURCE}
        for one in articles()[:count]
    ]
