"""Doing what is due: timers are claimed, and done in one transaction with their effect."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.tables import KitTables
from mainstay.db.work import Transaction, Transactions
from mainstay.kernel.clock import Clock
from mainstay.observability.tracing import span

FIRST_RETRY = timedelta(seconds=10)
LAST_RETRY = timedelta(hours=1)
"""A failing item waits 10 s, 20 s, 40 s … and at most an hour between its attempts; it is never dropped."""
BACK_OFF = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueItem:
    """A timer that has come due. `attempts` counts the failures so far."""

    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any]
    attempts: int


class DueHandler(Protocol):
    """Does what is due, in the transaction that also removes the timers."""

    async def __call__(self, tx: Transaction, items: Sequence[DueItem], /) -> Mapping[str, datetime]:
        """Handle items of one kind, sorted by key; answers when each key that goes on is due next.

        A timer armed again while this runs is not armed: first lock what the key names (the account), then look at
        it, and re-arm by the answer. Items left out of the answer are removed.
        """


class DueRunner:
    """Does what is due. Any number of runners share the work; each item is one runner's at a time.

    After downtime everything due is done once, late. A handler that raises is rolled back and its items are tried one
    by one; an item that raises again is put off, counted and logged, and holds up nobody.
    """

    def __init__(
        self,
        database: Database,
        transactions: Transactions,
        tables: KitTables,
        clock: Clock,
        handlers: Mapping[str, DueHandler],
        *,
        batch: int = 100,
        batches: Mapping[str, int] | None = None,
        poll: timedelta = timedelta(seconds=0.5),
        registry: CollectorRegistry | None = None,
    ) -> None:
        """`batch` bounds the items of one transaction; `batches` does so for single kinds, those that take long."""
        self._database = database
        self._transactions = transactions
        self._due = tables.due
        self._clock = clock
        self._handlers = handlers
        self._batch = batch
        self._batches = batches or {}
        self._poll = poll
        registry = registry or CollectorRegistry()
        self._done = Counter("mainstay_due_items_done", "Timers done.", ["kind"], registry=registry)
        self._failed = Counter("mainstay_due_items_failed", "Timers put off by an error.", ["kind"], registry=registry)

    async def run(self, stopping: asyncio.Event) -> None:
        """Do what is due until told to stop; a database that is away is waited for."""
        while not stopping.is_set():
            pause = self._poll
            try:
                await self.run_due()
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("timers wait for the database", reason=str(error))
                pause = BACK_OFF
            try:
                await asyncio.wait_for(stopping.wait(), pause.total_seconds())
            except TimeoutError:
                continue

    async def run_due(self) -> int:
        """Do everything that is due now, also what handlers re-arm for no later than now; answers how many items."""
        total = 0
        while kinds := await self._kinds_due():
            done = 0
            for kind in kinds:
                done += await self._run_batch(kind)
            total += done
            if not done:
                break
        return total

    async def _kinds_due(self) -> list[str]:
        async with self._database.engine.connect() as connection:
            kinds = await connection.execute(
                text(
                    "SELECT kind FROM unnest(CAST(:kinds AS text[])) AS kind WHERE EXISTS"
                    f" (SELECT FROM {self._due} d WHERE d.kind = kind.kind AND d.due_at <= :now)"
                ),
                {"kinds": sorted(self._handlers), "now": self._clock.now()},
            )
            return list(kinds.scalars())

    async def _run_batch(self, kind: str) -> int:
        items: Sequence[DueItem] = ()
        try:
            with span(f"timers {kind}"):
                async with self._transactions() as tx:
                    items = await self._claim(tx.connection, kind)
                    await self._handle(tx, kind, items)
        except Exception as error:
            if is_transient(error) or not items:
                raise
            _log.warning("a batch of timers failed; each is tried alone", kind=kind, items=len(items), exc_info=True)
            return sum([await self._run_alone(item) for item in items])
        self._done.labels(kind).inc(len(items))
        return len(items)

    async def _run_alone(self, item: DueItem) -> int:
        try:
            with span(f"timer {item.kind}"):
                async with self._transactions() as tx:
                    claimed = await self._claim(tx.connection, item.kind, item.key)
                    await self._handle(tx, item.kind, claimed)
        except Exception as error:
            if is_transient(error):
                raise
            await self._put_off(item, error)
            return 1
        self._done.labels(item.kind).inc(len(claimed))
        return len(claimed)

    async def _handle(self, tx: Transaction, kind: str, items: Sequence[DueItem]) -> None:
        if not items:
            return
        again = await self._handlers[kind](tx, items)
        # Not before the handler has its locks: whoever arms meanwhile would wait for this row and hold the account.
        await tx.connection.execute(
            text(f"DELETE FROM {self._due} WHERE kind = :kind AND key = ANY(:keys)"),
            {"kind": kind, "keys": [item.key for item in items if item.key not in again]},
        )
        await tx.connection.execute(
            text(
                f"UPDATE {self._due} d SET due_at = t.due_at, attempts = 0"
                " FROM unnest(CAST(:keys AS text[]), CAST(:instants AS timestamptz[])) AS t (key, due_at)"
                " WHERE d.kind = :kind AND d.key = t.key"
            ),
            {"kind": kind, "keys": list(again), "instants": list(again.values())},
        )

    async def _claim(self, connection: AsyncConnection, kind: str, key: str | None = None) -> Sequence[DueItem]:
        rows = await connection.execute(
            text(
                f"SELECT key, due_at, payload, attempts FROM {self._due}"
                " WHERE kind = :kind AND due_at <= :now AND (CAST(:key AS text) IS NULL OR key = :key)"
                " ORDER BY due_at LIMIT :batch FOR UPDATE SKIP LOCKED"
            ).columns(payload=self._due.c.payload.type),
            {"kind": kind, "now": self._clock.now(), "key": key, "batch": self._batches.get(kind, self._batch)},
        )
        items = [DueItem(kind, row.key, row.due_at, row.payload, row.attempts) for row in rows]
        return sorted(items, key=lambda item: item.key)

    async def _put_off(self, item: DueItem, error: Exception) -> None:
        wait = min(FIRST_RETRY * 2 ** min(item.attempts, 16), LAST_RETRY)
        self._failed.labels(item.kind).inc()
        _log.error(
            "a timer failed and is put off",
            kind=item.kind,
            key=item.key,
            attempts=item.attempts + 1,
            again_in_seconds=wait.total_seconds(),
            exc_info=error,
        )
        async with self._database.engine.begin() as connection:
            await connection.execute(
                text(
                    f"UPDATE {self._due} SET due_at = :at, attempts = attempts + 1"
                    " WHERE kind = :kind AND key = :key AND due_at = :due_at"
                ),
                {"at": self._clock.now() + wait, "kind": item.kind, "key": item.key, "due_at": item.due_at},
            )
