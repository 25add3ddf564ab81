"""What a retraining left of its gate is told with the version: by another part than the one that wrote it."""

from pathlib import Path

import msgspec
import pytest

from service import gates
from service.gates import gate_of
from service.listing import listed
from tests.serving import serving
from training import gate
from training.gate import Change, Verdict
from training.retrain import Record

FALL = Change("рубрика «спорт»", 900, 0.81, 0.74, 0.001)
RISE = Change("all other labels", 4000, 0.70, 0.72, 1.0)
NOTE = "only 12 articles to learn from, the model in use had 100: is a file missing?"


def keep(directory: Path, version: str, *changes: Change, judges: int = 5000, notes: tuple[str, ...] = ()) -> None:
    """As `rubricator retrain` does."""
    directory.mkdir(parents=True, exist_ok=True)
    record = Record(
        "baseline", judges, Verdict(judges, changes), corrections=70, until=9, notes=notes, contradictions=3
    )
    (directory / f"{version}.json").write_bytes(msgspec.json.encode(record))


@pytest.mark.parametrize(
    ("changes", "judges", "verdict"),
    [((FALL, RISE), 5000, "refused"), ((RISE,), 5000, "accepted"), ((), 0, "not_compared")],
)
def test_a_verdict_is_read_as_it_was_meant(
    tmp_path: Path, changes: tuple[Change, ...], judges: int, verdict: str
) -> None:
    keep(tmp_path, "v", *changes, judges=judges)
    found = gate_of(tmp_path, "v")
    assert found is not None
    assert found.verdict == verdict
    record = Record("baseline", judges, Verdict(judges, changes), 70, 9)
    assert (found.verdict == "accepted") == record.passed
    assert [one.label for one in found.labels if one.fell] == [one.label for one in record.verdict.falls]
    assert (found.against, found.judges, found.corrections, found.contradictions) == ("baseline", judges, 70, 3)


def test_a_label_falls_at_the_level_at_which_training_says_so() -> None:
    assert gates.ALPHA == gate.ALPHA


def test_without_a_file_or_with_a_broken_one_nothing_is_said(tmp_path: Path) -> None:
    assert gate_of(tmp_path, "v") is None
    (tmp_path / "v.json").write_text('{"against": ')
    assert gate_of(tmp_path, "v") is None


def test_versions_and_cards_tell_it_and_notes_come_in_russian(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        first, second = served.versions
        keep(served.registry.gates, first, FALL, RISE, notes=(NOTE,))
        assert [one["gate"] for one in served.client.get("/models").json()] == [None, "refused", None]
        told = served.client.get(f"/models/{first}").json()["gate"]
        assert told["labels"][0] == {
            "label": "рубрика «спорт»", "support": 900, "before": 0.81, "after": 0.74, "fell": True,
        }  # fmt: skip
        assert told["notes"] == [NOTE]
        russian = served.client.get(f"/models/{first}", headers={"Accept-Language": "ru"}).json()["gate"]
        assert "учиться можно лишь на 12 статьях" in russian["notes"][0]
        assert served.client.get(f"/models/{second}").json()["gate"] is None


def test_the_version_that_a_roll_back_leads_to_is_marked(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert not any(one.previous for one in listed(served.registry))
        served.registry.activate(served.versions[0])
        served.registry.activate(served.versions[1])
        assert [one.version for one in listed(served.registry) if one.previous] == [served.versions[0]]
        assert served.registry.rollback().version == served.versions[0]
        assert [one.version for one in listed(served.registry) if one.previous] == ["baseline"]
