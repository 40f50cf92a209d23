"""Ingest's own figures for Prometheus, counted in plain integers.

The hot routes count on every request: incrementing a client library's counter takes a lock and 0.5 µs, an integer in a
dict 0.05 µs. The event loop is the only thread that counts.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.application.stated import Received

Values = TypeVar("Values", bound=tuple[str, ...])

_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper ends of the histogram's buckets, in seconds."""


class IngestMetrics(Collector):
    """What came in, what was refused and why, and how long the log took. Every label has few values."""

    def __init__(self, registry: CollectorRegistry, bytes_in_flight: Callable[[], int]) -> None:
        self._bytes_in_flight = bytes_in_flight
        self._accepted: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._suppressed: Counter[tuple[str, str]] = Counter()
        self._passed_over: Counter[tuple[str, str]] = Counter()
        self._warned: Counter[tuple[str, str]] = Counter()
        self._answered: Counter[tuple[str, str]] = Counter()
        self._appends = [0] * (len(_BOUNDS) + 1)
        self._append_seconds = 0.0
        self._failed_appends = 0
        registry.register(self)

    def received(self, protocol: str, source: str, received: Received) -> None:
        """What became of a request; `source` is the label of an API key, so there are as many as keys at most."""
        self._accepted[protocol, source] += received.accepted
        if received.waiting:
            self._waiting[protocol, source] += len(received.waiting)
        if received.suppressed:
            self._suppressed[protocol, source] += len(received.suppressed)
        if received.warnings:
            self._warned[protocol, source] += len(received.warnings)
        for each in received.refused:
            self._refused[protocol, source, each.refusal.code] += 1

    def refused(self, protocol: str, source: str, code: str) -> None:
        """A request was not acceptable as a whole; `source` is empty where its key was not known."""
        self._refused[protocol, source, code] += 1

    def passed_over(self, protocol: str, source: str) -> None:
        """A call that says nothing we keep was read, and that was all."""
        self._passed_over[protocol, source] += 1

    def answered(self, route: str, status: int) -> None:
        """A hot route answered."""
        self._answered[route, str(status)] += 1

    def appended(self, seconds: float) -> None:
        """One append was acknowledged."""
        self._appends[bisect_left(_BOUNDS, seconds)] += 1
        self._append_seconds += seconds

    def append_failed(self, seconds: float) -> None:
        """One append was not, or not wholly, acknowledged in time."""
        self._failed_appends += 1
        self.appended(seconds)

    def collect(self) -> Iterator[Metric]:
        """The figures as they stand."""
        yield _counter(
            "mainstay_ingest_events_accepted", "Events acknowledged.", ("protocol", "source"), self._accepted
        )
        yield _counter(
            "mainstay_ingest_events_refused",
            "Events or requests refused.",
            ("protocol", "source", "reason"),
            self._refused,
        )
        yield _counter(
            "mainstay_ingest_events_waiting",
            "Events set aside until their account is known.",
            ("protocol", "source"),
            self._waiting,
        )
        yield _counter(
            "mainstay_ingest_events_suppressed",
            "Events of the erased, left out.",
            ("protocol", "source"),
            self._suppressed,
        )
        yield _counter(
            "mainstay_ingest_events_warned",
            "Events accepted that do not follow the tracking plan.",
            ("protocol", "source"),
            self._warned,
        )
        yield _counter(
            "mainstay_ingest_events_passed_over",
            "Calls of types that say nothing we keep.",
            ("protocol", "source"),
            self._passed_over,
        )
        yield _counter("mainstay_ingest_requests", "Answers of the hot routes.", ("route", "status"), self._answered)
        yield HistogramMetricFamily(
            "mainstay_ingest_append_seconds",
            "Time until the event log acknowledged the records of a request.",
            buckets=self._buckets(),
            sum_value=self._append_seconds,
        )
        yield CounterMetricFamily(
            "mainstay_ingest_append_failures", "Appends not acknowledged in time.", value=self._failed_appends
        )
        yield GaugeMetricFamily(
            "mainstay_ingest_bytes_in_flight", "Bytes of request bodies held now.", value=self._bytes_in_flight()
        )

    def _buckets(self) -> list[tuple[str, float]]:
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self._appends, strict=True):
            total += count
            buckets.append((bound, total))
        return buckets


def _counter(name: str, text: str, labels: tuple[str, ...], counts: Mapping[Values, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
