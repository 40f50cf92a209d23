"""Quarantine's figures for Prometheus."""

from prometheus_client import CollectorRegistry, Counter


class QuarantineMeters:
    """What was put aside, for what there was no room, what became of it. There are as many sources as keys at most."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._kept = Counter(
            "mainstay_ingest_quarantined",
            "Events put aside, repetitions too.",
            ["source", "reason"],
            registry=registry,
        )
        self._overflow = Counter(
            "mainstay_ingest_quarantine_overflow",
            "Events for which the source's quarantine had no room.",
            ["source"],
            registry=registry,
        )
        self._replayed = Counter(
            "mainstay_ingest_quarantine_replayed", "Events read again.", ["outcome"], registry=registry
        )
        self._expired = Counter("mainstay_ingest_quarantine_expired", "Events deleted by retention.", registry=registry)

    def kept(self, source: str, reason: str, events: int) -> None:
        """Events were put aside."""
        self._kept.labels(source, reason).inc(events)

    def overflowed(self, source: str, events: int) -> None:
        """Events were not kept: the source has its quarantine full."""
        self._overflow.labels(source).inc(events)

    def replayed(self, outcome: str, events: int = 1) -> None:
        """Events were read again."""
        self._replayed.labels(outcome).inc(events)

    def expired(self, events: int) -> None:
        """Events were deleted because they were old."""
        self._expired.inc(events)
