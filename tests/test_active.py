import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from service.active import ActiveModel
from service.inference.article import Article
from service.inference.artifact import ArtifactError
from service.registry import Registry, UnknownVersionError
from tests.fakes import FakeAnnotator, write_fake_artifact


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    write_fake_artifact(tmp_path / "baseline", "Общество")
    return Registry(tmp_path / "home", tmp_path / "baseline", FakeAnnotator.load)


@pytest.fixture
def versions(registry: Registry, tmp_path: Path) -> list[str]:
    labels = ("Спорт", "Культура", "Наука", "Экономика")
    for label in labels:
        write_fake_artifact(tmp_path / label, label)
    return [registry.add(tmp_path / label) for label in labels]


@pytest.fixture
def active(registry: Registry) -> Iterator[ActiveModel[FakeAnnotator]]:
    with ActiveModel(registry, FakeAnnotator.load) as model:
        yield model


def spoil(registry: Registry, version: str) -> None:
    (registry.path(version) / "rubric.joblib").write_bytes(b"")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_starts_with_the_active_version(registry: Registry, versions: list[str]) -> None:
    assert ActiveModel(registry, FakeAnnotator.load).current.version == "baseline"
    registry.activate(versions[0])
    model = ActiveModel(registry, FakeAnnotator.load)
    assert model.current.version == model.version == versions[0]
    assert model.problem is None


def test_it_takes_over_what_is_activated(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator]
) -> None:
    taken = active.current
    registry.activate(versions[0])
    assert active.current is taken
    active.refresh()
    assert active.current.version == versions[0]
    assert taken.version == "baseline"


def test_the_watcher_notices_within_a_second(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator]
) -> None:
    active.watch()
    registry.activate(versions[0])
    wait_until(lambda: active.version == versions[0])
    registry.rollback()
    wait_until(lambda: active.version == "baseline")


def test_refreshing_without_a_change_costs_one_stat(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "active", lambda _: pytest.fail("looked though nothing had changed"))
    active.refresh()


def test_a_broken_new_version_leaves_the_last_good_one(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator]
) -> None:
    registry.activate(versions[0])
    active.refresh()
    registry.activate(versions[1])
    spoil(registry, versions[1])
    active.refresh()
    assert active.current.version == versions[0]
    assert active.problem is not None
    assert "rubric.joblib has 0 bytes" in active.problem
    registry.activate(versions[2])
    active.refresh()
    assert active.current.version == versions[2]
    assert active.problem is None


def test_a_repaired_version_activated_again_is_loaded(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator]
) -> None:
    registry.activate(versions[0])
    content = (registry.path(versions[0]) / "rubric.joblib").read_bytes()
    spoil(registry, versions[0])
    active.refresh()
    assert active.version == "baseline"
    (registry.path(versions[0]) / "rubric.joblib").write_bytes(content)
    registry.activate(versions[0])
    active.refresh()
    assert active.version == versions[0]
    assert active.problem is None


def test_a_start_with_a_broken_version_falls_back_and_says_why(registry: Registry, versions: list[str]) -> None:
    for version in versions[:3]:
        registry.activate(version)
    spoil(registry, versions[2])
    spoil(registry, versions[1])
    model = ActiveModel(registry, FakeAnnotator.load)
    assert model.version == versions[0]
    assert model.problem is not None
    assert versions[2] in model.problem
    assert versions[1] in model.problem
    spoil(registry, versions[0])
    assert ActiveModel(registry, FakeAnnotator.load).version == "baseline"


def test_a_start_with_an_unreadable_pointer_asks_the_journal(
    registry: Registry, versions: list[str], tmp_path: Path
) -> None:
    registry.activate(versions[0])
    (tmp_path / "home" / "registry" / "active.json").write_bytes(b"")
    model = ActiveModel(registry, FakeAnnotator.load)
    assert model.version == versions[0]
    assert model.problem is not None
    assert "active.json can't be read" in model.problem


def test_a_pointer_spoilt_while_running_changes_nothing(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator], tmp_path: Path
) -> None:
    registry.activate(versions[0])
    active.refresh()
    (tmp_path / "home" / "registry" / "active.json").write_bytes(b"rubbish")
    active.refresh()
    assert active.version == versions[0]
    assert active.problem is not None


def test_without_any_good_model_the_start_says_what_is_wrong_with_each(
    registry: Registry, versions: list[str], tmp_path: Path
) -> None:
    registry.activate(versions[0])
    spoil(registry, versions[0])
    spoil(registry, "baseline")
    with pytest.raises(ArtifactError, match=rf"{versions[0]}.*baseline"):
        ActiveModel(registry, FakeAnnotator.load)
    with pytest.raises(ArtifactError, match="no model can be loaded"):
        ActiveModel(Registry(tmp_path / "nowhere"), FakeAnnotator.load)


def test_another_version_can_be_asked_for(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator]
) -> None:
    assert active.get() is active.get("active") is active.get("baseline") is active.current
    assert active.get(versions[0]).version == versions[0]
    assert active.current.version == "baseline"
    with pytest.raises(UnknownVersionError):
        active.get("20200101-00000000")


def test_at_most_two_others_are_kept(registry: Registry, versions: list[str]) -> None:
    loaded = []

    def load(path: Path) -> FakeAnnotator:
        loaded.append(path.name)
        return FakeAnnotator.load(path)

    active = ActiveModel(registry, load)
    first, second, third, _ = versions
    for version in (first, second, first, third, first, second):
        active.get(version)
    assert loaded == ["baseline", first, second, third, second]


def test_going_back_takes_no_second_loading(registry: Registry, versions: list[str]) -> None:
    active = ActiveModel(registry, FakeAnnotator.load)
    before = active.current
    registry.activate(versions[0])
    active.refresh()
    registry.rollback()
    active.refresh()
    assert active.current is before


@pytest.mark.slow
def test_a_swap_never_splits_an_answer(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator]
) -> None:
    active.watch(0.001)
    stop = Event()
    articles = [Article(id=str(number), title="т") for number in range(20)]

    def ask() -> set[str]:
        seen = set()
        while not stop.is_set():
            answers = active.current.annotate(articles)
            [answered] = {(answer["model"]["version"], answer["rubric"]["id"]) for answer in answers}
            seen.add(answered[0])
        return seen

    with ThreadPoolExecutor(4) as pool:
        requests = [pool.submit(ask) for _ in range(4)]
        try:
            for version in versions * 3:
                registry.activate(version)
                wait_until(lambda version=version: active.version == version)  # type: ignore[misc]
        finally:
            stop.set()
        assert set().union(*(request.result() for request in requests)) > set(versions[:2])


def test_closing_ends_the_watcher(active: ActiveModel[FakeAnnotator], registry: Registry, versions: list[str]) -> None:
    active.watch(0.001)
    active.close()
    registry.activate(versions[0])
    time.sleep(0.05)
    assert active.version == "baseline"


def test_the_watch_goes_on_whatever_happens(
    registry: Registry, versions: list[str], active: ActiveModel[FakeAnnotator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Registry) -> object:
        raise PermissionError("no")

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "stamp", fail)
        active.watch(0.001)
        wait_until(lambda: active.problem is not None)
    wait_until(lambda: active.problem is None)
    registry.activate(versions[0])
    wait_until(lambda: active.version == versions[0])
