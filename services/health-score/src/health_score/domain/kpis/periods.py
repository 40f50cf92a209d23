"""Periods of civil days: weeks, months, quarters and years of the calendar, each in the account's own zone."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

DAY = timedelta(days=1)


class Every(StrEnum):
    """How long a period is; `none` is all that was asked for at once. Weeks begin on Monday (ISO 8601)."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    NONE = "none"


class Period(NamedTuple):
    """From one civil day to another, both included."""

    first: date
    last: date


def periods(first: date, last: date, every: Every) -> tuple[Period, ...]:
    """The periods from one day to another, both included; the first and the last may be cut short."""
    found = []
    while first <= last:
        end = min(last, _last_day(first, every) or last)
        found.append(Period(first, end))
        first = end + DAY
    return tuple(found)


def place_of(day: date, among: Sequence[Period]) -> int | None:
    """Which of the periods, which follow one another, a day lies in."""
    place = bisect_right(among, day, key=lambda period: period.first) - 1
    return place if place >= 0 and day <= among[place].last else None


def _last_day(day: date, every: Every) -> date | None:
    """The last day of the week, month, … that a day is of; None where there is no end."""
    match every:
        case Every.NONE:
            return None
        case Every.WEEK:
            return day + (6 - day.weekday()) * DAY
        case Every.YEAR:
            return day.replace(month=12, day=31)
        case Every.MONTH | Every.QUARTER:
            length = 1 if every is Every.MONTH else 3
            month = day.month + (length - 1 - (day.month - 1) % length)
            following = date(day.year + 1, 1, 1) if month == 12 else date(day.year, month + 1, 1)
            return following - DAY
