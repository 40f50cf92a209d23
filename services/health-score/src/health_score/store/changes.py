"""The table of changes: written by the outbox's trigger, put in order by one process at a time, read by streams."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from health_score.application.changes import PAGE, RESET, Bounds, StoredChange

_LOCK: Final = text("SELECT last FROM health_score.change_order FOR UPDATE SKIP LOCKED")
_LOCK_IF_WAITING: Final = text(
    "SELECT last FROM health_score.change_order WHERE EXISTS (SELECT FROM health_score.change_waiting)"
    " FOR UPDATE SKIP LOCKED"
)
_TOLD: Final = "account_id, owner, left_owner, type, event_id, source, occurred_at, said_at, data"
# Only an erasure holds rows that wait; it is about to delete them. What is placed here is committed before anybody else
# places: so a place that can be read has all places before it.
_PLACE: Final = text(
    "WITH taken AS (DELETE FROM health_score.change_waiting WHERE change_no IN (SELECT change_no"
    " FROM health_score.change_waiting ORDER BY change_no LIMIT :page FOR UPDATE SKIP LOCKED) RETURNING *)"
    f" INSERT INTO health_score.change (place, {_TOLD})"
    f" SELECT :last + row_number() OVER (ORDER BY change_no), {_TOLD} FROM taken"
)
_MOVED: Final = text("UPDATE health_score.change_order SET last = last + :count")
_FORGET: Final = text(
    "DELETE FROM health_score.change WHERE said_at < :before AND place IN"
    " (SELECT place FROM health_score.change ORDER BY place LIMIT :many) RETURNING place"
)
_FORGOTTEN: Final = text("UPDATE health_score.change_order SET forgotten = greatest(forgotten, :place)")
_BOUNDS: Final = text("SELECT forgotten, last FROM health_score.change_order")
_AFTER: Final = text(
    "SELECT place, account_id, owner, left_owner, type, event_id, source, occurred_at, data"
    " FROM health_score.change WHERE place > :place ORDER BY place LIMIT :limit"
)
# In this order: what is being placed meanwhile is found in the second.
_FORGET_ACCOUNT: Final = (
    text("DELETE FROM health_score.change_waiting WHERE account_id = :account"),
    text("DELETE FROM health_score.change WHERE account_id = :account"),
)
_RESET: Final = text(
    "INSERT INTO health_score.change_waiting (type, event_id, source, occurred_at, said_at, data)"
    " VALUES (:type, '', '', '', :at, '{\"reason\":\"erased\"}')"
)


class ChangeTable:
    """The changes, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def order(self) -> int:
        """Give the next places to up to `PAGE` changes that are committed; answers how many got one."""
        async with self._engine.begin() as connection:
            last = (await connection.execute(_LOCK_IF_WAITING)).scalar()
            if last is None:
                return 0
            placed = (await connection.execute(_PLACE, {"last": last, "page": PAGE})).rowcount
            if placed:
                await connection.execute(_MOVED, {"count": placed})
            return placed

    async def forget(self, before: datetime) -> int:
        """Forget the oldest changes, those said before an instant, up to `PAGE` x 10; answers how many."""
        async with self._engine.begin() as connection:
            if (await connection.execute(_LOCK)).scalar() is None:
                return 0
            gone = (await connection.execute(_FORGET, {"before": before, "many": PAGE * 10})).scalars().all()
            if gone:
                await connection.execute(_FORGOTTEN, {"place": max(gone)})
            return len(gone)

    async def bounds(self) -> Bounds:
        """What can be read."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(_BOUNDS)).one()
            return Bounds(row.forgotten, row.last)

    async def after(self, place: int, limit: int) -> Sequence[StoredChange]:
        """Up to `limit` changes after a place, in their order."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_AFTER, {"place": place, "limit": limit})
            return [StoredChange(*row) for row in rows]


async def forget_changes(connection: AsyncConnection, account_id: str, at: datetime) -> int:
    """Delete the changes of an erased account, within its erasure, and have every reader look again."""
    gone = 0
    for statement in _FORGET_ACCOUNT:
        gone += (await connection.execute(statement, {"account": account_id})).rowcount
    await connection.execute(_RESET, {"type": RESET, "at": at})
    return gone
