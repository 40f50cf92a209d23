"""Public holidays, by country or part of one; where they come from (the library `holidays`) is known here only."""

from datetime import date
from functools import lru_cache

import holidays

CALENDARS_KEPT = 64


def known_calendar(name: str) -> str:
    """The name, such as "DE" or "DE-BY", if there is such a calendar. Raises `ValueError`."""
    try:
        _calendar(name)
    except NotImplementedError:
        raise ValueError("not a calendar of public holidays, such as DE, DE-BY or US-CA") from None
    return name


def is_holiday(calendar: str, day: date) -> bool:
    """Whether a day is a public holiday there."""
    return day in _calendar(calendar)


@lru_cache(CALENDARS_KEPT)
def _calendar(name: str) -> holidays.HolidayBase:
    country, _, part = name.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)
