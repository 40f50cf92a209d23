"""Usage metrics as of a day: exact, in windows that slide by day in the account's zone.

A window of n days as of day D is D−n+1 … D, so the day itself counts. Trends compare complete days only: as of a day
that is still running they end with the day before.
"""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction

from health_score.domain.metrics.entitlements import features_in_plan, seats_stated, seats_stated_on
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value


def last_active(of: AsOf) -> date | None:
    """The last active day: the evidence behind everything that is computed from use."""
    last = of.windows.last_active[of.at]
    return None if last is None else of.windows.day(last)


def _active_users_1d(of: AsOf) -> Value:
    return of.windows.users(of.at, 1)


def _active_users_7d(of: AsOf) -> Value:
    return of.windows.users(of.at, 7)


def _active_users_28d(of: AsOf) -> Value:
    return of.windows.users(of.at, 28)


def _features_used_28d(of: AsOf) -> Value:
    return of.windows.features(of.at).bit_count()


def _events_28d(of: AsOf) -> Value:
    return of.windows.events(of.at, 28)


def _stickiness_28d(of: AsOf) -> Value:
    windows, at = of.windows, of.at
    monthly = windows.users(at, 28)
    if not monthly:
        return None
    return Fraction(windows.daily_users(at, 28), 28 * monthly)


def _seat_utilisation(of: AsOf) -> Value:
    if not of.seats:
        return None
    stated = seats_stated(of.known)
    return (of.windows.users(of.at, 28) if stated is None else stated) / Fraction(of.seats)


def _seats_seen_on(of: AsOf) -> date | None:
    return seats_stated_on(of) or last_active(of)


def _user_engagement(of: AsOf) -> Value:
    in_use = seats_stated(of.known)
    return of.windows.users(of.at, 28) / in_use if in_use else None


def _feature_breadth_28d(of: AsOf) -> Value:
    plan = features_in_plan(of.known)
    if not plan:
        return None
    numbers, used = of.windows.life.feature_numbers, of.windows.features(of.at)
    return Fraction(sum(used >> numbers[name] & 1 for name in plan if name in numbers), len(plan))


def _days_since_last_activity(of: AsOf) -> Value:
    last = of.windows.last_active[of.at]
    return None if last is None else of.at - last


def _usage_trend(days: int) -> Callable[[AsOf], Value]:
    def trend(of: AsOf) -> Value:
        return _trend(of.windows.events(of.complete, days), of.windows.events(of.complete - days, days))

    return trend


def _active_users_trend(days: int) -> Callable[[AsOf], Value]:
    def trend(of: AsOf) -> Value:
        return _trend(of.windows.users(of.complete, days), of.windows.users(of.complete - days, days))

    return trend


def _trend(now: int, before: int) -> Value:
    return Fraction(now - before, before) if before else None


def _reach_of_trend(days: int) -> timedelta:
    """Two windows, a day earlier while the day is running, and nothing before them."""
    return timedelta(days=2 * days)


def _users(days: int, read: Callable[[AsOf], Value]) -> Metric:
    told = "on the day" if days == 1 else f"in {days} days"
    return Metric(f"active_users_{days}d", Unit.USERS, read, last_active, means=f"Distinct users {told}")


def _trends(days: int) -> tuple[Metric, Metric]:
    told = f"in the last {days} complete days against the {days} before: (now − before) ÷ before; undefined from zero"
    reach = _reach_of_trend(days)
    return (
        Metric(
            f"active_users_trend_{days}d",
            Unit.TREND,
            _active_users_trend(days),
            last_active,
            reach=reach,
            means=f"Distinct users {told}",
        ),
        Metric(
            f"usage_trend_{days}d", Unit.TREND, _usage_trend(days), last_active, reach=reach, means=f"Events {told}"
        ),
    )


USAGE = (
    _users(1, _active_users_1d),
    _users(7, _active_users_7d),
    _users(28, _active_users_28d),
    *_trends(7),
    *_trends(28),
    *_trends(90),
    Metric(
        "days_since_last_activity",
        Unit.DAYS,
        _days_since_last_activity,
        last_active,
        means="Days since the last day with an event; 0 on such a day",
    ),
    Metric("events_28d", Unit.EVENTS, _events_28d, last_active, means="Events in 28 days"),
    Metric(
        "feature_breadth_28d",
        Unit.SHARE,
        _feature_breadth_28d,
        last_active,
        of_life=True,
        means="Features of the plan that were used in 28 days ÷ features of the plan, as entitlement facts name them",
    ),
    Metric("features_used_28d", Unit.FEATURES, _features_used_28d, last_active, means="Distinct features in 28 days"),
    Metric(
        "seat_utilisation",
        Unit.SHARE,
        _seat_utilisation,
        _seats_seen_on,
        means="Seats in use ÷ seats bought; in use are the seats that an entitlement fact says are used, else the"
        " distinct users in 28 days",
    ),
    Metric(
        "stickiness_28d",
        Unit.SHARE,
        _stickiness_28d,
        last_active,
        means="Mean daily users over 28 days ÷ distinct users in them",
    ),
    Metric(
        "user_engagement",
        Unit.SHARE,
        _user_engagement,
        last_active,
        means="Distinct users in 28 days ÷ the seats that an entitlement fact says are used",
    ),
)
"""The metrics that are computed from what people do with the product."""
