"""Parameters that many routes take: days of the calendar, and the two axes of time."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from mainstay.web.fields import CivilDay
from renewals.api.schemas import AccountId, Currency
from renewals.application.moments import When
from renewals.domain.errors import EARLIEST_START, LATEST_END, TermUnknown

_TERM_ID = re.compile(r"([^\x00]+)\.([1-9]\d{0,8})", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


def _in_the_calendar(day: date) -> date:
    if not EARLIEST_START <= day <= LATEST_END:
        raise ValueError(f"days are asked for from {EARLIEST_START} to {LATEST_END}")
    return day


def _written(stated: Any) -> Any:
    """Pydantic by itself also takes seconds since 1970."""
    if isinstance(stated, datetime) or (isinstance(stated, str) and _INSTANT.match(stated)):
        return stated
    raise ValueError("an instant is written as in RFC 3339, such as 2026-03-31T09:00:00Z")


def _in_years_of_four_digits(instant: datetime) -> datetime:
    if not EARLIEST_START <= instant.date() <= LATEST_END:
        raise ValueError(f"instants are asked for from {EARLIEST_START} to {LATEST_END}")
    return instant


Day = Annotated[CivilDay, AfterValidator(_in_the_calendar)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_in_years_of_four_digits)]
TermId = Annotated[str, Path(max_length=120, description="A contract's id, a full stop, and the term's number")]
ContractId = Annotated[str, Path(max_length=100)]
OfAccount = Annotated[AccountId | None, Query(description="Only this account's")]
InCurrency = Annotated[Currency | None, Query(description="That of the figures; needed where contracts are in several")]
AsOf = Annotated[
    Day | None, Query(description="As it stood on this day, where the contract is (valid time); default: today")
]
KnownAt = Annotated[
    Instant | None,
    Query(description="As it was known at this instant (recorded time), whatever was corrected later; default: now"),
]


def _moment(as_of: AsOf = None, known_at: KnownAt = None) -> When:
    return When(as_of, known_at)


def _holding(
    as_of: Annotated[Day | None, Query(description="What held on this day; default: what was stated of any")] = None,
    known_at: KnownAt = None,
) -> When:
    return When(as_of, known_at)


def _on_record(
    as_of: Annotated[
        Day | None, Query(description="As it was on record when this day ended (UTC); default: now")
    ] = None,
    known_at: Annotated[Instant | None, Query(description="As it was on record at this instant; default: now")] = None,
) -> When:
    return When(as_of, known_at)


Moment = Annotated[When, Depends(_moment)]
"""Both axes of time, of what has days of its own."""
Holding = Annotated[When, Depends(_holding)]
"""Both, of what is stated from a day on."""
OnRecord = Annotated[When, Depends(_on_record)]
"""Both, of what is dated by its recording alone."""


def term_of(term_id: str) -> tuple[str, int]:
    """The contract and the number that a term's id names. Raises `TermUnknown`."""
    found = _TERM_ID.fullmatch(term_id)
    if found is None:
        raise TermUnknown(term_id)
    return found[1], int(found[2])
