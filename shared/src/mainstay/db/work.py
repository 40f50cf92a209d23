"""The unit of work: one transaction that moves the offsets, has the effect, and writes down what is to be said."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.due import Due
from mainstay.db.engine import Database, copy_rows
from mainstay.db.hint import Hint
from mainstay.db.tables import KitTables
from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.dead_letters import dead_letter_record
from mainstay.messaging.port import MAX_VALUE_BYTES, Outgoing, Position, PositionTaken
from mainstay.observability.tracing import current_traceparent

_joined: ContextVar["Transaction | None"] = ContextVar("mainstay_joined_transaction", default=None)


class NotPublishable(ValueError):
    """A record that no log would take: no key, or too large. Raised where it is said, not where it is relayed."""


class Transaction:
    """One database transaction: what a command or a handler does, and the records it says."""

    def __init__(self, connection: AsyncConnection, tables: KitTables, clock: Clock) -> None:
        self.connection = connection
        self.due = Due(connection, tables)
        self._tables = tables
        self._clock = clock
        self._said: list[Outgoing] = []

    def publish(self, *records: Outgoing) -> None:
        """Say records: they reach the log after this transaction commits, in this order within a key.

        Order between transactions holds for writers that lock the key's row (the account) before they publish. A
        record without a trace goes on with the current one. Raises `NotPublishable`.
        """
        for record in records:
            if not record.key:
                raise NotPublishable(f"a record for {record.topic} has no key")
            if len(record.value) > MAX_VALUE_BYTES:
                raise NotPublishable(f"{len(record.value)} bytes for {record.topic}; {MAX_VALUE_BYTES} are the limit")
        here = current_traceparent()
        self._said.extend(_traced(record, here) for record in records)

    async def first_time(self, source: str, event_id: str) -> bool:
        """Whether the event (source, id) had no effect here before; from now on it had."""
        return bool(await self.first_times([(source, event_id)]))

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, id) pairs that had no effect here before; from now on they had."""
        if not ids:
            return frozenset()
        # Sorted: two batches with the same ids would deadlock otherwise.
        sources, event_ids = zip(*sorted(set(ids)), strict=True)
        inserted = await self.connection.execute(
            text(
                f"INSERT INTO {self._tables.inbox} (source, event_id, received_at)"
                " SELECT *, CAST(:at AS timestamptz) FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]))"
                " ON CONFLICT DO NOTHING RETURNING source, event_id"
            ),
            {"at": self._clock.now(), "sources": list(sources), "ids": list(event_ids)},
        )
        return frozenset((row.source, row.event_id) for row in inserted)

    async def flush(self) -> bool:
        """Write what was said to the outbox, at the end of the transaction; answers whether there was anything."""
        if not self._said:
            return False
        now = self._clock.now()
        said, self._said = self._said, []
        await copy_rows(
            self.connection,
            self._tables.outbox,
            ("topic", "key", "value", "header_names", "header_values", "written_at"),
            [(r.topic, r.key, r.value, *_columns(r), now) for r in said],
        )
        return True


def _columns(record: Outgoing) -> tuple[list[str], list[bytes]]:
    """The names and the values of its headers."""
    headers = record.all_headers()
    return [name for name, _ in headers], [value for _, value in headers]


def _traced(record: Outgoing, traceparent: str | None) -> Outgoing:
    if traceparent is None or any(name == "traceparent" for name, _ in record.all_headers()):
        return record
    return replace(record, headers=(*record.headers, ("traceparent", traceparent.encode())))


