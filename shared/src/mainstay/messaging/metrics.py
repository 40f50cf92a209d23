"""What the runners of a process count, on a registry that is given to them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LABELS = ["group", "topic"]


class RunnerMetrics:
    """One object a process; each runner writes under its group and topic."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter(
            "mainstay_consumer_records",
            "Records whose step is committed, whatever became of them.",
            _LABELS,
            registry=registry,
        )
        self.handle_seconds = Histogram(
            "mainstay_consumer_handle_seconds", "Time to handle one batch and commit it.", _LABELS, registry=registry
        )
        self.batch_records = Histogram(
            "mainstay_consumer_batch_records",
            "Records in one batch.",
            _LABELS,
            buckets=(1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000),
            registry=registry,
        )
        self.dead_letters = Counter(
            "mainstay_consumer_dead_letters", "Records put aside as dead letters.", _LABELS, registry=registry
        )
        self.errors = Counter(
            "mainstay_consumer_errors",
            "Batches that failed, by what was done about it.",
            [*_LABELS, "then"],
            registry=registry,
        )
        self.lag = Gauge(
            "mainstay_consumer_lag_records",
            "Records appended and not done, in the partitions held here.",
            _LABELS,
            registry=registry,
        )
        self.gaps = Gauge(
            "mainstay_consumer_gaps",
            "Partitions held here that stand still because records are missing.",
            _LABELS,
            registry=registry,
        )
