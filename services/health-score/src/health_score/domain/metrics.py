"""Usage metrics as of a day: exact, in windows that slide by day in the account's zone.

A window of n days as of day D is D−n+1 … D, so the day itself counts. Trends compare complete days only: as of a day
that is still running they end with the day before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate

from health_score.domain.activity import Activity

Value = int | Fraction | None
"""A metric's value; None where it is undefined (a share of nothing, a trend from zero)."""

REACH = timedelta(days=57)
"""How far before a day its metrics look: two windows of 28 days, which end a day earlier while the day is running."""


class Windows:
    """The windows of every day from `first` to `last`, computed once, as one column for each figure.

    Columns begin `REACH` before `first`; `index` gives a day's place in them. The cost is O(1) for each day and
    figure, whatever the window's length.
    """

    def __init__(self, activity: Activity, first: date, last: date) -> None:
        self._start = first.toordinal() - REACH.days
        length = last.toordinal() - self._start + 1
        events, users, features = [0] * length, [0] * length, [0] * length
        active: list[int | None] = [None] * length
        before = activity.active_before
        for day, use in activity.days.items():
            at = day.toordinal() - self._start
            if 0 <= at < length:
                events[at], users[at], features[at] = use.events, use.users, use.features
                active[at] = at
            elif at < 0 and (before is None or day > before):
                before = day
        self.active_users_1d = [bits.bit_count() for bits in users]
        self.active_users_7d = [bits.bit_count() for bits in unions(users, 7)]
        self.active_users_28d = [bits.bit_count() for bits in unions(users, 28)]
        self.features_28d = [bits.bit_count() for bits in unions(features, 28)]
        self.events_until = [0, *accumulate(events)]
        self.active_users_until = [0, *accumulate(self.active_users_1d)]
        self.last_active = _last_known(active, None if before is None else before.toordinal() - self._start)

    def index(self, day: date) -> int:
        """The place of a day in the columns."""
        return day.toordinal() - self._start

    def events(self, last: int, days: int) -> int:
        """The events of the `days` days that end with the place `last`."""
        return self.events_until[last + 1] - self.events_until[last + 1 - days]


def unions(sets: Sequence[int], length: int) -> list[int]:
    """The union of each `length` consecutive bit sets, ending at every place (fewer at the beginning).

    Van Herk and Gil–Werman: the union of a window is a suffix of one block and a prefix of the next, so each place
    costs three unions, not `length`.
    """
    prefixes: list[int] = []
    running = 0
    for place, bits in enumerate(sets):
        running = bits if place % length == 0 else running | bits
        prefixes.append(running)
    suffixes = [0] * len(sets)
    running = 0
    for place in range(len(sets) - 1, -1, -1):
        running = sets[place] if (place + 1) % length == 0 else running | sets[place]
        suffixes[place] = running
    first_full = min(length - 1, len(sets))
    return prefixes[:first_full] + [
        suffixes[place - length + 1] | prefixes[place] for place in range(first_full, len(sets))
    ]


def _last_known(places: Sequence[int | None], before: int | None) -> list[int | None]:
    known: list[int | None] = []
    for place in places:
        before = before if place is None else place
        known.append(before)
    return known


@dataclass(slots=True)
class AsOf:
    """A reading of the windows: `at` is the place of the day itself, `complete` that of the last complete day."""

    windows: Windows
    at: int
    complete: int
    seats: int | None = None


Metric = Callable[[AsOf], Value]


def _active_users_1d(of: AsOf) -> Value:
    return of.windows.active_users_1d[of.at]


def _active_users_7d(of: AsOf) -> Value:
    return of.windows.active_users_7d[of.at]


def _active_users_28d(of: AsOf) -> Value:
    return of.windows.active_users_28d[of.at]


def _features_used_28d(of: AsOf) -> Value:
    return of.windows.features_28d[of.at]


def _events_28d(of: AsOf) -> Value:
    return of.windows.events(of.at, 28)


def _stickiness_28d(of: AsOf) -> Value:
    windows, at = of.windows, of.at
    monthly = windows.active_users_28d[at]
    if not monthly:
        return None
    return Fraction(windows.active_users_until[at + 1] - windows.active_users_until[at - 27], 28 * monthly)


def _seat_utilisation(of: AsOf) -> Value:
    return Fraction(of.windows.active_users_28d[of.at], of.seats) if of.seats else None


def _days_since_last_activity(of: AsOf) -> Value:
    last = of.windows.last_active[of.at]
    return None if last is None else of.at - last


def _usage_trend_7d(of: AsOf) -> Value:
    return _trend(of.windows.events(of.complete, 7), of.windows.events(of.complete - 7, 7))


def _usage_trend_28d(of: AsOf) -> Value:
    return _trend(of.windows.events(of.complete, 28), of.windows.events(of.complete - 28, 28))


def _active_users_trend_28d(of: AsOf) -> Value:
    return _trend(of.windows.active_users_28d[of.complete], of.windows.active_users_28d[of.complete - 28])


def _trend(now: int, before: int) -> Value:
    return Fraction(now - before, before) if before else None


METRICS: Mapping[str, Metric] = {
    "active_users_1d": _active_users_1d,
    "active_users_7d": _active_users_7d,
    "active_users_28d": _active_users_28d,
    "active_users_trend_28d": _active_users_trend_28d,
    "days_since_last_activity": _days_since_last_activity,
    "events_28d": _events_28d,
    "features_used_28d": _features_used_28d,
    "seat_utilisation": _seat_utilisation,
    "stickiness_28d": _stickiness_28d,
    "usage_trend_7d": _usage_trend_7d,
    "usage_trend_28d": _usage_trend_28d,
}
"""Every metric by its name. Active users and features are counts, shares and trends are Fractions, ages are days."""


def as_of(activity: Activity, day: date, *, running: bool, seats: int | None) -> AsOf:
    """A reading as of one day; `running` says that the day is not over yet."""
    windows = Windows(activity, day, day)
    at = windows.index(day)
    return AsOf(windows, at, at - 1 if running else at, seats)


def measure(reading: AsOf) -> dict[str, Value]:
    """Every metric of a reading."""
    return {name: metric(reading) for name, metric in METRICS.items()}
