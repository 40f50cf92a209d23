"""The forecast by period and group, what moved in it, and how right it was: as it stood on a day, by what was known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from mainstay.kernel.clock import Clock
from renewals.application.figures import (
    MOST_PERIODS,
    MOST_ROWS,
    USUAL_MONTHS,
    CurrencyNeeded,
    FigureBook,
    PeriodReversed,
    TooManyPeriods,
)
from renewals.application.forecast_book import (
    AccuracyRow,
    Cut,
    Group,
    OutlookRow,
    RenewalRow,
    Scope,
    Whose,
    no_outlook,
)
from renewals.application.ports import OpensWork
from renewals.domain.civil import add_months
from renewals.domain.currencies import minor_unit, smallest
from renewals.domain.rates import rate_on
from renewals.domain.retention import Every, periods


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which renewals, in which periods, groups and currency, as of when; `since` is an earlier instant to compare with.

    Absent: of a forecast the year from this month's first day, of its accuracy the year before `as_of`.
    """

    t0: date | None = None
    t1: date | None = None
    every: Every = Every.QUARTER
    cuts: tuple[Cut, ...] = ()
    as_of: date | None = None
    known_at: datetime | None = None
    currency: str | None = None
    since: datetime | None = None


class SinceLater(ValueError):
    """The instant to compare with is not before the one compared."""

    def __init__(self, since: datetime, known_at: datetime) -> None:
        super().__init__(f"since ({since.isoformat()}) does not lie before known_at ({known_at.isoformat()})")


@dataclass(frozen=True, slots=True)
class Outlooks:
    """A forecast, with what reproduces it."""

    scope: Scope
    rows: Sequence[OutlookRow]


@dataclass(frozen=True, slots=True)
class Accuracies:
    """How right forecasts were, with what reproduces the answer."""

    scope: Scope
    rows: Sequence[AccuracyRow]


class Forecasts:
    """Answers forecasts, their renewals, what moved, and how right they were."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, asked: Asked) -> Outlooks:
        """The forecast by period, group and currency; what is not stated comes last.

        Raises `PeriodReversed`, `TooManyPeriods`, `SinceLater`, `CurrencyUnknown` and `RateMissing`.
        """
        async with self._work() as work:
            scope = await self._ahead(work.figures, asked)
            spans = {first: (first, last) for first, last in _spans(scope, asked.every)}
            await work.figures.make_room()
            now = await work.forecasts.outlook(scope, asked.every, asked.cuts)
            was = None
            if asked.since is not None:
                was = await work.forecasts.outlook(_then(scope, asked.since), asked.every, asked.cuts)
        keys = sorted({*now, *(was or {})}, key=lambda key: (key[0], _last(key[1]), key[2]))
        if len(keys) > MOST_ROWS:
            raise TooManyPeriods(f"the answer has more than {MOST_ROWS} rows")
        rows = []
        for key in keys:
            first, group, currency = key
            nothing = no_outlook(Decimal(0).quantize(smallest(currency)))
            before = None if was is None else was.get(key, nothing)
            rows.append(OutlookRow(*spans[max(first, scope.t0)], group, currency, now.get(key, nothing), before))
        return Outlooks(scope, rows)

    async def renewals(
        self, asked: Asked, *, after: tuple[date, str, int] | None, limit: int
    ) -> tuple[Scope, Sequence[RenewalRow]]:
        """The renewals behind the forecast, soonest first. Raises `PeriodReversed`."""
        async with self._work() as work:
            scope = await self._ahead(work.figures, replace(asked, currency=None))
            return scope, await work.forecasts.renewals(scope, after=after, limit=limit)

    async def moved(
        self, asked: Asked, since: datetime, *, after: tuple[str, int] | None, limit: int
    ) -> tuple[Scope, Sequence[RenewalRow]]:
        """The renewals that moved since an earlier instant. Raises `PeriodReversed` and `SinceLater`."""
        async with self._work() as work:
            scope = await self._ahead(work.figures, replace(asked, currency=None))
            return scope, await work.forecasts.moved(scope, _then(scope, since), after=after, limit=limit)

    async def accuracy(self, asked: Asked) -> Accuracies:
        """How right forecasts were, by period, group, kind of call and lead; each period at the rates of its first day.

        Raises `PeriodReversed`, `TooManyPeriods`, `CurrencyNeeded`, `CurrencyUnknown` and `RateMissing`.
        """
        rows: list[AccuracyRow] = []
        async with self._work() as work:
            known_at, as_of = self._instant(asked)
            t1 = asked.t1 or as_of
            scope = _between(asked, asked.t0 or add_months(t1, -USUAL_MONTHS), t1, as_of, known_at)
            currencies = await work.figures.currencies(known_at)
            if asked.currency is None and len(currencies) > 1:
                raise CurrencyNeeded(currencies)
            scope = replace(scope, currency=asked.currency or next(iter(currencies), "EUR"))
            await work.figures.make_room()
            for first, last in _spans(scope, asked.every):
                period = await _rated(work.figures, replace(scope, t0=first, t1=last), first)
                found = await work.forecasts.accuracy(period, asked.cuts)
                order = list(Whose)
                rows += [
                    AccuracyRow(first, last, group, whose, days, accuracy)
                    for (group, whose, days), accuracy in sorted(
                        found.items(), key=lambda each: (_last(each[0][0]), order.index(each[0][1]), each[0][2])
                    )
                ]
                if len(rows) > MOST_ROWS:
                    raise TooManyPeriods(f"the answer has more than {MOST_ROWS} rows")
        return Accuracies(scope, rows)

    async def _ahead(self, book: FigureBook, asked: Asked) -> Scope:
        known_at, as_of = self._instant(asked)
        t0 = asked.t0 or as_of.replace(day=1)
        scope = _between(asked, t0, asked.t1 or add_months(t0, USUAL_MONTHS), as_of, known_at)
        return await _rated(book, scope, as_of)

    def _instant(self, asked: Asked) -> tuple[datetime, date]:
        known_at = asked.known_at or self._clock.now()
        return known_at, asked.as_of or known_at.astimezone(UTC).date()


def _between(asked: Asked, t0: date, t1: date, as_of: date, known_at: datetime) -> Scope:
    if t1 <= t0:
        raise PeriodReversed(f"to ({t1}) does not lie after from ({t0})")
    if asked.currency is not None:
        minor_unit(asked.currency)
    return Scope(t0, t1, as_of, known_at, asked.currency, {})


def _spans(scope: Scope, every: Every) -> Sequence[tuple[date, date]]:
    spans = periods(scope.t0, scope.t1, every)
    if len(spans) > MOST_PERIODS:
        raise TooManyPeriods(f"{len(spans)} periods are more than {MOST_PERIODS}")
    return spans


def _then(scope: Scope, since: datetime) -> Scope:
    if since >= scope.known_at:
        raise SinceLater(since, scope.known_at)
    return scope.then(since)


def _last(group: Group) -> list[tuple[bool, str]]:
    """Sorts what is not stated last."""
    return [(each is None, each or "") for each in group]


async def _rated(book: FigureBook, scope: Scope, day: date) -> Scope:
    """With what the currencies are worth on a day, in that of the scope; each in itself where it has none."""
    currencies = await book.currencies(scope.known_at)
    if scope.currency is None:
        return replace(scope, rates=dict.fromkeys(currencies, Fraction(1)))
    into = scope.currency
    quotes = await book.quotes(scope.known_at) if set(currencies) - {into} else ()
    return replace(scope, rates={each: rate_on(day, each, into, quotes) for each in currencies})
