"""Metrics of how firmly a product sits in an account's habits: how far one has to look back to find somebody, or two.

A single visit is a weak sign of life, and so is a single visitor. These look at the half year before a day, so that an
account that comes once a month is not mistaken for one that has left.
"""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.metrics.usage import last_active

HALF_YEAR = 182
"""The days that are looked at. What is not found in them counts as just beyond."""

REACH_OF_HABIT = timedelta(days=HALF_YEAR)

FULL_WEIGHT_DAYS = 14
"""A user who was here n days ago counts 14 ÷ (14 + n): half after two weeks, a fifth after eight."""


def _days_to_two_active_days(of: AsOf) -> Value:
    places = _active_places(of)
    next(places, None)
    second = next(places, None)
    return HALF_YEAR if second is None else of.at - second


def _days_to_two_users(of: AsOf) -> Value:
    seen = 0
    for place in _active_places(of):
        seen |= of.windows.users_on(place)
        if seen.bit_count() > 1:
            return of.at - place
    return HALF_YEAR


def _recent_users(of: AsOf) -> Value:
    seen = thousandths = 0
    for place in _active_places(of):
        new = of.windows.users_on(place) & ~seen
        if new:
            seen |= new
            thousandths += new.bit_count() * (1000 * FULL_WEIGHT_DAYS // (FULL_WEIGHT_DAYS + of.at - place))
    return Fraction(thousandths, 1000)


def _active_places(of: AsOf) -> Iterator[int]:
    """The places of the active days of the half year, the latest first."""
    before = of.windows.last_active
    first = of.at + 1 - HALF_YEAR
    of.windows.must_reach(first)
    place = before[of.at]
    while place is not None and place >= first:
        yield place
        place = before[place - 1] if place else None


HABIT = (
    Metric(
        "days_to_two_active_days",
        Unit.DAYS,
        _days_to_two_active_days,
        last_active,
        reach=REACH_OF_HABIT,
        means="How many days one has to look back to find two active days; 182 where the half year has fewer",
    ),
    Metric(
        "days_to_two_users",
        Unit.DAYS,
        _days_to_two_users,
        last_active,
        reach=REACH_OF_HABIT,
        means="How many days one has to look back to find two distinct users; 182 where the half year has fewer",
    ),
    Metric(
        "recent_users",
        Unit.USERS,
        _recent_users,
        last_active,
        reach=REACH_OF_HABIT,
        means="Distinct users of the last 182 days; who was here last n days ago counts 14 ÷ (14 + n)",
    ),
)
"""The metrics of habit. Days since the last active day are among those of usage."""
