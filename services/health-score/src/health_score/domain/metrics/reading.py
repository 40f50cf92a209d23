"""What a metric is, and what it reads: everything known about an account as of one day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from health_score.domain.decisions import NOTHING_DECIDED, Decided
from health_score.domain.facts.known import Known
from health_score.domain.metrics.series import SeriesWindows
from health_score.domain.metrics.windows import REACH, Windows
from mainstay.kernel.clock import start_of_day

Value = int | Fraction | None
"""A metric's value; None where it is undefined (a share of nothing, a trend from zero)."""


DAY = timedelta(days=1)

FEW = 64
"""So many windows are remembered: more than metrics ask for as of one day."""


class Unit(StrEnum):
    """What a metric's value counts. A share is 0–1 (more where more is used than bought), a trend −1 to infinity.

    A spread is a distance from what is usual, counted in the usual distances; an amount is what a property says.
    """

    USERS = "users"
    FEATURES = "features"
    EVENTS = "events"
    DAYS = "days"
    HOURS = "hours"
    MONTHS = "months"
    SHARE = "share"
    TREND = "trend"
    COUNT = "count"
    POINTS = "points"
    SPREADS = "spreads"
    AMOUNT = "amount"


@dataclass(slots=True)
class AsOf:
    """A reading of an account as of a day: `at` is its place in the windows, `complete` that of the last complete day.

    `known` is what others stated by the end of the day (by now, for the running one), `decided` what people decided
    by then; `seats` were bought then. `age_days` is 1 on the account's first active day, 0 before.
    `customs` has the windows of each series that custom metrics in use are computed from, by its number; `promises`
    what the service policy in force then promises.
    """

    windows: Windows
    at: int
    complete: int
    seats: int | None = None
    known: Known = field(default_factory=Known)
    decided: Decided = NOTHING_DECIDED
    age_days: int = 0
    _windows: dict[tuple[int, int, int, datetime | None], tuple[datetime, datetime]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    customs: Mapping[int, SeriesWindows] = field(default_factory=dict)
    promises: Mapping[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The day itself, in the account's zone."""
        return self.windows.day(self.at)

    @property
    def ends(self) -> datetime:
        """The end of the day; now, as long as it is running."""
        return self.window(1)[1]

    def window(self, days: int) -> tuple[datetime, datetime]:
        """The beginning and the end of the window of so many days that ends with this one; now, while it is running.

        Remembered: it is asked for with every ticket.
        """
        key = (self.at, self.complete, days, self.known.before)
        found = self._windows.get(key)
        if found is None:
            if len(self._windows) > FEW:
                self._windows.clear()
            found = self._windows[key] = self._window(days)
        return found

    def _window(self, days: int) -> tuple[datetime, datetime]:
        zone, before = self.known.zone, self.known.before
        begin, end = start_of_day(self.day - (days - 1) * DAY, zone), start_of_day(self.day + DAY, zone)
        return begin, end if self.at == self.complete or before is None else min(end, before)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure about an account, by its name.

    `read` computes it; `seen_on` answers the day of the latest evidence behind it (None: there is none), from which a
    measure's time to live counts. `reach` is how far before the reading's day it looks, `of_life` says that it reads
    the account's whole life too, `series` names those it is computed from, and `means` defines it in words;
    `title` names one of the operator's own.
    """

    name: str
    unit: Unit
    read: Callable[[AsOf], Value]
    seen_on: Callable[[AsOf], date | None]
    reach: timedelta = REACH
    of_life: bool = False
    series: frozenset[int] = frozenset()
    means: str = ""
    title: str = ""
