"""Time as an input: services ask a `Clock`, tests move one by hand."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved; for tests and replays."""

    def __init__(self, start: datetime) -> None:
        """Begin at `start`, which must be aware."""
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant the clock was last moved to, in UTC."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Set the clock; it may also go back, as clocks of real machines do."""
        self._now = instant.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration."""
        self._now += by


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The civil date of an instant in a zone."""
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a civil date begins in a zone.

    Where summer time begins at midnight, the first instant that exists on that date.
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
