"""The relay: carries what was said in transactions from the outbox to the event log, in order within a key."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.engine import CONNECT_WITHIN, Database, asyncpg_dsn
from mainstay.db.errors import is_transient
from mainstay.db.hint import Hint, channel
from mainstay.db.tables import KitTables
from mainstay.kernel.clock import Clock
from mainstay.messaging.port import EventLog, LogUnavailable, Outgoing, RecordRefused

__all__ = ["Hint", "Relay"]

BACK_OFF = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


class Relay:
    """Moves records from the outbox to the log: append, then delete, so that nothing is lost and some may come twice.

    Any number of relays of a service may run; the lock on the one row of `relay` lets one work at a time. A record that
    the log refuses stays in the outbox with the reason (`refused`), is logged and counted, and holds up nobody.
    """

    def __init__(
        self,
        database: Database,
        tables: KitTables,
        log: EventLog,
        clock: Clock,
        *,
        batch: int = 500,
        poll: timedelta = timedelta(seconds=0.5),
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._database = database
        self._tables = tables
        self._log = log
        self._clock = clock
        self._batch = batch
        self._poll = poll
        self._hinted = asyncio.Event()
        registry = registry or CollectorRegistry()
        self._relayed = Counter("mainstay_outbox_relayed", "Records carried to the log.", registry=registry)
        self._refused = Counter("mainstay_outbox_refused", "Records that the log refused.", registry=registry)
        self._delay = Gauge(
            "mainstay_outbox_oldest_seconds", "Age of the oldest record when it was last looked at.", registry=registry
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until told to stop; a database or a log that is away is waited for."""
        listening: asyncpg.Connection | None = None
        stopper = asyncio.create_task(stopping.wait())
        stopper.add_done_callback(lambda _: self._hinted.set())
        try:
            while not stopping.is_set():
                self._hinted.clear()
                pause = self._poll
                try:
                    if listening is None or listening.is_closed():
                        listening = await self._listen()
                    await self.drain()
                except LogUnavailable as error:
                    _log.warning("the outbox waits for the event log", reason=str(error))
                    pause = BACK_OFF
                except Exception as error:
                    if not is_transient(error):
                        raise
                    _log.warning("the outbox waits for the database", reason=str(error))
                    pause = BACK_OFF
                if not stopping.is_set():
                    await self._wait(pause)
        finally:
            stopper.cancel()
            if listening is not None:
                await listening.close(timeout=1)

    async def drain(self) -> int:
        """Relay what is in the outbox now; answers how many records. 0 too when another relay is at work.

        Raises `LogUnavailable` after having removed what the log acknowledged.
        """
        total = 0
        while relayed := await self._relay_batch():
            total += relayed
            if relayed < self._batch:
                break
        return total

    async def _relay_batch(self) -> int:
        unavailable: LogUnavailable | None = None
        async with self._database.engine.begin() as connection:
            lock = await connection.execute(text(f"SELECT id FROM {self._tables.relay} FOR UPDATE SKIP LOCKED"))
            if lock.first() is None:
                return 0
            rows = await self._oldest(connection)
            self._delay.set((self._clock.now() - rows[0].written_at).total_seconds() if rows else 0)
            if not rows:
                return 0
            handled = list(rows)
            try:
                await self._log.append([_record(row) for row in rows])
            except RecordRefused as refusal:
                # Nothing was appended; the others go with the next batch.
                await self._set_aside(connection, rows[refusal.index], str(refusal))
                return self._batch
            except LogUnavailable as error:
                unavailable = error
                handled = _in_order(rows, error.unacknowledged)
            await connection.execute(
                text(f"DELETE FROM {self._tables.outbox} WHERE id = ANY(:ids)"), {"ids": [row.id for row in handled]}
            )
        self._relayed.inc(len(handled))
        if unavailable is not None:
            raise unavailable
        return len(handled)

    async def _oldest(self, connection: AsyncConnection) -> Sequence[Row[Any]]:
        rows = await connection.execute(
            text(
                "SELECT id, topic, key, value, header_names, header_values, written_at"
                f" FROM {self._tables.outbox} WHERE refused IS NULL ORDER BY id LIMIT :batch"
            ),
            {"batch": self._batch},
        )
        return rows.all()

    async def _set_aside(self, connection: AsyncConnection, row: Row[Any], reason: str) -> None:
        await connection.execute(
            text(f"UPDATE {self._tables.outbox} SET refused = :reason WHERE id = :id"), {"reason": reason, "id": row.id}
        )
        self._refused.inc()
        _log.error("the event log refused a record", topic=row.topic, key=row.key, outbox_id=row.id, reason=reason)

    async def _listen(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            asyncpg_dsn(self._database.url),
            timeout=CONNECT_WITHIN.total_seconds(),
            server_settings={"application_name": f"{self._database.application_name} relay"},
        )
        await connection.add_listener(channel(self._tables), lambda *_: self._hinted.set())
        return connection

    async def _wait(self, pause: timedelta) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hinted.wait(), pause.total_seconds())


def _record(row: Row[Any]) -> Outgoing:
    headers = tuple(zip(row.header_names, row.header_values, strict=True))
    return Outgoing(row.topic, row.key, bytes(row.value), headers)


def _in_order(rows: Sequence[Row[Any]], unacknowledged: frozenset[int]) -> list[Row[Any]]:
    """The acknowledged rows that may go: none of a key that must be repeated, so that its last record stays last."""
    repeated = {(rows[i].topic, rows[i].key) for i in unacknowledged}
    return [row for row in rows if (row.topic, row.key) not in repeated] if unacknowledged else []
