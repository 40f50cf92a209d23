"""When somebody works: workdays and hours in their own zone, public holidays, days off and leave."""

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.domain.people import MINUTES_OF_A_DAY, Person

PublicHolidays = Callable[[str, str | None, int], Collection[date]]
"""The public holidays of a country (ISO 3166-1, alpha-2), or of a subdivision of it, in a year."""

MOST_DAYS_AHEAD = 400
"""Somebody without a workday in so many days has no working hours to wait for."""


def no_holidays(_country: str, _subdivision: str | None, _year: int) -> Collection[date]:
    """Of a country about which nothing is known."""
    return ()


def is_workday(person: Person, day: date, holidays: PublicHolidays) -> bool:
    """Whether a person works on a day of theirs."""
    if day.isoweekday() not in person.workdays or day in person.days_off:
        return False
    if any(leave.covers(day) for leave in person.leaves):
        return False
    return person.country is None or day not in holidays(person.country, person.subdivision, day.year)


def works_at(person: Person, at: datetime, holidays: PublicHolidays) -> bool:
    """Whether an instant lies in a person's working hours."""
    day = person.day_of(at)
    start, end = (instant(person, day, minute) for minute in (person.hours.since, person.hours.until))
    return start <= at < end and is_workday(person, day, holidays)


def works_next(person: Person, at: datetime, holidays: PublicHolidays) -> datetime | None:
    """The instant from which on a person works: `at` itself within working hours. None: never in sight."""
    if works_at(person, at, holidays):
        return at
    return next_time(person, person.hours.since, at, lambda day: is_workday(person, day, holidays))


def next_time(person: Person, minute: int, at: datetime, is_meant: Callable[[date], bool]) -> datetime | None:
    """The next instant after `at` that is so many minutes into one of the days meant, on the person's clock."""
    day = person.day_of(at)
    for _ in range(MOST_DAYS_AHEAD):
        moment = instant(person, day, minute)
        if moment > at and is_meant(day):
            return moment
        day += timedelta(days=1)
    return None


def instant(person: Person, day: date, minute: int) -> datetime:
    """The instant (UTC) so many minutes into a day on the person's clock; one that a clock skips is an hour later."""
    zone = ZoneInfo(person.zone)
    if minute >= MINUTES_OF_A_DAY:
        day, minute = day + timedelta(days=1), minute - MINUTES_OF_A_DAY
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
    return local.astimezone(UTC)
