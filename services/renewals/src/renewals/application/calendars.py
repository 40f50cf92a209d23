"""Zones, and public holidays by country or part of one (from the library `holidays`, which is known here only)."""

from datetime import date
from functools import cache, lru_cache
from zoneinfo import available_timezones

import holidays

from renewals.domain.contracts import Contract, Kind
from renewals.domain.notice import notice_deadline
from renewals.domain.terms import Term

CALENDARS_KEPT = 64


def known_calendar(name: str) -> str:
    """The name, such as "DE" or "DE-BY", if there is such a calendar. Raises `ValueError`."""
    try:
        _calendar(name)
    except NotImplementedError:
        raise ValueError("not a calendar of public holidays, such as DE, DE-BY or US-CA") from None
    return name


def known_zone(name: str) -> str:
    """The name, such as "Europe/Berlin", if there is such a zone. Raises `ValueError`."""
    if name not in _zones():
        raise ValueError(f"{name} is not a zone of the IANA database, such as Europe/Berlin")
    return name


_NO_PLACES = {"localtime", "Factory"}
"""Files beside the zones: whatever each machine is set to, and a mark that nobody set it."""


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NO_PLACES)


def is_holiday(calendar: str, day: date) -> bool:
    """Whether a day is a public holiday there."""
    return day in _calendar(calendar)


def notice_by(contract: Contract, term: Term) -> date | None:
    """The last day on which notice of a term is in time; None where the contract has no rule."""
    if contract.notice is None or contract.kind is not Kind.RECURRING:
        return None
    counted = contract.schedule.months_before_end(term.number, contract.notice.amount)
    return notice_deadline(contract.notice, term.expires_before, counted, is_holiday)


@lru_cache(CALENDARS_KEPT)
def _calendar(name: str) -> holidays.HolidayBase:
    country, _, part = name.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)
