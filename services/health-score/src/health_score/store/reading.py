"""Read models: plain SQL, one statement a question."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Date, Integer, Row, Select, Text, cast, func, literal, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from health_score.application.queries import AccountFilter, AccountKey, MetricsInput, Sort
from health_score.application.views import (
    AccountView,
    BandTotals,
    CloseView,
    HealthSummary,
    HealthView,
    MeasureView,
    MoneyView,
    PortfolioView,
    Reported,
    ScorecardView,
    ValueView,
)
from health_score.domain.activity import Activity
from health_score.domain.bands import Band
from health_score.domain.history import Seats
from health_score.domain.scorecard import COVERAGE_UNITS
from health_score.store.activity import ActivityDays
from health_score.store.tables import account, health_day, scorecard

_LAST = "\U0010ffff"
"""Behind every name."""

_ORDERS: Mapping[Sort, tuple[ColumnElement[Any], bool]] = {
    Sort.ACCOUNT: (account.c.account_id, False),
    Sort.NAME: (func.coalesce(account.c.name, _LAST), False),
    Sort.LOWEST_SCORE: (func.coalesce(account.c.score, 101), False),
    Sort.HIGHEST_SCORE: (func.coalesce(account.c.score, -1), True),
    Sort.LONGEST_QUIET: (func.coalesce(cast(account.c.last_active, Text), "9999-12-31"), False),
    Sort.LATEST_ACTIVE: (func.coalesce(cast(account.c.last_active, Text), "0001-01-01"), True),
}

_PORTFOLIO = text(
    "SELECT band, NULL AS currency, count(*) AS accounts, count(silent_after) AS silent, NULL AS amount"
    " FROM health_score.account GROUP BY band"
    " UNION ALL SELECT a.band, m ->> 'currency', 0, 0, sum((m ->> 'amount')::numeric)"
    " FROM health_score.account a, jsonb_array_elements(a.arr) AS m GROUP BY 1, 2 ORDER BY 1, 2"
)


class Reading:
    """Reads what is committed, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def accounts(
        self, wanted: AccountFilter, sort: Sort, after: AccountKey | None, limit: int
    ) -> Sequence[tuple[AccountKey, AccountView]]:
        """Up to `limit` accounts in an order, each with its place, those behind `after`."""
        key, descending = _ORDERS[sort]
        query: Select[Any] = select(account, key.label("sort_key")).limit(limit)
        for column, value in (
            (account.c.band, wanted.band),
            (account.c.owner, wanted.owner),
            (account.c.tier, wanted.tier),
        ):
            if value is not None:
                query = query.where(column == str(value))
        if after is not None:
            place = tuple_(key, account.c.account_id)
            mark = tuple_(literal(after[0], Integer if isinstance(after[0], int) else Text), literal(after[1], Text))
            query = query.where(place < mark if descending else place > mark)
        order = (key.desc(), account.c.account_id.desc()) if descending else (key, account.c.account_id)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(*order))
            return [((row.sort_key, row.account_id), _account(row)) for row in rows]

    async def account(self, account_id: str) -> AccountView | None:
        """One account, or None."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(account).where(account.c.account_id == account_id))
            row = rows.one_or_none()
            return _account(row) if row else None

    async def health(self, account_id: str) -> HealthView | None:
        """One account's health, or None for an unknown account."""
        query = (
            select(account, scorecard.c.id.label("card_id"), scorecard.c.version.label("card_version"))
            .outerjoin(scorecard, scorecard.c.scorecard_no == account.c.scorecard_no)
            .where(account.c.account_id == account_id)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return HealthView(
            account_id=row.account_id,
            score=row.score,
            band=row.band,
            band_since=row.band_since,
            coverage=row.coverage / COVERAGE_UNITS,
            as_of=row.as_of,
            computed_at=row.computed_at,
            scorecard=ScorecardView(row.card_id, row.card_version) if row.card_id else None,
            measures=tuple(MeasureView(**part) for part in row.measures),
        )

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Up to `limit` closes of the days from `first` to `last`, oldest first."""
        query = (
            select(health_day, scorecard.c.id.label("card_id"), scorecard.c.version.label("card_version"))
            .join(account, account.c.account_no == health_day.c.account_no)
            .join(scorecard, scorecard.c.scorecard_no == health_day.c.scorecard_no)
            .where(account.c.account_id == account_id, health_day.c.day.between(cast(first, Date), cast(last, Date)))
            .order_by(health_day.c.day)
            .limit(limit)
        )
        async with self._engine.connect() as connection:
            return [
                CloseView(
                    day=row.day,
                    score=row.score,
                    band=row.band,
                    coverage=row.coverage / COVERAGE_UNITS,
                    scorecard=ScorecardView(row.card_id, row.card_version),
                    reported=Reported(row.reported_score, row.reported_band, row.reported_at),
                    restated_at=row.restated_at,
                )
                for row in await connection.execute(query)
            ]

    async def portfolio(self) -> PortfolioView:
        """All accounts by band."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_PORTFOLIO)).all()
        worth: dict[tuple[str, str], Decimal] = {(r.band, r.currency): r.amount for r in rows if r.currency}
        counts = {row.band: row.accounts for row in rows if row.currency is None}
        totals: dict[str, Decimal] = {}
        for (_, currency), amount in worth.items():
            totals[currency] = totals.get(currency, Decimal()) + amount
        return PortfolioView(
            accounts=sum(counts.values()),
            silent=sum(row.silent for row in rows),
            arr=_money(totals),
            bands=tuple(
                BandTotals(
                    band=band.value,
                    accounts=counts.get(band.value, 0),
                    arr=_money({currency: amount for (of, currency), amount in worth.items() if of == band}),
                )
                for band in Band
            ),
        )

    async def metrics_input(self, account_id: str) -> MetricsInput | None:
        """What an account's metrics need, or None for an unknown account."""
        query = select(account.c.account_no, account.c.zone, account.c.seats_by_day).where(
            account.c.account_id == account_id
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return MetricsInput(
            row.account_no, row.zone, Seats(msgspec.convert(row.seats_by_day, tuple[tuple[date, int | None], ...]))
        )

    async def activity(self, account_no: int, since: date) -> Activity:
        """An account's activity from a day on."""
        async with self._engine.connect() as connection:
            return (await ActivityDays(connection).since({account_no: since}))[account_no]


def _account(row: Row[Any]) -> AccountView:
    return AccountView(
        account_id=row.account_id,
        name=row.name,
        owner=row.owner,
        tier=row.tier,
        zone=row.zone or "UTC",
        industry=row.industry,
        segment=row.segment,
        created_at=row.created_at,
        first_active_on=row.first_day,
        last_active_on=row.last_active,
        silent=row.silent_after is not None,
        value=ValueView(
            tuple(MoneyView(money["amount"], money["currency"]) for money in row.arr), row.seats, row.next_renewal_on
        ),
        health=HealthSummary(row.score, row.band, row.band_since, row.coverage / COVERAGE_UNITS, row.computed_at),
    )


def _money(totals: Mapping[str, Decimal]) -> tuple[MoneyView, ...]:
    amounts: Iterable[tuple[str, Decimal]] = sorted(totals.items())
    return tuple(MoneyView(str(amount), currency) for currency, amount in amounts)
