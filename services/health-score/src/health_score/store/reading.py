"""Read models: plain SQL, one statement a question."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Row, Select, cast, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from health_score.application.listing import AccountFilter, AccountKey, Order
from health_score.application.views import (
    AccountDetailView,
    AccountView,
    CloseView,
    HealthSummary,
    MoneyView,
    Reported,
    ScorecardView,
    ValueView,
)
from health_score.domain.scorecard import COVERAGE_UNITS
from health_score.store.listing import SHOWN, list_accounts
from health_score.store.picture_links import STANDS
from health_score.store.records import detail
from health_score.store.tables import account, health_day, scorecard

_LISTED = account.c.erased_at.is_(None)
"""An erased account is not shown, by whatever name."""

# From one currency to the next by the index: SELECT DISTINCT would read all amounts.
_CURRENCIES = text(
    "WITH RECURSIVE c AS ((SELECT min(currency) AS currency FROM health_score.account_arr) UNION ALL"
    " SELECT (SELECT min(a.currency) FROM health_score.account_arr a WHERE a.currency > c.currency) FROM c"
    " WHERE c.currency IS NOT NULL) SELECT currency FROM c WHERE currency IS NOT NULL"
)


class Reading:
    """Reads what is committed, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def accounts(
        self, wanted: AccountFilter, order: Order, after: AccountKey | None, limit: int
    ) -> Sequence[tuple[AccountKey, AccountView]]:
        """Up to `limit` accounts in an order, each with its place, those behind `after`."""
        async with self._engine.connect() as connection:
            rows = await list_accounts(connection, wanted, order, after, limit)
            return [(place, _account(row)) for place, row in rows]

    async def currencies(self) -> Sequence[str]:
        """The currencies of every ARR, sorted."""
        async with self._engine.connect() as connection:
            return list((await connection.execute(_CURRENCIES)).scalars())

    async def account(self, account_id: str) -> AccountDetailView | None:
        """One account, or None."""
        async with self._engine.connect() as connection:
            query: Select[Any] = select(*SHOWN, account.c.stated, account.c.team, account.c.derived)
            rows = await connection.execute(query.where(_LISTED, account.c.account_id == account_id))
            row = rows.one_or_none()
            return detail(row, _account(row)) if row else None

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Up to `limit` closes of the days from `first` to `last`, oldest first."""
        query = (
            select(health_day, scorecard.c.id.label("card_id"), scorecard.c.version.label("card_version"))
            .join(account, account.c.account_no == health_day.c.account_no)
            .join(scorecard, scorecard.c.scorecard_no == health_day.c.scorecard_no)
            .where(
                _LISTED,
                account.c.account_id == account_id,
                health_day.c.day.between(cast(first, Date), cast(last, Date)),
            )
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

    async def link_stands(self, account_id: str, link_id: str, now: datetime) -> bool:
        """Whether an account has a link to its picture that neither ended nor was revoked."""
        async with self._engine.connect() as connection:
            found = await connection.execute(STANDS, {"account_id": account_id, "link_id": link_id, "now": now})
            return bool(found.scalar_one())


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
        stage=row.stage,
        stage_entered_on=row.stage_entered_on,
        stage_overdue=row.stage_overdue,
        value=ValueView(
            tuple(MoneyView(money["amount"], money["currency"]) for money in row.arr), row.seats, row.next_renewal_on
        ),
        health=HealthSummary(row.score, row.band, row.band_since, row.coverage / COVERAGE_UNITS, row.computed_at),
    )
