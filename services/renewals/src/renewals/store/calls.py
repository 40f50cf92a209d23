"""Forecast calls in PostgreSQL: rows are added and never changed; and the past that automated ones are made of."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.money import Money
from renewals.application.calling import Call, NewCall, Stated
from renewals.domain.civil import add_months
from renewals.domain.forecasting import (
    CallKind,
    Category,
    Factor,
    FactorName,
    Outcomes,
    Past,
    Situation,
    Tenure,
    Trend,
)
from renewals.domain.terms import TermKey
from renewals.store.expiries import expiries
from renewals.store.sql import day_ends
from renewals.store.tables import contract, forecast_call, renewal_past

PAST_MONTHS: Final = 36
"""How far back the past reaches."""
PAST_LEAD: Final = timedelta(days=90)
"""How long before its last day a term's standing is looked at: what came to be known later tells of the outcome."""

# A term first heard of later than that counts with the standing of its first call, one without a call with none.
_COUNT: Final = f"""
    WITH {expiries()}, stood AS (
        SELECT x.status, coalesce(early.id, first.id) AS id FROM expiry x
        LEFT JOIN LATERAL (
            SELECT f.id FROM renewals.forecast_call f
            WHERE f.contract_id = x.contract_id AND f.term = x.term AND f.kind = 'automated'
                AND f.said_at < {day_ends("x.start - CAST(:lead AS int)")}
            ORDER BY f.said_at DESC, f.id DESC LIMIT 1
        ) AS early ON true
        LEFT JOIN LATERAL (
            SELECT f.id FROM renewals.forecast_call f
            WHERE f.contract_id = x.contract_id AND f.term = x.term AND f.kind = 'automated' AND early.id IS NULL
            ORDER BY f.said_at, f.id LIMIT 1
        ) AS first ON true
        WHERE x.status <> 'open' AND x.start < :as_of
    )
    SELECT c.band, c.trend, c.tenure, count(*) AS terms, count(*) FILTER (WHERE s.status = 'renewed') AS renewed
    FROM stood s LEFT JOIN renewals.forecast_call c USING (id)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


class CallStore:
    """The calls, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def latest(self, kind: CallKind, contract_ids: Collection[str]) -> Mapping[TermKey, Call]:
        """The latest call of a kind of each term of the contracts that has any."""
        table = forecast_call
        of_term = (table.c.contract_id, table.c.term)
        wanted = (
            select(table, contract.c.currency)
            .join(contract)
            .where(table.c.contract_id.in_(contract_ids), table.c.kind == kind.value)
            .ext(distinct_on(*of_term))
            .order_by(*of_term, table.c.said_at.desc(), table.c.id.desc())
        )
        return {(row.contract_id, row.term): call_of(row) for row in await self._connection.execute(wanted)}

    async def add(self, calls: Sequence[NewCall]) -> None:
        """Keep calls beside those of before."""
        if calls:
            await self._connection.execute(forecast_call.insert(), [_row(call) for call in calls])

    async def of_term(self, key: TermKey, *, on_record_at: datetime, before: int | None, limit: int) -> Sequence[Call]:
        """Up to `limit` calls of a term that had been said by an instant, newest first, before the given number."""
        table = forecast_call
        wanted = (
            select(table, contract.c.currency)
            .join(contract)
            .where(table.c.contract_id == key[0], table.c.term == key[1], table.c.said_at <= on_record_at)
            .order_by(table.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            wanted = wanted.where(table.c.id < before)
        return [call_of(row) for row in await self._connection.execute(wanted)]

    async def past(self) -> Past:
        """What became of terms, as counted last."""
        newest = select(renewal_past.c.cells).order_by(renewal_past.c.counted_at.desc()).limit(1)
        cells = (await self._connection.execute(newest)).scalar()
        return Past({_standing(cell): Outcomes(cell["terms"], cell["renewed"]) for cell in cells or ()})

    async def count_past(self, today: date, now: datetime) -> None:
        """Count what became of terms whose grace was over before today; kept where it differs from last time."""
        asked = {
            "t0": add_months(today, -PAST_MONTHS),
            "t1": today,
            "as_of": today,
            "known_at": now,
            "lead": PAST_LEAD.days,
        }
        cells = [dict(row) for row in (await self._connection.execute(text(_COUNT), asked)).mappings()]
        newest = select(renewal_past.c.cells).order_by(renewal_past.c.counted_at.desc()).limit(1)
        if cells != ((await self._connection.execute(newest)).scalar() or []):
            await self._connection.execute(renewal_past.insert(), {"counted_at": now, "cells": cells})


def call_of(row: Any) -> Call:
    """The call in a row, with its contract's currency."""
    return Call(
        row.id,
        NewCall(
            contract_id=row.contract_id,
            term=row.term,
            kind=CallKind(row.kind),
            stated=Stated(Category(row.category), row.probability, Money(row.amount, row.currency), row.note),
            standing=_standing(row._mapping),  # noqa: SLF001 - SQLAlchemy's public name for a row's columns by name
            factors=tuple(
                Factor(
                    FactorName(each["name"]),
                    each["level"],
                    each["terms"],
                    each["renewed"],
                    Fraction(each["probability"]),
                )
                for each in row.factors
            ),
            said_at=row.said_at,
            said_by=row.said_by,
            recorded_by=row.recorded_by,
        ),
    )


def _standing(cell: Mapping[str, Any]) -> Situation:
    trend, tenure = cell["trend"], cell["tenure"]
    return Situation(cell["band"], Trend(trend) if trend else None, Tenure(tenure) if tenure else None)


def _row(call: NewCall) -> dict[str, Any]:
    standing = call.standing
    return {
        "contract_id": call.contract_id,
        "term": call.term,
        "kind": call.kind.value,
        "category": call.stated.category.value,
        "probability": call.stated.probability,
        "amount": call.stated.amount.amount,
        "band": standing.band,
        "trend": standing.trend,
        "tenure": standing.tenure,
        "factors": [
            {
                "name": each.name.value,
                "level": each.level,
                "terms": each.terms,
                "renewed": each.renewed,
                "probability": str(each.probability),
            }
            for each in call.factors
        ],
        "note": call.stated.note,
        "said_at": call.said_at,
        "said_by": call.said_by,
        "recorded_by": call.recorded_by,
    }