class Transactions:
    """Opens a service's transactions: `async with transactions(batch) as tx:`."""

    def __init__(self, database: Database, tables: KitTables, *, clock: Clock, hint: Hint | None = None) -> None:
        self._database = database
        self._tables = tables
        self._clock = clock
        self._hint = hint

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Transaction]:
        """One transaction; committed at the end of the block, rolled back when the block raises.

        With a batch, the compare-and-set of its positions is the first statement: raises `PositionTaken` before the
        block runs when another owner moved any of them. What the batch refused goes to its group's dead letters.
        """
        return self._open(batch)

    @asynccontextmanager
    async def _open(self, batch: Batch[Any] | None) -> AsyncIterator[Transaction]:
        joined = _joined.get()
        if joined is not None:
            yield joined
            return
        async with self._database.engine.begin() as connection:
            transaction = Transaction(connection, self._tables, self._clock)
            if batch is not None and batch.positions:
                await self._move(connection, batch.positions)
                group = batch.positions[0].group
                transaction.publish(*(dead_letter_record(group, letter) for letter in batch.refused))
            yield transaction
            said = await transaction.flush()
        if said and self._hint is not None:
            self._hint.wake()

    @asynccontextmanager
    async def as_one(self) -> AsyncIterator[Transaction]:
        """One transaction that every other opened in this block joins; it commits at the block's end.

        For an answer that must be stored with its effect. What is read beside it, on another connection, is the state
        before it.
        """
        async with self() as transaction:
            token = _joined.set(transaction)
            try:
                yield transaction
            finally:
                _joined.reset(token)

    async def _move(self, connection: AsyncConnection, positions: Sequence[Position]) -> None:
        steps = sorted(positions)
        # FOR UPDATE after ORDER BY locks in sorted order; a row that another transaction moves meanwhile is read
        # again after its commit, and then no longer has the expected offset.
        moved = await connection.execute(
            text(
                "WITH step AS (SELECT * FROM unnest(CAST(:logs AS text[]), CAST(:groups AS text[]),"
                " CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:expected AS bigint[]),"
                " CAST(:new AS bigint[])) AS s (log_id, consumer_group, topic, partition, expected, new)),"
                " held AS MATERIALIZED (SELECT o.log_id, o.consumer_group, o.topic, o.partition, s.new"
                f" FROM {self._tables.consumer_offset} o JOIN step s USING (log_id, consumer_group, topic, partition)"
                " WHERE o.next_offset = s.expected"
                " ORDER BY o.topic, o.partition, o.log_id, o.consumer_group FOR UPDATE OF o)"
                f" UPDATE {self._tables.consumer_offset} o SET next_offset = held.new FROM held"
                " WHERE (o.log_id, o.consumer_group, o.topic, o.partition)"
                " = (held.log_id, held.consumer_group, held.topic, held.partition)"
            ),
            {
                "logs": [p.log_id for p in steps],
                "groups": [p.group for p in steps],
                "topics": [p.topic for p in steps],
                "partitions": [p.partition for p in steps],
                "expected": [p.expected for p in steps],
                "new": [p.new for p in steps],
            },
        )
        if moved.rowcount != len(steps):
            raise PositionTaken(f"{len(steps) - moved.rowcount} of {len(steps)} offsets have moved: {steps[0]}")


class OffsetStore:
    """The stored offsets of a service's groups; what the event log port calls `Positions`."""

    def __init__(self, database: Database, tables: KitTables) -> None:
        self._database = database
        self._offsets = tables.consumer_offset

    async def load(self, log_id: str, group: str, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """The stored next offset of each partition; partitions never begun are absent."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    f"SELECT partition, next_offset FROM {self._offsets} WHERE log_id = :log_id"
                    " AND consumer_group = :group AND topic = :topic AND partition = ANY(:partitions)"
                ),
                {"log_id": log_id, "group": group, "topic": topic, "partitions": list(partitions)},
            )
            return {row.partition: row.next_offset for row in rows}

    async def begin(self, log_id: str, group: str, topic: str, partition: int, offset: int) -> int:
        """Store `offset` for a partition never begun; answers the offset that is stored now, whoever stored it."""
        key = {"log_id": log_id, "group": group, "topic": topic, "partition": partition}
        async with self._database.engine.begin() as connection:
            await connection.execute(
                text(
                    f"INSERT INTO {self._offsets} (log_id, consumer_group, topic, partition, next_offset)"
                    " VALUES (:log_id, :group, :topic, :partition, :offset) ON CONFLICT DO NOTHING"
                ),
                {**key, "offset": offset},
            )
        return (await self.load(log_id, group, topic, [partition]))[partition]
