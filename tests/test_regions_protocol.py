"""The protocol of the regions head, where the corpora are."""

import pytest

from tests.corpora import SHARED, needs
from training.evaluation import LevelMeasures, RegionMeasures
from training.progress import Progress
from training.protocols.__main__ import summary
from training.protocols.regions import NAMED, TEST, TRAIN, Counts, run, section


@pytest.mark.slow
def test_places_are_read_and_chosen_as_well_as_is_asked() -> None:
    folder = SHARED / "data" / "corpora"
    for name in (TRAIN, TEST, NAMED):
        needs(folder / f"{name}.jsonl.gz")
    [found] = run(folder, Progress(quiet=True))
    print("\n".join(summary([found])))
    assert len(found.asked) == 7
    assert all(one.kept for one in found.asked)


def test_what_the_places_fall_short_of_is_told() -> None:
    level = LevelMeasures(precision=0.6, recall=0.6, f1=0.6, f1_interval=(0.5, 0.7), support=50, predicted=50)
    found = section(
        {"country": [Counts(60, 60, 60), Counts(30, 40, 40)], "city": [Counts(10, 20, 10)]},
        RegionMeasures(n=100, country=level, subject=level, city=level),
        [True] * 95 + [False] * 5, [], 0.9, 40,
    )  # fmt: skip
    short = [one.what for one in found.asked if not one.kept]
    assert short == ["named: city F1", "about: country F1", "about: subject F1"]
    assert [one.got for one in found.asked if one.what.startswith("named")] == pytest.approx([0.9, 2 / 3])
