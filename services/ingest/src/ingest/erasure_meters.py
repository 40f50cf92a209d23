"""What is counted of erasures."""

from prometheus_client import CollectorRegistry, Counter


class ErasureMeters:
    """Metrics of erasures, in the given registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._overdue = Counter(
            "mainstay_ingest_erasures_overdue",
            "Looks, one an hour, at which an erasure lacked a service's confirmation.",
            registry=registry,
        )

    def overdue(self) -> None:
        """One erasure was not confirmed in time."""
        self._overdue.inc()
