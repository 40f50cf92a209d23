"""How long an account has lived, which is what tables look at beside how much is used."""

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction

from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value


def _tenure_days(of: AsOf) -> Value:
    return of.age_days or None


def _tenure_months(of: AsOf) -> Value:
    return months_between(of.day - timedelta(days=of.age_days - 1), of.day) if of.age_days else None


def months_between(born: date, day: date) -> Fraction:
    """The months from one day to a later one: whole ones by the calendar, and the share of the one under way.

    Anchored: the n-th month ends on the day of the month of `born`, or on the last day where a month is shorter.
    """
    whole = (day.year - born.year) * 12 + day.month - born.month
    if _later(born, whole) > day:
        whole -= 1
    begins, ends = _later(born, whole), _later(born, whole + 1)
    return whole + Fraction((day - begins).days, (ends - begins).days)


def _later(born: date, months: int) -> date:
    year, month = divmod(born.month - 1 + months, 12)
    year += born.year
    return date(year, month + 1, min(born.day, monthrange(year, month + 1)[1]))


def _today(of: AsOf) -> date | None:
    return of.day if of.age_days else None


LIFE = (
    Metric(
        "tenure_days",
        Unit.DAYS,
        _tenure_days,
        _today,
        means="Days since the account's first active day, which is day 1",
    ),
    Metric(
        "tenure_months",
        Unit.MONTHS,
        _tenure_months,
        _today,
        means="Months since the account's first active day: whole ones, and the share of the one under way",
    ),
)
"""The time since the account's first active day, which is day 1."""
