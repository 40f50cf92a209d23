"""The service's unit of work: one transaction with the stores in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import text

from health_score.domain.metrics.matching import Counting
from health_score.store.accounts import Accounts, KnownAccounts
from health_score.store.activity import ActivityDays
from health_score.store.closes import Closes
from health_score.store.current_metrics import CurrentMetrics
from health_score.store.customs import Customs
from health_score.store.decisions import Decisions
from health_score.store.documents import Documents
from health_score.store.erasure import ErasureStore
from health_score.store.facts import FactStore, RememberedFacts
from health_score.store.pasts import Pasts
from health_score.store.picture_links import PictureLinks
from health_score.store.raw_events import KnownWeeks, RawEvents
from health_score.store.rescoring import Rescoring
from health_score.store.scorecards import ScorecardNumbers, Scorecards
from health_score.store.studies import Studies
from mainstay.contracts.envelope import Event, encode
from mainstay.db.due import Due
from mainstay.db.engine import IDLE_IN_TRANSACTION
from mainstay.db.work import Transaction, Transactions
from mainstay.messaging.consuming import Batch
from mainstay.service.subjects import Subjects

P = ParamSpec("P")
T = TypeVar("T")

IN_USE_EVERY = IDLE_IN_TRANSACTION / 3
"""PostgreSQL ends a transaction that asks nothing for longer than three times this."""


class Work:
    """One transaction of health-score."""

    def __init__(self, tx: Transaction, memory: "Memory") -> None:
        self._tx = tx
        self.closes = Closes(tx.connection)
        self.scorecards = Scorecards(tx.connection, memory.scorecards)
        self.erased = ErasureStore(tx.connection, memory.subjects)
        self.accounts = Accounts(tx.connection, self.closes, self.scorecards, memory.accounts, self.erased)
        self.activity = ActivityDays(tx.connection)
        self.facts = FactStore(tx.connection, memory.facts, self.erased.among)
        self.events = RawEvents(tx.connection, memory.weeks, self.erased)
        self.documents = Documents(tx.connection)
        self.decisions = Decisions(tx.connection)
        self.picture_links = PictureLinks(tx.connection)
        self.rescoring = Rescoring(tx.connection)
        self.customs = Customs(tx.connection, memory.countings)
        self.current_metrics = CurrentMetrics(tx.connection)
        self.studies = Studies(tx.connection)
        self.pasts = Pasts(tx.connection, self.activity, self.facts, self.customs)
        self.due: Due = tx.due

    async def first_times(self, events: Sequence[Event[Any]]) -> Sequence[Event[Any]]:
        """Those of the events that had no effect here before, each once."""
        by_id = {(event.source, event.id): event for event in events}
        fresh = await self._tx.first_times(list(by_id))
        return [event for key, event in by_id.items() if key in fresh]

    async def in_thread(self, compute: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute in a thread of its own, however long it takes, and keep the transaction meanwhile."""
        computing = asyncio.ensure_future(asyncio.to_thread(compute, *args, **kwargs))
        while not (await asyncio.wait([computing], timeout=IN_USE_EVERY.total_seconds()))[0]:
            await self._tx.connection.execute(text("SELECT"))
        return computing.result()

    def publish(self, events: Iterable[Event[Any]]) -> None:
        """Say events, once this transaction is committed."""
        self._tx.publish(*(encode(event) for event in events))


class Memory:
    """What a process remembers over its transactions, and how it knows the erased again."""

    def __init__(self, scorecards: ScorecardNumbers, subjects: Subjects) -> None:
        self.scorecards = scorecards
        self.subjects = subjects
        self.accounts = KnownAccounts()
        self.facts = RememberedFacts()
        self.weeks = KnownWeeks()
        self.countings: dict[int, Counting] = {}


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
