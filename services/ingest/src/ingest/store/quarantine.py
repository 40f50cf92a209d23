"""The events that were put aside: queries, and the steps of their replay, within one transaction."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.application.quarantine import READ_BYTES, Count, Filter, Kept, State, Still
from ingest.store.tables import HISTORY
from mainstay.db.work import Transaction, Transactions

QUARANTINE = f"{HISTORY.schema}.quarantine"
_MEMBERSHIP, _ALIAS = f"{HISTORY.schema}.membership", f"{HISTORY.schema}.alias"

_CONDITIONS = {
    "source": "source = :source",
    "reason": "reason = :reason",
    "state": "state = :state",
    "protocol": "protocol = :protocol",
    "user_id": "user_id = :user_id",
    "received_from": "received_at >= :received_from",
    "received_to": "received_at < :received_to",
}
"""Field of a filter -> condition."""


class QuarantineStore:
    """Rows are locked in the order of their ids: a user's events are replayed in order, and by one at a time."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def page(self, wanted: Filter, *, before: int | None, limit: int) -> tuple[Sequence[Kept], bool]:
        """Events that the filter means, the newest first, those with an id below `before`; and whether more follow."""
        condition, values = _where(wanted)
        if before is not None:
            condition, values = f"{condition} AND id < :before", {**values, "before": before}
        rows = await self._first(condition, values, limit=limit + 1, order="DESC")
        found = [_kept(row) for row in rows[:limit]]
        return found, bool(rows) and rows[0].there > len(found)

    async def get(self, event: int, *, lock: bool = False) -> Kept | None:
        """One event; None where it is not there (any more)."""
        found = await self._select(f"WHERE id = :id {'FOR UPDATE' if lock else ''}", {"id": event})
        return found[0] if found else None

    async def counts(self) -> Sequence[Count]:
        """Events by source, reason and state."""
        rows = await self._connection.execute(
            text(
                f"SELECT source, reason, state, count(*) AS events, sum(size) AS bytes FROM {QUARANTINE}"
                " GROUP BY source, reason, state ORDER BY source, reason, state"
            )
        )
        return [Count(row.source, row.reason, State(row.state), row.events, row.bytes) for row in rows]

    async def mark(self, wanted: Filter) -> int:
        """Mark what the filter means to be replayed; answers how many were not marked before."""
        condition, values = _where(wanted)
        return await self._do(
            f"UPDATE {QUARANTINE} SET state = 'replaying' WHERE id IN (SELECT id FROM {QUARANTINE}"
            f" WHERE {condition} AND state <> 'replaying' ORDER BY id FOR UPDATE)",
            values,
        )

    async def delete(self, wanted: Filter) -> int:
        """Delete what the filter means; answers how many."""
        condition, values = _where(wanted)
        return await self._do(
            f"DELETE FROM {QUARANTINE} WHERE id IN (SELECT id FROM {QUARANTINE} WHERE {condition}"
            " ORDER BY id FOR UPDATE)",
            values,
        )

    async def delete_events(self, events: Collection[int]) -> int:
        """Delete events by their ids; answers how many there were."""
        return await self._do(f"DELETE FROM {QUARANTINE} WHERE id = ANY(:ids)", {"ids": list(events)})

    async def expire(self, before: datetime, limit: int) -> int:
        """Delete so many of the events received before that instant; answers how many."""
        return await self._do(
            f"DELETE FROM {QUARANTINE} WHERE id IN (SELECT id FROM {QUARANTINE} WHERE received_at < :before"
            " ORDER BY id LIMIT :limit FOR UPDATE)",
            {"before": before, "limit": limit},
        )

    async def lock_marked(self, limit: int) -> Sequence[Kept]:
        """The first of those marked to be replayed. Waits for another replay of them to end."""
        return [_kept(row) for row in await self._first("state = 'replaying'", {}, limit=limit, lock="FOR UPDATE")]

    async def lock_of_users(self, users: Collection[str], limit: int) -> Sequence[Kept]:
        """The first of those that wait for the users. Waits for another replay of them to end."""
        condition, values = "user_id = ANY(:users) AND state IN ('waiting', 'replaying')", {"users": list(users)}
        return [_kept(row) for row in await self._first(condition, values, limit=limit, lock="FOR UPDATE")]

    async def keep(self, still: Sequence[Still]) -> None:
        """Write down why events stay where they are."""
        if not still:
            return
        await self._do(
            f"UPDATE {QUARANTINE} q SET state = s.state, reason = s.reason, detail = s.detail, pointer = s.pointer,"
            " user_id = coalesce(q.user_id, s.user_id) FROM unnest(CAST(:ids AS bigint[]), CAST(:states AS text[]),"
            " CAST(:reasons AS text[]), CAST(:details AS text[]), CAST(:pointers AS text[]), CAST(:users AS text[]))"
            " AS s (id, state, reason, detail, pointer, user_id) WHERE q.id = s.id",
            {
                "ids": [each.id for each in still],
                "states": [str(each.state) for each in still],
                "reasons": [each.reason for each in still],
                "details": [each.detail for each in still],
                "pointers": [each.pointer for each in still],
                "users": [each.user_id for each in still],
            },
        )

    async def users_to_look_at(self, after: str, limit: int) -> Sequence[str]:
        """Users that events wait for and of whom something is known, in order, those that come after `after`."""
        rows = await self._connection.execute(
            text(
                f"SELECT DISTINCT q.user_id FROM {QUARANTINE} q WHERE q.state = 'waiting' AND q.user_id > :after"
                f" AND (EXISTS (SELECT FROM {_MEMBERSHIP} m WHERE m.user_id = q.user_id AND m.is_member)"
                f" OR EXISTS (SELECT FROM {_ALIAS} a WHERE a.user_id = q.user_id)"
                f" OR EXISTS (SELECT FROM {_ALIAS} a WHERE a.previous_id = q.user_id))"
                " ORDER BY q.user_id LIMIT :limit"
            ),
            {"after": after, "limit": limit},
        )
        return list(rows.scalars())

    async def _select(self, rest: str, values: Mapping[str, Any]) -> Sequence[Kept]:
        return [
            _kept(row) for row in await self._connection.execute(text(f"SELECT * FROM {QUARANTINE} {rest}"), values)
        ]

    async def _first(
        self, condition: str, values: Mapping[str, Any], *, limit: int, order: str = "ASC", lock: str = ""
    ) -> Sequence[Row[Any]]:
        """The first rows in the order of their ids, at most `READ_BYTES` of them; `there`: how many `limit` allows."""
        return (
            await self._connection.execute(
                text(
                    f"WITH near AS MATERIALIZED (SELECT id, size FROM {QUARANTINE} WHERE {condition}"
                    f" ORDER BY id {order} LIMIT :limit {lock}), sized AS (SELECT id, count(*) OVER () AS there,"
                    f" sum(size) OVER (ORDER BY id {order}) AS bytes, size FROM near)"
                    f" SELECT q.*, s.there FROM {QUARANTINE} q JOIN sized s USING (id)"
                    f" WHERE s.bytes <= :most OR s.bytes = s.size ORDER BY q.id {order}"
                ),
                {**values, "limit": limit, "most": READ_BYTES},
            )
        ).all()

    async def _do(self, statement: str, values: Mapping[str, Any]) -> int:
        return (await self._connection.execute(text(statement), values)).rowcount


def _where(wanted: Filter) -> tuple[str, dict[str, Any]]:
    values = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    return " AND ".join([_CONDITIONS[name] for name in values]) or "true", values


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        id=row.id,
        digest=bytes(row.digest),
        source=row.source,
        protocol=row.protocol,
        key_id=row.key_id,
        state=State(row.state),
        reason=row.reason,
        detail=row.detail,
        pointer=row.pointer,
        event_id=row.event_id,
        made_id=row.made_id,
        user_id=row.user_id,
        account_id=row.account_id,
        document=bytes(row.document),
        around=bytes(row.around),
        traceparent=row.traceparent,
        received_at=row.received_at,
        last_at=row.last_at,
        times=row.times,
    )


class QuarantineWork:
    """What the handlers call `Work`."""

    def __init__(self, tx: Transaction) -> None:
        self.shelf = QuarantineStore(tx.connection)
        self.timers = tx.due


class OpenQuarantine:
    """What the handlers call `Opens`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def within(self, tx: Transaction) -> QuarantineWork:
        """The stores of a transaction that is open already: a timer's."""
        return QuarantineWork(tx)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[QuarantineWork]:
        """One transaction."""
        async with self._transactions() as tx:
            yield QuarantineWork(tx)
