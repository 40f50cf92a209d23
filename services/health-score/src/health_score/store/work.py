"""The service's unit of work: one transaction with the stores in it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from health_score.store.accounts import Accounts, KnownAccounts
from health_score.store.activity import ActivityDays
from health_score.store.closes import Closes
from health_score.store.raw_events import KnownWeeks, RawEvents
from health_score.store.scorecards import ScorecardNumbers, Scorecards
from mainstay.contracts.envelope import Event, encode
from mainstay.db.due import Due
from mainstay.db.work import Transaction, Transactions
from mainstay.messaging.consuming import Batch


class Work:
    """One transaction of health-score."""

    def __init__(self, tx: Transaction, memory: "Memory") -> None:
        self._tx = tx
        self.closes = Closes(tx.connection)
        self.scorecards = Scorecards(tx.connection, memory.scorecards)
        self.accounts = Accounts(tx.connection, self.closes, self.scorecards, memory.accounts)
        self.activity = ActivityDays(tx.connection)
        self.events = RawEvents(tx.connection, memory.weeks)
        self.due: Due = tx.due

    async def first_times(self, events: Sequence[Event[Any]]) -> Sequence[Event[Any]]:
        """Those of the events that had no effect here before, each once."""
        by_id = {(event.source, event.id): event for event in events}
        fresh = await self._tx.first_times(list(by_id))
        return [event for key, event in by_id.items() if key in fresh]

    def publish(self, events: Iterable[Event[Any]]) -> None:
        """Say events, once this transaction is committed."""
        self._tx.publish(*(encode(event) for event in events))


class Memory:
    """What a process remembers of the database and no transaction can make untrue."""

    def __init__(self, scorecards: ScorecardNumbers) -> None:
        self.scorecards = scorecards
        self.accounts = KnownAccounts()
        self.weeks = KnownWeeks()


class Works:
    """Opens the service's transactions."""

    def __init__(self, transactions: Transactions, memory: Memory) -> None:
        self._transactions = transactions
        self._memory = memory

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """A transaction; with a batch, it first moves the batch's offsets (raises `PositionTaken`)."""
        return self._open(batch)

    def within(self, tx: Transaction) -> Work:
        """The stores in a transaction that is open already: a timer's."""
        return Work(tx, self._memory)

    @asynccontextmanager
    async def _open(self, batch: Batch[Any] | None) -> AsyncIterator[Work]:
        async with self._transactions(batch) as tx:
            yield Work(tx, self._memory)
