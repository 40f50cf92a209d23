"""Costs and margins as the operator stated them, in PostgreSQL; added to and never changed."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.money import Money
from renewals.application.economics import StatedEconomics
from renewals.store.growth_tables import economics


class EconomicsStore:
    """Statements about costs and margins, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, stated: Sequence[StatedEconomics]) -> None:
        """Keep statements beside those of before."""
        rows = [
            {
                "valid_from": each.valid_from,
                "segment": each.segment,
                "acquisition_cost": each.acquisition_cost.amount if each.acquisition_cost else None,
                "currency": each.acquisition_cost.currency if each.acquisition_cost else None,
                "gross_margin": each.gross_margin,
                "recorded_at": each.recorded_at,
                "recorded_by": each.recorded_by,
            }
            for each in stated
        ]
        if rows:
            await self._connection.execute(economics.insert(), rows)

    async def known(
        self,
        known_at: datetime,
        *,
        as_of: date | None = None,
        after: tuple[date, str | None] | None = None,
        limit: int,
    ) -> Sequence[StatedEconomics]:
        """Up to `limit` statements as they were known, by day and segment (nobody's own first), after the given one.

        With `as_of` those that held on a day: of each segment the latest.
        """
        segment = func.coalesce(economics.c.segment, "")  # no segment is the empty word
        of = (economics.c.valid_from, segment) if as_of is None else (segment,)
        latest = (economics.c.valid_from.desc(), economics.c.recorded_at.desc(), economics.c.id.desc())
        newest = (
            select(economics)
            .where(economics.c.recorded_at <= known_at)
            .ext(distinct_on(*of))
            .order_by(*of, *(latest if as_of else latest[1:]))
        )
        if as_of is not None:
            newest = newest.where(economics.c.valid_from <= as_of)
        found = newest.subquery()
        key = (found.c.valid_from, func.coalesce(found.c.segment, ""))
        wanted = select(found).order_by(*key).limit(limit)
        if after is not None:
            wanted = wanted.where(tuple_(*key) > tuple_(after[0], after[1] or ""))
        return [
            StatedEconomics(
                row.valid_from,
                row.segment,
                Money(row.acquisition_cost, row.currency) if row.currency else None,
                row.gross_margin,
                row.recorded_at,
                row.recorded_by,
            )
            for row in await self._connection.execute(wanted)
        ]
