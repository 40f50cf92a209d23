"""What renewals counts."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from renewals.domain.happenings import Ended, Happening, Renewed, WindowOpened

LATE_BUCKETS = (1, 5, 30, 60, 300, 3_600, 6 * 3_600, 86_400, 3 * 86_400, 7 * 86_400, 30 * 86_400)
"""Seconds: from a timer's poll to weeks of downtime."""


class Meters:
    """Metrics of renewals, in the given registry. Counted when the work is done, so a rolled-back one counts twice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._windows = Counter("mainstay_renewals_windows_opened", "Renewal windows opened.", registry=registry)
        self._milestones = Counter("mainstay_renewals_milestones_reached", "Milestones recorded.", registry=registry)
        self._renewed = Counter("mainstay_renewals_terms_renewed", "Terms followed by another.", registry=registry)
        self._ended = Counter("mainstay_renewals_terms_ended", "Terms without a successor.", registry=registry)
        self._values = Counter("mainstay_renewals_values_changed", "Account values published.", registry=registry)
        self._late = Histogram(
            "mainstay_renewals_late_seconds",
            "How long after its moment a milestone was reached, a window opened or a term came to its end.",
            buckets=LATE_BUCKETS,
            registry=registry,
        )

    def happened(self, happening: Happening, late_by: float) -> None:
        """Count what happened to a term, `late_by` seconds after its moment."""
        self._late.observe(late_by)
        match happening:
            case WindowOpened():
                self._windows.inc()
            case Renewed():
                self._renewed.inc()
            case Ended():
                self._ended.inc()

    def milestone_reached(self, late_by: float) -> None:
        """Count a milestone that was recorded, `late_by` seconds after its day began."""
        self._late.observe(late_by)
        self._milestones.inc()

    def values_changed(self, accounts: int) -> None:
        """Count accounts whose value was published."""
        self._values.inc(accounts)
