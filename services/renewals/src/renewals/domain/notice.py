"""Notice: the last day on which somebody can still say that a contract is not to go on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from renewals.domain.civil import ONE_DAY, add_months

SATURDAY = 5

IsHoliday = Callable[[str, date], bool]
"""Whether a day is a public holiday of a country ("DE") or of a part of one ("DE-BY")."""


class NoticeUnit(StrEnum):
    """What a period of notice is counted in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    BUSINESS_DAYS = "business_days"


class CountedFrom(StrEnum):
    """Which end a period of notice is counted from: the last day, or the first day after it."""

    LAST_DAY = "last_day"
    DAY_AFTER = "day_after"


class Roll(StrEnum):
    """Where a deadline goes that falls on a day on which nobody works."""

    NONE = "none"
    PRECEDING = "preceding"
    FOLLOWING = "following"


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """`amount` units before the end; `holidays` names whose public holidays are no business days (None: nobody's)."""

    amount: int
    unit: NoticeUnit
    counted_from: CountedFrom = CountedFrom.LAST_DAY
    roll: Roll = Roll.NONE
    holidays: str | None = None


def notice_deadline(rule: NoticeRule, end_exclusive: date, months_before_end: date, is_holiday: IsHoliday) -> date:
    """The last day on which notice is in time for a term that ends before `end_exclusive`.

    Counted from the last day, notice is in time on the day that lies the period before it. Counted from the day after,
    that day is the first on which it is late: of a term until 2025-02-28 one month's notice ends on January 28, or,
    from the exclusive end, on January 31. `months_before_end` is `amount` months before the end on the contract's
    calendar, which counts them from its anchor.
    """

    def works(day: date) -> bool:
        return day.weekday() < SATURDAY and not (rule.holidays and is_holiday(rule.holidays, day))

    from_last_day = rule.counted_from is CountedFrom.LAST_DAY
    counted = end_exclusive - ONE_DAY if from_last_day else end_exclusive
    match rule.unit:
        case NoticeUnit.MONTHS:
            day = add_months(counted, -rule.amount) if from_last_day else months_before_end
        case NoticeUnit.BUSINESS_DAYS:
            day = counted
            for _ in range(rule.amount):
                day = _next(day - ONE_DAY, works, -ONE_DAY)
        case _:
            day = counted - timedelta(days=rule.amount * (7 if rule.unit is NoticeUnit.WEEKS else 1))
    if not from_last_day:
        day -= ONE_DAY
    if rule.roll is Roll.NONE:
        return day
    return _next(day, works, -ONE_DAY if rule.roll is Roll.PRECEDING else ONE_DAY)


def _next(day: date, works: Callable[[date], bool], step: timedelta) -> date:
    """The first business day from a day on, in either direction."""
    while not works(day):
        day += step
    return day
