"""The sentence that tells a person why an account is in its band."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from health_score.domain.bands import Band
from health_score.domain.metrics import Value
from health_score.domain.scorecard import MeasureResult, Scored

TOLD = 2
"""How many measures a sentence names."""


def sentence(
    scored: Scored, values: Mapping[str, Value], *, band: Band, before: Mapping[str, int], seats: int | None
) -> str:
    """Plain English from the measures that moved the score most, as in "Usage fell 64% …; 3 of 20 seats active".

    `before` holds the contributions before the change; without them the measures that cost most points are told (for
    green: those that bring most).
    """
    if band is Band.UNKNOWN:
        share = int(scored.total.coverage * 100 + Fraction(1, 2))
        return f"Too little data to judge: {share}% of the scorecard's weight has any"
    ranked = sorted(scored.measures, key=lambda part: _weight_of(part, band, before), reverse=True)
    told = [part for part in ranked if part.score is not None and _weight_of(part, band, before) > 0][:TOLD]
    phrases = [_PHRASES[part.metric](values, seats) for part in told if part.metric in _PHRASES]
    text = "; ".join(phrase for phrase in phrases if phrase)
    return text[:1].upper() + text[1:] if text else f"The score is {scored.total.score}"


def _weight_of(part: MeasureResult, band: Band, before: Mapping[str, int]) -> Fraction:
    """How much a measure had to do with the band: points moved in its direction, or points lost (green: brought)."""
    towards = 1 if band is Band.GREEN else -1
    if before:
        return Fraction(towards * (part.contribution - before.get(part.measure, 0)))
    brought = part.effective_weight * (part.score or 0)
    return brought if towards > 0 else part.effective_weight * 100 - brought


def _percent(share: Fraction) -> int:
    return int(abs(share) * 100 + Fraction(1, 2))


def _days(count: Value) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _trend(subject: str, metric: str, days: int) -> Callable[[Mapping[str, Value], int | None], str]:
    def told(values: Mapping[str, Value], _seats: int | None) -> str:
        value = values[metric]
        if value is None:
            return ""
        change = _percent(Fraction(value))
        if not change:
            return f"{subject} as in the {days} days before"
        return f"{subject} {'fell' if value < 0 else 'rose'} {change}% against the {days} days before"

    return told


def _seats_active(values: Mapping[str, Value], seats: int | None) -> str:
    return f"{values['active_users_28d']} of {seats} seats active" if seats else ""


def _stickiness(values: Mapping[str, Value], _seats: int | None) -> str:
    value = values["stickiness_28d"]
    if value is None:
        return "nobody was active in 28 days"
    return f"an active user comes on {int(value * 28 + Fraction(1, 2))} of 28 days"


def _last_activity(values: Mapping[str, Value], _seats: int | None) -> str:
    quiet = values["days_since_last_activity"]
    if not quiet:
        return "" if quiet is None else "active today"
    return f"no activity for {_days(quiet)}"


def _features(values: Mapping[str, Value], _seats: int | None) -> str:
    used = values["features_used_28d"]
    return f"{used} {'feature' if used == 1 else 'features'} used in 28 days"


def _users(metric: str, days: int) -> Callable[[Mapping[str, Value], int | None], str]:
    def told(values: Mapping[str, Value], _seats: int | None) -> str:
        users = values[metric]
        return f"{users} active {'user' if users == 1 else 'users'} in {_days(days)}"

    return told


_PHRASES: Mapping[str, Callable[[Mapping[str, Value], int | None], str]] = {
    "active_users_1d": _users("active_users_1d", 1),
    "active_users_7d": _users("active_users_7d", 7),
    "active_users_28d": _users("active_users_28d", 28),
    "active_users_trend_28d": _trend("active users", "active_users_trend_28d", 28),
    "days_since_last_activity": _last_activity,
    "events_28d": lambda values, _seats: f"{values['events_28d']} events in 28 days",
    "features_used_28d": _features,
    "seat_utilisation": _seats_active,
    "stickiness_28d": _stickiness,
    "usage_trend_7d": _trend("usage", "usage_trend_7d", 7),
    "usage_trend_28d": _trend("usage", "usage_trend_28d", 28),
}
