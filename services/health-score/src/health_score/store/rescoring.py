"""How far the portfolio is scored anew after an activation."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_BEGIN = text(
    "INSERT INTO health_score.rescoring (part, after_no, done, began_at)"
    " SELECT part, 0, 0, :at FROM generate_series(0, :parts - 1) AS part"
    " ON CONFLICT (part) DO UPDATE SET after_no = 0, done = 0, began_at = excluded.began_at, ended_at = NULL"
)

_AFTER = text("SELECT after_no FROM health_score.rescoring WHERE part = :part AND ended_at IS NULL")

# Not joined with the part's row: the index would be read from its beginning, or to its end, for each batch.
_NEXT = text(
    "SELECT account_no, account_id FROM health_score.account WHERE account_no > :after AND account_no % :parts = :part"
    " AND erased_at IS NULL ORDER BY account_no LIMIT :limit"
)

_ADVANCE = text("UPDATE health_score.rescoring SET after_no = :after, done = done + :done WHERE part = :part")

_END = text("UPDATE health_score.rescoring SET ended_at = :at WHERE part = :part")


class Rescoring:
    """The re-scoring, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(self, parts: int, at: datetime) -> None:
        """Every account is to be scored anew, in parts."""
        await self._connection.execute(_BEGIN, {"parts": parts, "at": at})

    async def take(self, part: int, parts: int, limit: int, at: datetime) -> Sequence[str]:
        """The next accounts of a part, marked as done in this transaction; without any left the part has ended."""
        after = (await self._connection.execute(_AFTER, {"part": part})).scalar_one_or_none()
        if after is None:
            return []
        names = {"part": part, "parts": parts, "limit": limit, "after": after}
        rows = (await self._connection.execute(_NEXT, names)).all()
        if not rows:
            await self._connection.execute(_END, {"part": part, "at": at})
            return []
        await self._connection.execute(_ADVANCE, {"after": rows[-1].account_no, "done": len(rows), "part": part})
        return [row.account_id for row in rows]
