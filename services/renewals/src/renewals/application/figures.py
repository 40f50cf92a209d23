"""Retention figures by period and group, from the ledger as it was known at an instant."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Generic, Protocol, TypeVar

from mainstay.kernel.clock import Clock
from renewals.application.ports import OpensWork
from renewals.domain.civil import add_months
from renewals.domain.currencies import smallest
from renewals.domain.rates import Quote, rate_on
from renewals.domain.retention import (
    Every,
    Expiries,
    Movement,
    Movements,
    no_expiries,
    no_movements,
    periods,
)

USUAL_MONTHS = 12
MOST_PERIODS = 60
MOST_ROWS = 20_000


class Axis(StrEnum):
    """What customers are grouped by; a cohort is the month in which a customer's first recurring contract began."""

    SEGMENT = "segment"
    TIER = "tier"
    OWNER = "owner"
    COHORT = "cohort"


Group = tuple[str | None, ...]
"""A value for each axis; None: none is stated."""


class PeriodReversed(ValueError):
    """The second day is not after the first."""


class TooManyPeriods(ValueError):
    """The answer would take too long, or have too many rows."""


class CurrencyNeeded(ValueError):
    """Contracts are in several currencies, and nobody said in which one the figures are wanted."""

    def __init__(self, currencies: Sequence[str]) -> None:
        super().__init__(f"contracts are in {', '.join(currencies)}: say in which currency the figures are wanted")


@dataclass(frozen=True, slots=True)
class Span:
    """Two days, what is known, and what one unit of each currency is worth in the reporting one on either day."""

    t0: date
    t1: date
    known_at: datetime
    currency: str
    rates: Mapping[str, tuple[Fraction, Fraction]]
    returning: bool = False


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of the ledger behind a figure."""

    id: int
    kind: str
    contract_id: str
    term: int
    account_id: str
    start: date
    end_exclusive: date
    currency: str
    amount: Decimal
    months: Fraction
    recorded_at: datetime
    recorded_by: str
    reason: str

    @property
    def annual(self) -> Fraction:
        """ARR in the contract's own currency, exactly."""
        return Fraction(self.amount) * 12 / self.months


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer behind the movements, and the ledger's rows that its part is made of."""

    account_id: str
    opening: Decimal
    closing: Decimal
    closing_at_later_rates: Decimal
    movement: Movement
    entries: tuple[EntryRow, ...]


class Why(StrEnum):
    """What is asked about lost customers."""

    REASON = "reason"
    EXPECTED = "expected"
    AVOIDABLE = "avoidable"
    GOOD_CUSTOMER = "good_customer"
    MEETS_CRITERIA = "meets_criteria"


@dataclass(frozen=True, slots=True)
class Lost:
    """Customers lost for a reason, and their ARR at t0; a value of None: nobody has said so yet."""

    why: Why
    value: str | None
    customers: int
    arr: Decimal


