"""One transaction of renewals: the kit's, with this service's stores on it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from mainstay.contracts.envelope import Event, encode
from mainstay.db.work import Transaction, Transactions
from mainstay.messaging.consuming import Batch
from mainstay.service.subjects import Subjects
from renewals.application.timers import (
    ACCOUNT_DUE,
    ENTRIES,
    FORECAST_DUE,
    FORGETTING_DUE,
    IMPORT_DUE,
    PAST,
    PAST_DUE,
    forecast_key,
    next_day,
    timer_key,
)
from renewals.store.accounts import AccountStore
from renewals.store.calendars import CalendarStore
from renewals.store.calls import CallStore
from renewals.store.churn import ChurnStore
from renewals.store.cohorts import CohortStore
from renewals.store.consumption import ConsumptionStore
from renewals.store.contracts import ContractStore
from renewals.store.economics import EconomicsStore
from renewals.store.erasure import ErasureStore
from renewals.store.figures import FigureStore
from renewals.store.forecasts import ForecastStore
from renewals.store.good_customers import CriteriaStore, ProfileStore
from renewals.store.health import HealthStore
from renewals.store.imports import ImportStore
from renewals.store.inputs import InputStore
from renewals.store.ledger import LedgerStore
from renewals.store.opportunities import OpportunityStore
from renewals.store.policies import PolicyStore
from renewals.store.renewals import RenewalStore
from renewals.store.sources import SourceStore


class RenewalsWork:
    """What the handlers call `Work`."""

    def __init__(self, tx: Transaction, subjects: Subjects) -> None:
        self.tx = tx
        self.erased = ErasureStore(tx.connection, subjects)
        self.accounts = AccountStore(tx.connection, self.erased)
        self.ledger = LedgerStore(tx.connection)
        self.contracts = ContractStore(tx.connection, self.ledger)
        self.health = HealthStore(tx.connection, self.erased)
        self.figures = FigureStore(tx.connection)
        self.renewals = RenewalStore(tx.connection)
        self.policies = PolicyStore(tx.connection)
        self.inputs = InputStore(tx.connection, self.erased)
        self.calls = CallStore(tx.connection)
        self.forecasts = ForecastStore(tx.connection)
        self.cohorts = CohortStore(tx.connection)
        self.economics = EconomicsStore(tx.connection)
        self.churn = ChurnStore(tx.connection)
        self.criteria = CriteriaStore(tx.connection)
        self.profiles = ProfileStore(tx.connection, self.erased)
        self.consumption = ConsumptionStore(tx.connection, self.erased)
        self.opportunities = OpportunityStore(tx.connection)
        self.sources = SourceStore(tx.connection)
        self.calendars = CalendarStore(tx.connection)
        self.imports = ImportStore(tx.connection, self.erased)
        self.timers = RenewalsTimers(tx)

    def say(self, *events: Event[Any]) -> None:
        """Publish events once the transaction has committed."""
        self.tx.publish(*(encode(event) for event in events))

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect here before; from now on they had."""
        return await self.tx.first_times(ids)


class RenewalsTimers:
    """Timers, most of which have an account looked at; one row for each account and moment, so none is ever moved."""

    def __init__(self, tx: Transaction) -> None:
        self._due = tx.due

    async def arm(self, moments: Iterable[tuple[str, datetime]]) -> None:
        """Have each account looked at when its moment has come."""
        await self._due.arm_many(ACCOUNT_DUE, [(timer_key(account_id, at), at) for account_id, at in moments])

    async def arm_forecasts(self, moments: Iterable[tuple[str, datetime]]) -> None:
        """Have the calls of each account's renewals made anew when its moment has come."""
        await self._due.arm_many(FORECAST_DUE, [(forecast_key(account_id, at), at) for account_id, at in moments])

    async def arm_counting(self, at: datetime) -> None:
        """Have the past counted, unless that is to come already."""
        await self._due.arm(PAST_DUE, PAST, at)

    async def arm_forgetting(self, now: datetime) -> None:
        """Have what calendars do not show any more forgotten from tomorrow on, unless that is to come already."""
        await self._due.arm(FORGETTING_DUE, ENTRIES, next_day(now))

    async def arm_import(self, import_id: str, at: datetime) -> None:
        """Have an import worked on at an instant, and not at the one set before."""
        await self._due.set(IMPORT_DUE, import_id, at)


class WorkFactory:
    """Opens transactions; what the handlers call `OpensWork`."""

    def __init__(self, transactions: Transactions, subjects: Subjects) -> None:
        self._transactions = transactions
        self._subjects = subjects

    def within(self, tx: Transaction) -> RenewalsWork:
        """The stores in a transaction that is open already: a timer's."""
        return RenewalsWork(tx, self._subjects)

    @asynccontextmanager
    async def __call__(self, batch: Batch[Any] | None = None) -> AsyncIterator[RenewalsWork]:
        """Commits when the block ends, rolls back when it raises; with a batch, its positions move first."""
        async with self._transactions(batch) as tx:
            yield RenewalsWork(tx, self._subjects)
