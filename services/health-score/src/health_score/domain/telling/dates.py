"""What metrics of dates say: the next renewal, the go-live, and the first contract."""

from collections.abc import Mapping

from health_score.domain.metrics.reading import AsOf, Value
from health_score.domain.telling.phrase import Phrase, Teller, counted, whole


def _ahead(key: str, passed: str) -> Teller:
    """A day that lies ahead (or is today), or has passed."""

    def told(value: Value, _of: AsOf) -> Phrase | None:
        if value is None:
            return None
        days = whole(value)
        return Phrase(key, {"days": days}) if days >= 0 else Phrase(passed, {"days": -days})

    return told


def _first_term(value: Value, _of: AsOf) -> Phrase | None:
    if value is None:
        return None
    days = whole(value)
    return Phrase("contract-began", {"days": days}) if days >= 0 else Phrase("contract-begins", {"days": -days})


DATES: Mapping[str, Teller] = {
    "days_to_renewal": _ahead("renewal-ahead", "renewal-passed"),
    "days_to_planned_go_live": _ahead("go-live-ahead", "go-live-passed"),
    "days_since_go_live": counted("live-since", "days"),
    "days_since_first_term": _first_term,
}
"""By the metric's name."""
