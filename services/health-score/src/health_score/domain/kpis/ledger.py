"""Where a figure is counted: in the cell of a period and a group, under what the account was at the instant."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from health_score.domain.facts.known import NOW
from health_score.domain.kpis.attribution import Attribution, Axis, attribution
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.periods import DAY, Period, place_of
from health_score.domain.rulebook import NO_RULES, Rulebook
from mainstay.kernel.clock import day_of, start_of_day

C = TypeVar("C")
Group = tuple[str | None, ...]
"""The value on each axis that was asked for; None: none is stated."""

_INSTANT = timedelta(microseconds=1)
_FARTHEST_BEHIND = timedelta(hours=12)
"""UTC−12 is the last zone in which a day ends."""


class TooManyGroups(ValueError):
    """An answer would have more rows than anybody reads."""


class End(NamedTuple):
    """A period's end: its last day, or today while it is running, and the instant before which things count."""

    period: int
    day: date
    before: datetime


@dataclass(frozen=True)
class Books(Generic[C]):
    """All cells of an answer. `wanted` has, of an axis, the values that count; None among them: none is stated.

    Tiers and promises follow from `rules`. Raises `TooManyGroups` when it would have more than `most` cells.
    """

    periods: tuple[Period, ...]
    axes: tuple[Axis, ...]
    wanted: Mapping[Axis, Collection[str | None]]
    now: datetime
    new: Callable[[], C]
    rules: Rulebook = NO_RULES
    most: int = 100_000
    cells: dict[tuple[int, Group], C] = field(default_factory=dict)
    _borders: dict[str, list[datetime]] = field(default_factory=dict)

    @cached_property
    def looked_at(self) -> tuple[Axis, ...]:
        """The axes that matter: those grouped by, then those filtered by."""
        return tuple(dict.fromkeys((*self.axes, *self.wanted)))

    @cached_property
    def last_complete_day(self) -> date:
        """The last day that is over in every zone."""
        return (self.now - _FARTHEST_BEHIND).date() - DAY

    def borders(self, zone: ZoneInfo) -> list[datetime]:
        """The instants at which the periods begin in a zone, and the one at which the last of them ends."""
        found = self._borders.get(zone.key)
        if found is None:
            days = (*(period.first for period in self.periods), self.periods[-1].last + DAY)
            found = self._borders[zone.key] = [start_of_day(day, zone) for day in days]
        return found

    def of(self, past: Past) -> "Ledger[C]":
        """Where one account's figures are counted."""
        return Ledger(self, past, attribution(past, self.looked_at, self.rules))

    @cached_property
    def until(self) -> datetime:
        """What lies at or behind this instant is to come; senders' clocks may run a little ahead."""
        return self.now + NOW

    def cell(self, period: int, values: Group) -> C | None:
        """The cell of a period and the values on `looked_at`; None where they are not wanted."""
        if self.wanted:
            for axis, value in zip(self.looked_at, values, strict=True):
                if axis in self.wanted and value not in self.wanted[axis]:
                    return None
            values = values[: len(self.axes)]
        key = (period, values)
        found = self.cells.get(key)
        if found is None:
            if len(self.cells) >= self.most:
                raise TooManyGroups(f"more than {self.most} rows; ask for fewer axes, periods or accounts")
            found = self.cells[key] = self.new()
        return found


@dataclass(frozen=True)
class Ledger(Generic[C]):
    """One account's side of the books."""

    books: Books[C]
    past: Past
    under: Attribution

    @cached_property
    def _borders(self) -> list[datetime]:
        return self.books.borders(self.past.zone)

    @cached_property
    def today(self) -> date:
        """The running day, in the account's zone."""
        return day_of(self.books.now, self.past.zone)

    def is_past(self, instant: datetime) -> bool:
        """Whether an instant is not to come."""
        return instant < self.books.until

    def period_of(self, instant: datetime | None) -> int | None:
        """The period that an instant lies in; None where it lies in none, or is to come."""
        if instant is None or instant >= self.books.until:
            return None
        place = bisect_right(self._borders, instant)
        return place - 1 if 0 < place < len(self._borders) else None

    def at(self, instant: datetime | None) -> C | None:
        """The cell of an instant; None where it does not count."""
        period = self.period_of(instant)
        return None if period is None or instant is None else self.books.cell(period, self.under.at(instant))

    def on(self, day: date | None) -> C | None:
        """The cell of a civil day, under what the account was as it ended; days to come are in one too."""
        period = None if day is None else place_of(day, self.books.periods)
        return None if period is None or day is None else self.books.cell(period, self._as_ended(day))

    def at_end(self, end: End) -> C | None:
        """The cell of a period's end, under what the account is as it comes."""
        return self.books.cell(end.period, self.under.at(end.before - _INSTANT))

    def ends(self) -> Iterator[End]:
        """The ends of the periods that have begun, rising."""
        for place, period in enumerate(self.books.periods):
            if period.first > self.today:
                return
            day = min(period.last, self.today)
            yield End(place, day, min(self._borders[place + 1], self.books.until))

    def spans(self) -> Iterator[tuple[date, date, int, Group]]:
        """The days of the periods that are over everywhere, cut where the account's groups change.

        Each with its first and last day, its period, and the values that `Books.cell` finds its cell by.
        """
        for place, period in enumerate(self.books.periods):
            first, last = period.first, min(period.last, self.books.last_complete_day)
            if first > last:
                return
            changes = self.under.changes_between(self._borders[place], self._borders[place + 1])
            if not changes:
                yield first, last, place, self.under.at(self._borders[place])
                continue
            cuts = {day_of(instant, self.past.zone) for instant in changes}
            for cut in (*sorted(day for day in cuts if first < day <= last), last + DAY):
                yield first, cut - DAY, place, self._as_ended(first)
                first = cut

    def _as_ended(self, day: date) -> Group:
        return self.under.at(start_of_day(day + DAY, self.past.zone) - _INSTANT)
