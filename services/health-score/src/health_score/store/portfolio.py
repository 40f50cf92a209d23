"""The portfolio, counted and added up in the database."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from health_score.application.portfolio import By, Cell

_BEFORE = (
    " LEFT JOIN LATERAL (SELECT d.band AS before FROM health_score.health_day d"
    " WHERE d.account_no = l.account_no AND d.day = :since LIMIT 1) AS d ON true"
)
"""One probe of the closes' key an account: they have no index by day, and years of them are no use here."""


def _apart(row: str) -> str:
    return f"CASE WHEN {row}.stage IN ('will_churn', 'churned') THEN {row}.stage END"


_IF_ALONE: Final = text("SELECT pg_try_advisory_xact_lock(hashtext('health_score.portfolio_cell'))")
_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtext('health_score.portfolio_cell'))")
_ANY: Final = text("SELECT EXISTS (SELECT FROM health_score.portfolio_change)")
_GATHER: Final = text(
    "WITH taken AS (DELETE FROM health_score.portfolio_change WHERE change_no IN (SELECT change_no"
    " FROM health_score.portfolio_change ORDER BY change_no LIMIT CAST(:many AS bigint)) RETURNING *),"
    " added AS (INSERT INTO health_score.portfolio_cell AS c"
    " (grouped_by, value, apart, band, currency, decimals, accounts, silent, amount)"
    f" SELECT g.grouped_by, g.value, {_apart('t')}, t.band, t.currency, t.decimals,"
    " sum(t.accounts), sum(t.silent), sum(t.amount)"
    " FROM taken t CROSS JOIN LATERAL (VALUES ('', NULL), "
    + ", ".join(f"('{by.value}', t.{by.value})" for by in By)
    + ") AS g (grouped_by, value) GROUP BY 1, 2, 3, 4, 5, 6"
    " ON CONFLICT (grouped_by, value, apart, band, currency, decimals) DO UPDATE SET"
    " amount = c.amount + excluded.amount,"
    " accounts = c.accounts + excluded.accounts, silent = c.silent + excluded.silent)"
    " SELECT count(*) FROM taken"
)
_DROP_EMPTY: Final = text("DELETE FROM health_score.portfolio_cell WHERE accounts = 0")


async def gather_all(connection: AsyncConnection) -> None:
    """Add every change to its cells, within an erasure: names that no account has any more are in no table then."""
    await connection.execute(_ALONE)
    await _gather(connection, None)


async def _gather(connection: AsyncConnection, many: int | None) -> int:
    gathered = int((await connection.execute(_GATHER, {"many": many})).scalar_one())
    await connection.execute(_DROP_EMPTY)
    return gathered


class PortfolioStore:
    """Reads the portfolio, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def cells(self, by: By | None, since: date | None) -> Sequence[Cell]:
        """All accounts, counted and added up: as they change; with `since`, one by one."""
        if since is None:
            return await self._counted(by)
        return await self._compared(by, since)

    async def gather(self, many: int) -> int:
        """Add up to `many` of the oldest changes to the cells, unless another process does; answers how many."""
        async with self._engine.begin() as connection:
            waiting = (await connection.execute(_ANY)).scalar_one()
            if not waiting or not (await connection.execute(_IF_ALONE)).scalar_one():
                return 0
            return await _gather(connection, many)

    async def _counted(self, by: By | None) -> Sequence[Cell]:
        """One statement, so a change is either still waiting or in its cells."""
        group = f"w.{by.value}" if by else "NULL::text"
        query = text(
            "SELECT grouped, apart, band, currency, sum(accounts) AS accounts, sum(silent) AS silent,"
            " sum(amount) AS amount"
            " FROM (SELECT c.value AS grouped, c.apart, c.band, c.currency, c.decimals, c.accounts, c.silent, c.amount"
            " FROM health_score.portfolio_cell c WHERE c.grouped_by = :by"
            f" UNION ALL SELECT {group}, {_apart('w')}, w.band, w.currency, w.decimals, w.accounts, w.silent, w.amount"
            " FROM health_score.portfolio_change w) AS x GROUP BY 1, 2, 3, 4, x.decimals HAVING sum(accounts) <> 0"
        )
        async with self._engine.connect() as connection:
            return [
                Cell(r.grouped, r.band, None, None, int(r.accounts), int(r.silent), Decimal(), r.apart)
                if r.currency is None
                else Cell(r.grouped, r.band, None, r.currency, 0, 0, r.amount, r.apart)
                for r in await connection.execute(query, {"by": by.value if by else ""})
            ]

    async def _compared(self, by: By | None, since: date) -> Sequence[Cell]:
        group = f"l.{by.value}" if by else "NULL::text"
        query = text(
            "WITH seen AS MATERIALIZED"
            f" (SELECT l.account_no, {group} AS grouped, l.band, d.before, l.is_silent, {_apart('l')} AS apart"
            f" FROM health_score.listing l{_BEFORE})"
            " SELECT grouped, apart, band, before, NULL AS currency, count(*) AS accounts,"
            " count(*) FILTER (WHERE is_silent) AS silent, NULL AS amount FROM seen GROUP BY 1, 2, 3, 4"
            " UNION ALL SELECT s.grouped, s.apart, s.band, s.before, a.currency, 0, 0, sum(a.amount)"
            " FROM seen s JOIN health_score.account_arr a ON a.account_no = s.account_no GROUP BY 1, 2, 3, 4, 5"
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query, {"since": since})
            return [
                Cell(r.grouped, r.band, r.before, r.currency, r.accounts, r.silent, r.amount or Decimal(), r.apart)
                for r in rows
            ]
