"""Periods of a review: days of an account's zone, both included."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.kernel.clock import start_of_day

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The equally long period that ends the day before."""
        return Period(self.first - self.days * DAY, self.first - DAY)

    def __contains__(self, day: date | None) -> bool:
        return day is not None and self.first <= day <= self.last

    def begins(self, zone: ZoneInfo) -> datetime:
        """The instant at which it begins."""
        return start_of_day(self.first, zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The instant at which it is over."""
        return start_of_day(self.last + DAY, zone)

    def parts(self, days: int) -> list["Period"]:
        """Parts of so many days. What is left is a part if it is half of one at least, else it joins the last."""
        whole, rest = divmod(self.days, days)
        parts = max(1, whole + (2 * rest >= days))
        firsts = [self.first + place * days * DAY for place in range(parts)]
        return [
            Period(first, following - DAY)
            for first, following in zip(firsts, [*firsts[1:], self.last + DAY], strict=True)
        ]


def quarter_of(day: date) -> Period:
    """The quarter of the calendar that holds a day."""
    first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    later = first + 93 * DAY
    return Period(first, date(later.year, later.month, 1) - DAY)
