"""What metrics of usage say."""

from collections.abc import Mapping
from fractions import Fraction

from health_score.domain.metrics.entitlements import features_in_plan, seats_stated
from health_score.domain.metrics.habit import HALF_YEAR
from health_score.domain.metrics.reading import AsOf, Value
from health_score.domain.telling.phrase import Phrase, Teller, counted, figure, figured, percent, shared, whole

USUAL = 1
"""Below so many spreads a deviation is told as none."""


def _trend(key: str, days: int) -> Teller:
    def told(value: Value, _of: AsOf) -> Phrase | None:
        if value is None:
            return None
        change = percent(value)
        direction = ("fell" if value < 0 else "rose") if change else "same"
        return Phrase(key, {"direction": direction, "change": change, "days": days})

    return told


def _deviation(key: str) -> Teller:
    def told(value: Value, _of: AsOf) -> Phrase | None:
        if value is None:
            return None
        spreads = Fraction(value)
        direction = ("below" if spreads < 0 else "above") if abs(spreads) >= USUAL else "usual"
        return Phrase(key, {"direction": direction, "spreads": figure(abs(spreads))})

    return told


def _seats(value: Value, of: AsOf) -> Phrase | None:
    if value is None or not of.seats:
        return None
    key = "seats-active" if seats_stated(of.known) is None else "seats-in-use"
    return Phrase(key, {"used": whole(value * of.seats), "seats": of.seats})


def _stickiness(value: Value, _of: AsOf) -> Phrase:
    if value is None:
        return Phrase("nobody-active", {"days": 28})
    return Phrase("stickiness", {"active": whole(value * 28), "days": 28})


def _last_activity(value: Value, _of: AsOf) -> Phrase | None:
    if not value:
        return None if value is None else Phrase("active-today")
    return Phrase("no-activity", {"days": whole(value)})


def _breadth(value: Value, of: AsOf) -> Phrase | None:
    if value is None:
        return None
    features = len(features_in_plan(of.known))
    return Phrase("feature-breadth", {"used": whole(value * features), "features": features, "days": 28})


def _looks_back(found: str, few: str) -> Teller:
    def told(value: Value, _of: AsOf) -> Phrase | None:
        if value is None:
            return None
        if value >= HALF_YEAR:
            return Phrase(few, {"days": HALF_YEAR})
        return Phrase(found, {"days": whole(value) + 1})  # the window that holds them: today alone is one day

    return told


def _first_use(value: Value, _of: AsOf) -> Phrase | None:
    if not value:
        return None if value is None else Phrase("used-from-the-beginning")
    return Phrase("first-use", {"days": whole(Fraction(value))})


USAGE: Mapping[str, Teller] = {
    "active_users_1d": counted("active-users", "users", days=1),
    "active_users_7d": counted("active-users", "users", days=7),
    "active_users_28d": counted("active-users", "users", days=28),
    "active_users_trend_7d": _trend("active-users-trend", 7),
    "active_users_trend_28d": _trend("active-users-trend", 28),
    "active_users_trend_90d": _trend("active-users-trend", 90),
    "usage_trend_7d": _trend("usage-trend", 7),
    "usage_trend_28d": _trend("usage-trend", 28),
    "usage_trend_90d": _trend("usage-trend", 90),
    "days_since_last_activity": _last_activity,
    "events_28d": counted("events", "events", days=28),
    "feature_breadth_28d": _breadth,
    "features_used_28d": counted("features-used", "features", days=28),
    "seat_utilisation": _seats,
    "stickiness_28d": _stickiness,
    "user_engagement": shared("user-engagement", days=28),
    "days_to_two_active_days": _looks_back("last-two-active-days", "few-active-days"),
    "days_to_two_users": _looks_back("last-two-users", "few-users"),
    "recent_users": figured("recent-users", "users"),
    "activation": shared("activation"),
    "days_to_activation": counted("days-to-activation", "days"),
    "time_to_first_value": _first_use,
    "active_users_deviation": _deviation("active-users-deviation"),
    "usage_deviation": _deviation("usage-deviation"),
}
"""By the metric's name."""
