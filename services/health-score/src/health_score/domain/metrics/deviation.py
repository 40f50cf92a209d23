"""Deviation: a complete day against the account's own baseline, the same weekdays of the 8 weeks before.

Robust: the baseline is the median of the 8 days, and its spread their median absolute deviation, so that one holiday
among them moves neither. A weekend is compared with weekends, so a quiet one is no drop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.metrics.usage import last_active

WEEKS = 8

TOLD_FROM = 3
"""So many spreads away from the baseline, up or down, a day deviates."""

NORMAL_SPREADS = Fraction(7413, 5000)
"""1.4826: what makes a median absolute deviation comparable with the standard deviation of a normal distribution."""

LEAST_SPREAD = Fraction(1, 10)
"""The spread is this share of the baseline at least: very regular accounts do not deviate by one event."""

LEAST_VOLUME: Mapping[str, int] = {"events_1d": 20, "active_users_1d": 5}
"""Below this median of its weekday a day has no baseline: chance alone would deviate."""


class Departure(NamedTuple):
    """A day's value, the median of its weekday before, the usual spread around it, and how many spreads lie between."""

    value: int
    expected: Fraction
    spread: Fraction
    spreads: Fraction


def departure(value: int, before: Sequence[int], least_volume: int) -> Departure | None:
    """How far a value lies from those before; None where their median is below the least volume."""
    expected = median(before)
    if expected < least_volume:
        return None
    spread = max(NORMAL_SPREADS * median([abs(other - expected) for other in before]), LEAST_SPREAD * expected)
    return Departure(value, expected, spread, (value - expected) / spread)


def median(values: Sequence[int | Fraction]) -> Fraction:
    """The middle value, or the mean of the two in the middle."""
    ranked, middle = sorted(values), len(values) // 2
    if len(ranked) % 2:
        return Fraction(ranked[middle])
    return Fraction(ranked[middle - 1] + ranked[middle]) / 2


def departures(of: AsOf) -> Mapping[str, Departure]:
    """Of the last complete day: how far each figure lies from its baseline, where it has one.

    An account has none until it has been used for 8 weeks.
    """
    windows, at = of.windows, of.complete
    first = at - 7 * WEEKS
    windows.must_reach(first)
    if windows.last_active[first] is None:
        return {}
    found = {}
    for name, least in LEAST_VOLUME.items():
        figure = windows.users if name == "active_users_1d" else windows.events
        value, *before = (figure(place, 1) for place in range(at, first - 1, -7))
        if (departed := departure(value, before, least)) is not None:
            found[name] = departed
    return found


@dataclass(frozen=True, slots=True)
class Deviating:
    """A figure that deviates since the close of a day, and where to: 1 is up, −1 down."""

    since: date
    direction: int


@dataclass(frozen=True, slots=True)
class Deviated:
    """A figure left its baseline on a day; it did not deviate that way at the last close that could tell."""

    day: date
    metric: str
    departure: Departure

    @property
    def direction(self) -> int:
        """1 for up, −1 for down."""
        return _direction(self.departure)


class Watch:
    """Follows an account's closes and says each deviation once, however many days it lasts.

    A deviation ends at a close that is as usual; days without a baseline (a weekend of an account that rests then)
    neither end nor begin one.
    """

    def __init__(self, deviating: Mapping[str, Deviating]) -> None:
        self.deviating = dict(deviating)

    def close(self, day: date, found: Mapping[str, Departure]) -> Sequence[Deviated]:
        """Take in what a day's close found; answers what deviates since this day."""
        said = []
        for name, departed in found.items():
            direction = _direction(departed)
            known = self.deviating.get(name)
            if not direction:
                self.deviating.pop(name, None)
            elif known is None or known.direction != direction:
                self.deviating[name] = Deviating(day, direction)
                said.append(Deviated(day, name, departed))
        return said


def _direction(departed: Departure) -> int:
    if abs(departed.spreads) < TOLD_FROM:
        return 0
    return 1 if departed.spreads > 0 else -1


def _deviation(name: str) -> Callable[[AsOf], Value]:
    def deviation(of: AsOf) -> Value:
        found = departures(of).get(name)
        return found.spreads if found else None

    return deviation


_TOLD = (
    "of the last complete day against the median of the same weekday in the 8 weeks before, counted in the usual spread"
    " around it (1.4826 × median absolute deviation, a tenth of the median at least); undefined below a median of"
)

DEVIATION = (
    Metric(
        "active_users_deviation",
        Unit.SPREADS,
        _deviation("active_users_1d"),
        last_active,
        reach=timedelta(days=7 * WEEKS + 1),
        means=f"Distinct users {_TOLD} {LEAST_VOLUME['active_users_1d']}",
    ),
    Metric(
        "usage_deviation",
        Unit.SPREADS,
        _deviation("events_1d"),
        last_active,
        reach=timedelta(days=7 * WEEKS + 1),
        means=f"Events {_TOLD} {LEAST_VOLUME['events_1d']}",
    ),
)
"""How unusual the last complete day is."""