class FigureBook(Protocol):
    """Figures of one transaction."""

    async def make_room(self) -> None:
        """Give this transaction memory for everybody at once."""

    async def currencies(self, known_at: datetime) -> Sequence[str]:
        """The currencies of recurring contracts that were known at an instant, in order."""

    async def quotes(self, known_at: datetime) -> Sequence[Quote]:
        """The exchange rates that were known at an instant."""

    async def movements(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Movements]:
        """What became of ARR between the span's days, by group."""

    async def expiries(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Expiries]:
        """What came to its end between the span's days, by group on the day of the expiry."""

    async def lost(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Sequence[Lost]]:
        """Who churned between the span's days and why, by group; each kind of why adds up to all of them."""

    async def customers(
        self, span: Span, *, movement: Movement | None, after: str | None, limit: int
    ) -> Sequence[CustomerRow]:
        """Up to `limit` customers behind the movements, in the order of their ids, after the given one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which figures: from one day to another, in periods and groups, in a currency, as known at an instant.

    Absent: up to `as_of`, which is today (UTC), from a year before, known now, in the one currency there is.
    """

    t0: date | None = None
    t1: date | None = None
    every: Every = Every.NONE
    axes: tuple[Axis, ...] = ()
    as_of: date | None = None
    known_at: datetime | None = None
    currency: str | None = None
    returning: bool = False


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One period and group."""

    t0: date
    t1: date
    group: Group
    moved: Movements
    expired: Expiries


@dataclass(frozen=True, slots=True)
class LostRow:
    """Why customers were lost in one period and group, beside all that were there and all that were lost."""

    t0: date
    t1: date
    group: Group
    moved: Movements
    lost: Lost


R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Figures(Generic[R_co]):
    """An answer, with what reproduces it: the days, the instant of knowledge and the currency."""

    t0: date
    t1: date
    known_at: datetime
    currency: str
    rows: Sequence[R_co]


class Retention:
    """Answers retention figures, and who is behind them."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, asked: Asked) -> Figures[FigureRow]:
        """The figures, by period and then group, what is not stated last.

        Raises `PeriodReversed`, `TooManyPeriods`, `CurrencyNeeded`, `CurrencyUnknown` and `RateMissing`.
        """
        t0, t1, known_at = self._days(asked)
        spans = periods(t0, t1, asked.every)
        if len(spans) > MOST_PERIODS:
            raise TooManyPeriods(f"{len(spans)} periods are more than {MOST_PERIODS}")
        rows: list[FigureRow] = []
        currency = asked.currency
        for first, last in spans:
            async with self._work() as work:
                span = await _span(work.figures, asked, first, last, known_at)
            currency, zero = span.currency, Decimal(0).quantize(smallest(span.currency))
            moved, expired = await asyncio.gather(self._moved(span, asked.axes), self._expired(span, asked.axes))
            groups = sorted({*moved, *expired}, key=lambda group: [(each is None, each or "") for each in group])
            rows += [
                FigureRow(
                    first, last, group, moved.get(group) or no_movements(zero), expired.get(group) or no_expiries(zero)
                )
                for group in groups
            ]
            if len(rows) > MOST_ROWS:
                raise TooManyPeriods(f"the answer has more than {MOST_ROWS} rows")
        return Figures(t0, t1, known_at, str(currency), rows)

    async def customers(
        self, asked: Asked, *, movement: Movement | None, after: str | None, limit: int
    ) -> tuple[Span, Sequence[CustomerRow]]:
        """Who is behind the figures of the whole span, and the ledger's rows behind each. Raises as the figures do."""
        t0, t1, known_at = self._days(asked)
        async with self._work() as work:
            span = await _span(work.figures, asked, t0, t1, known_at)
            await work.figures.make_room()
            return span, await work.figures.customers(span, movement=movement, after=after, limit=limit)

    async def reasons(self, asked: Asked) -> Figures[LostRow]:
        """Why customers were lost, by period and group. Raises as the figures do."""
        figures = await self(asked)
        rows: list[LostRow] = []
        for first, last in periods(figures.t0, figures.t1, asked.every):
            async with self._work() as work:
                span = await _span(work.figures, asked, first, last, figures.known_at)
                await work.figures.make_room()
                lost = await work.figures.lost(span, asked.axes)
            of_period = [row for row in figures.rows if (row.t0, row.t1) == (first, last)]
            rows += [
                LostRow(first, last, row.group, row.moved, each)
                for row in of_period
                for each in lost.get(row.group, ())
            ]
            if len(rows) > MOST_ROWS:
                raise TooManyPeriods(f"the answer has more than {MOST_ROWS} rows")
        return Figures(figures.t0, figures.t1, figures.known_at, figures.currency, rows)

    async def _moved(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Movements]:
        async with self._work() as work:
            await work.figures.make_room()
            return await work.figures.movements(span, axes)

    async def _expired(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Expiries]:
        async with self._work() as work:
            await work.figures.make_room()
            return await work.figures.expiries(span, axes)

    def _days(self, asked: Asked) -> tuple[date, date, datetime]:
        known_at = asked.known_at or self._clock.now()
        as_of = asked.as_of or known_at.astimezone(UTC).date()
        t1 = min(asked.t1 or as_of, as_of) if asked.as_of else asked.t1 or as_of
        t0 = asked.t0 or add_months(t1, -USUAL_MONTHS)
        if t1 <= t0:
            raise PeriodReversed(f"to ({t1}) does not lie after from ({t0})")
        return t0, t1, known_at


async def _span(book: FigureBook, asked: Asked, t0: date, t1: date, known_at: datetime) -> Span:
    currencies = await book.currencies(known_at)
    if asked.currency is None and len(currencies) > 1:
        raise CurrencyNeeded(currencies)
    currency = asked.currency or next(iter(currencies), "EUR")
    quotes = await book.quotes(known_at) if set(currencies) - {currency} else ()
    rates = {each: (rate_on(t0, each, currency, quotes), rate_on(t1, each, currency, quotes)) for each in currencies}
    return Span(t0, t1, known_at, currency, rates, asked.returning)
