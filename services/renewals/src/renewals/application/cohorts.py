"""Retention by cohort and the months since it began, from the ledger as it was known at an instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol

from mainstay.kernel.clock import Clock
from renewals.application.figures import CurrencyNeeded, PeriodReversed, TooManyPeriods
from renewals.application.ports import OpensWork
from renewals.domain.civil import add_months
from renewals.domain.cohorts import Cohort
from renewals.domain.currencies import minor_unit
from renewals.domain.rates import rate_on

MOST_COHORTS: Final = 60
MOST_POINTS: Final = 37


class Size(StrEnum):
    """How long the period is in which a cohort's customers began, on the calendar."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """The same in months."""
        return {Size.MONTH: 1, Size.QUARTER: 3, Size.YEAR: 12}[self]


_USUAL: Final = 24
"""So many months back cohorts begin, and so many months each is followed, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCohorts:
    """Which cohorts, how long each is followed, in which steps of months, and as of when.

    `step` is that of the size of cohorts where none is stated.
    """

    t0: date | None = None
    t1: date | None = None
    size: Size = Size.QUARTER
    months: int = _USUAL
    step: int | None = None
    as_of: date | None = None
    known_at: datetime | None = None
    currency: str | None = None
    returning: bool = False


@dataclass(frozen=True, slots=True)
class CohortScope:
    """The question with its defaults; `rates` says what each currency was worth on each cohort's first day."""

    t0: date
    t1: date
    size: Size
    months: int
    step: int
    as_of: date
    known_at: datetime
    currency: str
    returning: bool
    rates: Mapping[tuple[date, str], Fraction]


class CohortBook(Protocol):
    """Cohorts, within one transaction."""

    async def cohorts(self, scope: CohortScope) -> Sequence[Cohort]:
        """The cohorts that have any customer, in order."""


class Cohorts:
    """Answers retention by cohort."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, asked: AskedCohorts) -> tuple[CohortScope, Sequence[Cohort]]:
        """The cohorts of whole periods up to `as_of`, and what reproduces the answer.

        Raises `PeriodReversed`, `TooManyPeriods`, `CurrencyNeeded`, `CurrencyUnknown` and `RateMissing`.
        """
        known_at = asked.known_at or self._clock.now()
        as_of = asked.as_of or known_at.astimezone(UTC).date()
        t1 = asked.t1 or as_of
        t0 = asked.t0 or add_months(t1, -_USUAL)
        if t1 <= t0:
            raise PeriodReversed(f"to ({t1}) does not lie after from ({t0})")
        firsts = _begins(t0, t1, asked.size)
        step = asked.step or asked.size.months
        if len(firsts) > MOST_COHORTS:
            raise TooManyPeriods(f"{len(firsts)} cohorts are more than {MOST_COHORTS}")
        if asked.months // step >= MOST_POINTS:
            raise TooManyPeriods(f"{asked.months} months in steps of {step} are more than {MOST_POINTS} points")
        async with self._work() as work:
            currencies = await work.figures.currencies(known_at)
            if asked.currency is None and len(currencies) > 1:
                raise CurrencyNeeded(currencies)
            currency = asked.currency or next(iter(currencies), "EUR")
            minor_unit(currency)
            quotes = await work.figures.quotes(known_at) if set(currencies) - {currency} else ()
            rates = {(first, each): rate_on(first, each, currency, quotes) for first in firsts for each in currencies}
            scope = CohortScope(
                t0, t1, asked.size, asked.months, step, as_of, known_at, currency, asked.returning, rates
            )
            await work.figures.make_room()
            return scope, await work.cohorts.cohorts(scope)


def _begins(t0: date, t1: date, size: Size) -> Sequence[date]:
    """The first days of the periods that days from t0 on and before t1 lie in."""
    months = size.months
    day = date(t0.year, (t0.month - 1) // months * months + 1, 1)
    found: list[date] = []
    while day < t1 and len(found) <= MOST_COHORTS:
        found.append(day)
        day = add_months(day, months)
    return found
