"""A CSM's accounts and their touchpoints, from the facts as they were stated."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from health_score.application.load import BookAccount
from health_score.domain.workload import Owners, Touchpoint
from mainstay.kernel.money import Money

_BOOK = text(
    "WITH book AS (SELECT account_no FROM health_score.listing WHERE owner = :csm UNION"
    " SELECT account_no FROM health_score.fact WHERE kind = 'account' AND body ->> 'owner' = :csm)"
    " SELECT l.account_no, l.owner, l.tier, l.zone, a.arr FROM book JOIN health_score.listing l USING (account_no)"
    " LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(currency, amount::text)) AS arr"
    " FROM health_score.account_arr r WHERE r.account_no = l.account_no) AS a ON true ORDER BY l.account_no"
)
_OWNERS = text(
    "SELECT account_no, occurred_at, body ->> 'owner' AS owner FROM health_score.fact"
    " WHERE kind = 'account' AND account_no = ANY(:numbers) AND jsonb_exists(body, 'owner')"
    " ORDER BY account_no, occurred_at, event_id, source"
)
# A touchpoint is spoken of more than once: planned, then held. All that was said of those of the period is read.
_TOUCHPOINTS = text(
    "WITH spoken_of AS (SELECT DISTINCT account_no, thing_id FROM health_score.fact WHERE kind = 'touchpoint'"
    " AND account_no = ANY(:numbers) AND occurred_at >= :begin AND occurred_at < :end)"
    " SELECT f.account_no, f.thing_id, f.occurred_at, f.body FROM spoken_of s JOIN health_score.fact f"
    " ON f.kind = 'touchpoint' AND f.account_no = s.account_no AND f.thing_id = s.thing_id"
    " ORDER BY f.account_no, f.thing_id, f.occurred_at, f.event_id, f.source"
)


class LoadStore:
    """Reads what a CSM carries, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def book(self, csm: str) -> Sequence[BookAccount]:
        """The accounts that are the CSM's, or were by any fact."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_BOOK.columns(arr=JSONB), {"csm": csm})).all()
            said = await connection.execute(_OWNERS, {"numbers": [row.account_no for row in rows]})
            stated: dict[int, list[tuple[datetime, str | None]]] = defaultdict(list)
            for fact in said:
                stated[fact.account_no].append((fact.occurred_at, fact.owner))
        return [
            BookAccount(
                number=row.account_no,
                tier=row.tier,
                zone=row.zone,
                arr=tuple(Money(Decimal(amount), currency) for currency, amount in row.arr or ()),
                owners=Owners(tuple(stated[row.account_no]), row.owner),
            )
            for row in rows
        ]

    async def touchpoints(self, numbers: Sequence[int], begin: datetime, end: datetime) -> Sequence[Touchpoint]:
        """The touchpoints of accounts with anything said in [begin, end), each as its statements resolve."""
        found: dict[tuple[int, str], tuple[datetime, dict[str, Any]]] = {}
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                _TOUCHPOINTS.columns(body=JSONB), {"numbers": list(numbers), "begin": begin, "end": end}
            )
            for row in rows:
                _, known = found.get((row.account_no, row.thing_id), (None, {}))
                found[row.account_no, row.thing_id] = (row.occurred_at, known | row.body)
        return [_touchpoint(number, at, body) for (number, _), (at, body) in found.items()]


def _touchpoint(number: int, at: datetime, body: dict[str, Any]) -> Touchpoint:
    cost = body.get("cost")
    return Touchpoint(
        account_no=number,
        at=at,
        minutes=body.get("minutes"),
        cost=Money(Decimal(str(cost["amount"])), cost["currency"]) if cost else None,
        is_internal=bool(body.get("is_internal", False)),
        result=body.get("result"),
    )
