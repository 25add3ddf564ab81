"""Which records a job looks at."""

from collections.abc import Callable, Iterable

from service.inference.article import LabelledArticle
from service.inference.labels import named
from service.jobs.plan import Scope
from service.jobs.standing import Standing


def within(scope: Scope) -> Callable[[LabelledArticle, Standing], bool] | None:
    """None where all are."""
    if scope == Scope():
        return None
    rubrics, tags, ids = _names(scope.rubrics), _names(scope.tags), frozenset(scope.ids)

    def is_within(record: LabelledArticle, stands: Standing) -> bool:
        return (
            _between(record.published_at, scope)
            and (not ids or record.id in ids)
            and (not rubrics or not rubrics.isdisjoint(_names(stands.labels["rubric"])))
            and (not tags or not tags.isdisjoint(_names(stands.labels["tags"])))
        )

    return is_within


def _between(published_at: str | None, scope: Scope) -> bool:
    """By the letters: of «2023-10-01T08:00:00+03:00» as many as the bound has."""
    if scope.since is None and scope.until is None:
        return True
    if published_at is None:
        return False
    since = scope.since is None or published_at[: len(scope.since)] >= scope.since
    return since and (scope.until is None or published_at[: len(scope.until)] < scope.until)


def _names(labels: Iterable[str]) -> frozenset[str]:
    return frozenset(map(named, labels))
