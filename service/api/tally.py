"""What is counted, and how Prometheus reads it.

Counted in plain dictionaries on the event loop and told on demand: a request costs 2 µs, and prometheus_client, 70 ms
to import, waits for the first look at /metrics. Litestar's own plugin would count a 413 raised around it as 200.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from operator import add
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import UNSET, Struct, field

from service.aging import Age, days_since
from service.inference.article import Annotation, ModelReference
from service.keeping import Keeping

if TYPE_CHECKING:
    from prometheus_client.core import Metric

K = TypeVar("K", bound=Hashable)
N = TypeVar("N", int, float)

MOST_AUDITED = 200  # labels told, of 6 series each: those held back, then those judged most
BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Swaps(Protocol):
    """What the model in use knows about its exchanges."""

    @property
    def swaps(self) -> int: ...

    @property
    def failed_swaps(self) -> int: ...


class Tally(Struct):
    requests: dict[tuple[str, str, str], int] = field(default_factory=Counter)  # method, route, status
    durations: dict[str, list[int]] = field(default_factory=dict)  # route -> by bucket, the last one for all slower
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # route -> sum
    articles: int = 0
    refused: int = 0
    decisions: dict[tuple[str, str], int] = field(default_factory=Counter)  # head, decision
    abstentions: dict[str, int] = field(default_factory=Counter)  # reason

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests[method, route, str(status)] += 1
        buckets = self.durations.setdefault(route, [0] * (len(BUCKETS) + 1))
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds[route] += seconds

    def answers(self, annotations: Iterable[Annotation | None]) -> None:
        """None stands for an article that was refused."""
        for annotation in annotations:
            if annotation is None:
                self.refused += 1
                continue
            self.articles += 1
            if annotation.status == "abstained":
                for reason in annotation.reasons:
                    self.abstentions[reason] += 1
            if annotation.rubric is not UNSET:
                rubric = annotation.rubric
                self.decisions["rubric", rubric.decision if rubric else "abstain"] += 1
            for head, items in (("regions", annotation.regions), ("tags", annotation.tags)):
                for item in items or ():
                    self.decisions[head, item.decision] += 1

    def add(self, other: "Tally") -> None:
        """What another process counted."""
        self.articles += other.articles
        self.refused += other.refused
        _add(self.requests, other.requests)
        _add(self.seconds, other.seconds)
        _add(self.decisions, other.decisions)
        _add(self.abstentions, other.abstentions)
        for route, buckets in other.durations.items():
            own = self.durations.setdefault(route, [0] * len(buckets))
            own[:] = map(add, own, buckets)


class Exposition:
    """A collector of prometheus_client over a tally, the model in use and what is kept. Reads the store."""

    def __init__(self, tally: Tally, reference: ModelReference, swaps: Swaps, keeping: Keeping, age: Age) -> None:
        self._tally = tally
        self._keeping = keeping
        self._reference = reference
        self._swaps = swaps
        self._age = age

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        tally = self._tally
        requests = CounterMetricFamily("rubricator_requests", "Requests answered", labels=("method", "route", "status"))
        for request, count in tally.requests.copy().items():
            requests.add_metric(request, count)
        yield requests
        durations = HistogramMetricFamily("rubricator_request_seconds", "From headers to answer", labels=("route",))
        for route, buckets in tally.durations.copy().items():
            durations.add_metric((route,), _cumulative(buckets), tally.seconds[route])
        yield durations
        yield CounterMetricFamily("rubricator_articles", "Articles annotated", value=tally.articles)
        yield CounterMetricFamily("rubricator_articles_refused", "Articles that could not be read", value=tally.refused)
        decisions = CounterMetricFamily("rubricator_decisions", "Labels by decision", labels=("head", "decision"))
        for decision, count in tally.decisions.copy().items():
            decisions.add_metric(decision, count)
        yield decisions
        abstentions = CounterMetricFamily("rubricator_abstentions", "Articles abstained on", labels=("reason",))
        for reason, count in tally.abstentions.copy().items():
            abstentions.add_metric((reason,), count)
        yield abstentions
        model = {"version": self._reference.version, "vocabulary": self._reference.vocabulary}
        yield InfoMetricFamily("rubricator_model", "The model that answers", value=model)
        swaps, failed = self._swaps.swaps, self._swaps.failed_swaps
        yield CounterMetricFamily("rubricator_model_swaps", "Exchanges of the model", value=swaps)
        yield CounterMetricFamily("rubricator_model_swaps_failed", "Failed ones: the last good stayed", value=failed)
        keeping = self._keeping
        up = float(keeping.recall.problem is None)
        yield GaugeMetricFamily("rubricator_store_up", "1: it can be read and written; 0: answers are degraded", up)
        dropped = keeping.writer.dropped
        yield CounterMetricFamily("rubricator_predictions_dropped", "Answers there was no room to keep", value=dropped)
        remembered = keeping.recall.articles
        yield GaugeMetricFamily("rubricator_articles_remembered", "Articles with editors' decisions", remembered)
        if (sizes := keeping.sizes()) is not None:
            yield GaugeMetricFamily("rubricator_corrections", "Lines of the editors' journal", sizes.corrections)
            yield GaugeMetricFamily("rubricator_predictions", "Answers that are kept", sizes.predictions)
            size = sizes.predictions_bytes
            yield GaugeMetricFamily("rubricator_predictions_bytes", "Of them, compressed", size)
            yield GaugeMetricFamily("rubricator_store_bytes", "Of all tables", sizes.store_bytes)
            if sizes.last_correction is not None:
                days = days_since(sizes.last_correction)
                yield GaugeMetricFamily("rubricator_days_since_correction", "Since editors' latest decision", days)
        if self._age.days is not None:
            days = self._age.days
            yield GaugeMetricFamily("rubricator_model_age_days", "Since the newest article it learnt from", days)
        yield GaugeMetricFamily("rubricator_model_too_old", "1: older than is allowed", float(self._age.too_old))
        yield from self._trust()

    def _trust(self) -> "Iterator[Metric]":
        from prometheus_client.core import GaugeMetricFamily

        labels = ("head", "label")
        audits = GaugeMetricFamily("rubricator_audits", "Audited labels", labels=(*labels, "outcome"))
        precision = GaugeMetricFamily("rubricator_audited_precision", "With its interval", labels=(*labels, "bound"))
        held_back = GaugeMetricFamily("rubricator_label_held_back", "1: audits speak against it", labels=labels)
        labels_of = self._keeping.audits.of(self._reference.version)
        for one in sorted(labels_of, key=lambda one: (not one.held_back, -one.count))[:MOST_AUDITED]:
            audits.add_metric((one.head, one.id, "right"), one.right)
            audits.add_metric((one.head, one.id, "wrong"), one.count - one.right)
            for bound, value in (("low", one.low), ("estimate", one.precision), ("high", one.high)):
                precision.add_metric((one.head, one.id, bound), value)
            held_back.add_metric((one.head, one.id), float(one.held_back))
        yield from (audits, precision, held_back)


def _add(mine: dict[K, N], theirs: Mapping[K, N]) -> None:
    for key, count in theirs.items():
        mine[key] += count


def exposition(tally: Tally, reference: ModelReference, swaps: Swaps, keeping: Keeping, age: Age) -> bytes:
    """The text that Prometheus reads, with what the process itself uses."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(tally, reference, swaps, keeping, age))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    so_far = 0
    told = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), buckets, strict=True):
        so_far += count
        told.append((bound, float(so_far)))
    return told
