"""Civil dates of contracts: months counted from an anchor, never from the date before."""

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction

ONE_DAY = timedelta(days=1)


def add_months(anchor: date, months: int) -> date:
    """The date `months` calendar months after (or, if negative, before) `anchor`.

    A month that is too short gives its last day. Count from the anchor each time: January 31 + 1 month is February
    28, + 2 is March 31; chaining would give March 28.
    """
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def months_from(anchor: date, day: date) -> Fraction:
    """How many months `day` lies after `anchor`, exactly; a later day is always more.

    Whole anchored months, and the days left over as a share of the anchored month they fall in.
    """
    whole = (day.year - anchor.year) * 12 + day.month - anchor.month
    if add_months(anchor, whole) > day:
        whole -= 1
    reached = add_months(anchor, whole)
    return whole + Fraction((day - reached).days, (add_months(anchor, whole + 1) - reached).days)


def months_between(anchor: date, start: date, end_exclusive: date) -> Fraction:
    """How many months the half-open `[start, end_exclusive)` lasts on a calendar with this anchor.

    From February 28, one month ends before March 28; on the calendar anchored on January 31 it ends before March 31.
    Counted from its own start, both ways of writing a missing anniversary are whole: from February 29, twelve months
    end before February 28 or before March 1.
    """
    months = months_from(anchor, end_exclusive) - months_from(anchor, start)
    before = end_exclusive - ONE_DAY
    is_rolled_over = anchor == start and end_exclusive.day == 1 and before.day < start.day
    return months_from(anchor, before) if is_rolled_over else months
