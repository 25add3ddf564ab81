"""The protocol of the regions head, where the corpora are."""

import pytest

from tests.corpora import SHARED, needs
from training.progress import Progress
from training.protocols.regions import NAMED, TEST, TRAIN, Asked, run, summary


@pytest.mark.slow
def test_places_are_read_and_chosen_as_well_as_is_asked() -> None:
    folder = SHARED / "data" / "corpora"
    for name in (TRAIN, TEST, NAMED):
        needs(folder / f"{name}.jsonl.gz")
    asked, others = run(folder, Progress(quiet=True))
    print("\n".join(summary(asked)))
    assert others["without_place"] > 0
    assert all(one.met for one in asked)


def test_what_misses_is_marked() -> None:
    lines = list(summary([Asked("a", 0.5, 0.4, 10), Asked("b", 0.3, 0.4, 10)]))
    assert [line.split()[0] for line in lines] == ["pass", "FAIL"]
