import errno
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from service.inference import artifact
from service.inference.artifact import AlteredError, ArtifactError, MissingError, SelfTestError, TruncatedError
from service.registry import Registry, RegistryError, UnknownVersionError
from tests.fakes import FakeAnnotator, write_fake_artifact


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    write_fake_artifact(tmp_path / "baseline", "Общество")
    return tmp_path / "baseline"


@pytest.fixture
def registry(tmp_path: Path, baseline: Path) -> Registry:
    return make_registry(tmp_path, baseline)


def make_registry(tmp_path: Path, baseline: Path | None) -> Registry:
    ticks = count()
    return Registry(
        tmp_path / "home", baseline, FakeAnnotator.load, lambda: datetime(2024, 1, 1, 0, 0, next(ticks), tzinfo=UTC)
    )


@pytest.fixture
def add(registry: Registry, tmp_path: Path) -> Callable[[str], str]:
    def add_model(label: str, promised: str | None = None) -> str:
        write_fake_artifact(tmp_path / label, label, promised=promised)
        return registry.add(tmp_path / label)

    return add_model


def state(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_with_nothing_activated_the_baseline_is_active(registry: Registry, tmp_path: Path, baseline: Path) -> None:
    assert registry.active() == "baseline"
    assert registry.path("baseline") == baseline
    [only] = registry.versions()
    assert (only.version, only.active, only.problem) == ("baseline", True, None)
    assert not (tmp_path / "home").exists()


def test_without_a_baseline_nothing_is_active(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, None)
    assert registry.active() is None
    assert registry.versions() == []
    with pytest.raises(UnknownVersionError):
        registry.path("baseline")


def test_adding_does_not_activate(registry: Registry, add: Callable[[str], str]) -> None:
    version = add("Спорт")
    assert registry.active() == "baseline"
    assert [entry.version for entry in registry.versions()] == ["baseline", version]
    assert registry.path(version).name == version
    assert registry.activations() == []


def test_adding_again_changes_nothing(registry: Registry, add: Callable[[str], str], tmp_path: Path) -> None:
    version = add("Спорт")
    before = state(tmp_path / "home")
    assert registry.add(tmp_path / "Спорт") == version
    assert state(tmp_path / "home") == before


def test_a_signature_may_arrive_later(registry: Registry, add: Callable[[str], str], tmp_path: Path) -> None:
    version = add("Спорт")
    (tmp_path / "Спорт" / "manifest.sig").write_bytes(b"signed")
    registry.add(tmp_path / "Спорт")
    assert (registry.path(version) / "manifest.sig").read_bytes() == b"signed"


def test_activate_and_roll_back_are_journalled(registry: Registry, add: Callable[[str], str], tmp_path: Path) -> None:
    first, second = add("Спорт"), add("Культура")
    registry.activate(first, "лучше", "ред.")
    registry.activate(second)
    assert registry.active() == second
    assert registry.rollback("хуже").version == first
    assert registry.active() == first
    assert registry.rollback().version == "baseline"
    with pytest.raises(RegistryError, match="no earlier version"):
        registry.rollback()
    assert [(event.action, event.version, event.previous, event.reason) for event in registry.activations()] == [
        ("activate", first, "baseline", "лучше"),
        ("activate", second, first, ""),
        ("rollback", first, second, "хуже"),
        ("rollback", "baseline", first, ""),
    ]
    lines = (tmp_path / "home" / "registry" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["action"] for line in lines[:2]] == ["add", "add"]
    assert json.loads(lines[2])["at"] == "2024-01-01T00:00:02.000000+00:00"
    assert json.loads(lines[2])["actor"] == "ред."


def test_rolling_back_passes_over_versions_that_broke(registry: Registry, add: Callable[[str], str]) -> None:
    first, second, third = add("Спорт"), add("Культура"), add("Наука")
    for version in (first, second, third):
        registry.activate(version)
    (registry.path(second) / "card.md").unlink()
    assert registry.rollback().version == first
    assert registry.history() == [first, "baseline"]


def test_a_model_that_fails_its_self_test_is_not_activated(
    registry: Registry, add: Callable[..., str], tmp_path: Path
) -> None:
    version = add("Спорт", "Культура")
    before = state(tmp_path / "home")
    with pytest.raises(SelfTestError):
        registry.activate(version)
    assert registry.active() == "baseline"
    assert state(tmp_path / "home") == before


def test_a_failure_of_the_loader_is_an_artifact_error(tmp_path: Path, add: Callable[[str], str]) -> None:
    version = add("Спорт")

    def load(path: Path) -> None:
        raise KeyError("tags")

    with pytest.raises(ArtifactError, match=r"can't be loaded \(KeyError: 'tags'\)"):
        Registry(tmp_path / "home", None, load).activate(version)


@pytest.mark.parametrize(
    "version", ["", ".", "..", "../x", "20231031-0123456", "20231031-0123456G", "latest", "a/b", "\0"]
)
def test_a_version_that_is_not_there_is_unknown(registry: Registry, version: str) -> None:
    for ask in (registry.path, registry.verify, registry.activate):
        with pytest.raises(UnknownVersionError, match="models list"):
            ask(version)


def test_a_link_or_another_model_under_a_versions_name_is_refused(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    version = add("Спорт")
    path = registry.path(version)
    shutil.rmtree(path)
    shutil.copytree(registry.path(add("Культура")), path)
    with pytest.raises(AlteredError, match="holds 20231031-"):
        registry.activate(version)
    shutil.rmtree(path)
    path.symlink_to(tmp_path / "Спорт")
    with pytest.raises(UnknownVersionError):
        registry.activate(version)


def test_broken_versions_are_listed_with_their_problem_and_left_alone(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    good, cut, empty = add("Спорт"), add("Культура"), add("Наука")
    path = registry.path(cut) / "names.joblib"
    path.write_bytes(path.read_bytes()[:5])
    for file in registry.path(empty).iterdir():
        file.unlink()
    (tmp_path / "home" / "registry" / "versions" / "backup").mkdir()
    before = state(tmp_path / "home")

    problems = {entry.version: entry.problem for entry in registry.versions()}
    assert problems.pop("baseline") is None
    assert problems.pop(good) is None
    assert "has 5 bytes of" in (problems[cut] or "")
    assert "manifest.json is missing" in (problems[empty] or "")
    assert "no version" in (problems["backup"] or "")
    with pytest.raises(TruncatedError):
        registry.verify(cut)
    with pytest.raises(MissingError):
        registry.verify(empty)
    assert state(tmp_path / "home") == before


def test_a_damaged_artifact_is_not_added(registry: Registry, tmp_path: Path) -> None:
    write_fake_artifact(tmp_path / "model")
    content = bytearray((tmp_path / "model" / "rubric.joblib").read_bytes())
    content[-1] ^= 1
    (tmp_path / "model" / "rubric.joblib").write_bytes(content)
    with pytest.raises(AlteredError):
        registry.add(tmp_path / "model")
    assert list((tmp_path / "home" / "registry" / "versions").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_added(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fake_artifact(tmp_path / "model")
    write_bytes, written = Path.write_bytes, count()

    def full(path: Path, content: bytes) -> int:
        if next(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        registry.add(tmp_path / "model")
    assert list((tmp_path / "home" / "registry" / "versions").iterdir()) == []
    assert [entry.version for entry in registry.versions()] == ["baseline"]


def test_a_full_disk_leaves_the_active_version_active(
    registry: Registry, add: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = add("Спорт")
    before = state(tmp_path / "home")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        registry.activate(version)
    monkeypatch.undo()
    assert registry.active() == "baseline"
    assert state(tmp_path / "home") == before


def die_while_adding(home: Path, model: Path) -> None:
    Path.rename = lambda *_: os._exit(9)  # type: ignore[method-assign]
    Registry(home).add(model)


def test_a_writer_killed_while_adding_leaves_nothing_that_matters(registry: Registry, tmp_path: Path) -> None:
    write_fake_artifact(tmp_path / "model")
    writer = multiprocessing.get_context("spawn").Process(
        target=die_while_adding, args=(tmp_path / "home", tmp_path / "model")
    )
    writer.start()
    writer.join()
    assert writer.exitcode == 9
    versions = tmp_path / "home" / "registry" / "versions"
    assert len(list(versions.iterdir())) == 1
    assert [entry.version for entry in registry.versions()] == ["baseline"]
    version = registry.add(tmp_path / "model")
    assert [path.name for path in versions.iterdir()] == [version]


def test_a_writer_killed_between_switching_and_the_journal_is_made_up_for(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    first, second = add("Спорт"), add("Культура")
    registry.activate(first)
    registry.activate(second)
    journal = tmp_path / "home" / "registry" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    assert [event.version for event in registry.activations()] == [first, second]
    assert registry.rollback().version == first
    assert [event.action for event in registry.activations()] == ["activate", "activate", "rollback"]


def test_an_unreadable_pointer_is_reported_and_mended_by_activating(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    version = add("Спорт")
    registry.activate(version)
    (tmp_path / "home" / "registry" / "active.json").write_bytes(b'{"vers')
    with pytest.raises(RegistryError, match="activate a version again"):
        registry.active()
    assert registry.history() == [version, "baseline"]
    registry.activate(version)
    assert registry.active() == version


def activate_in_turns(home: Path, versions: list[str], actor: str) -> None:
    registry = Registry(home)
    for turn in range(20):
        registry.activate(versions[turn % len(versions)], str(turn), actor)


def test_two_processes_never_interleave(registry: Registry, add: Callable[[str], str], tmp_path: Path) -> None:
    versions = [add("Спорт"), add("Культура")]
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=activate_in_turns, args=(tmp_path / "home", versions[::step], actor))
        for step, actor in ((1, "первый"), (-1, "второй"))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    events = registry.activations()
    assert len(events) == 40
    # each names as previous what the one before it activated: none was lost or written in between
    assert [event.previous for event in events[1:]] == [event.version for event in events[:-1]]
    assert registry.active() == events[-1].version


def test_reading_needs_no_right_to_write(registry: Registry, add: Callable[[str], str], tmp_path: Path) -> None:
    version = add("Спорт")
    registry.activate(version)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("*")}
    for read in (registry.versions, registry.active, registry.history, registry.activations):
        read()
    registry.verify(version)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("*")} == before


def test_a_registered_model_reads_as_the_original(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    version = add("Спорт")
    assert artifact.read(registry.path(version)).manifest == artifact.read(tmp_path / "Спорт").manifest


def test_a_directory_that_holds_another_version_is_told_and_not_added_to(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    version, other = add("Спорт"), add("Культура")
    shutil.rmtree(registry.path(version))
    shutil.copytree(registry.path(other), tmp_path / "home" / "registry" / "versions" / version)
    with pytest.raises(AlteredError, match=f"holds {other}"):
        registry.add(tmp_path / "Спорт")
    problems = {entry.version: entry.problem for entry in registry.versions()}
    assert f"holds {other}" in (problems[version] or "")
    assert problems[other] is None


def test_a_journal_that_can_not_be_read_is_a_registry_error(
    registry: Registry, add: Callable[[str], str], tmp_path: Path
) -> None:
    version = add("Спорт")
    journal = tmp_path / "home" / "registry" / "journal.jsonl"
    journal.unlink()
    journal.mkdir()
    with pytest.raises(RegistryError, match=r"journal\.jsonl can't be read"):
        registry.activate(version)
    with pytest.raises(RegistryError):
        registry.activations()


def test_a_journal_that_can_not_be_written_is_a_registry_error(
    registry: Registry, add: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = add("Спорт")
    opened = Path.open

    def full(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if path.name == "journal.jsonl" and mode == "ab":
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(RegistryError, match="can't be written"):
        registry.activate(version)
    monkeypatch.undo()
    assert [event.version for event in registry.activations()] == [version]
