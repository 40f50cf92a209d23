"""The application's transaction: the kit's, with the stores on it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from alerts.application.ports import Work
from alerts.playbook_reader import shipped_playbook_documents
from alerts.sealing import Seal
from alerts.store.accounts import AccountStore
from alerts.store.alerts import AlertStore
from alerts.store.cases import StoredCases
from alerts.store.channels import ChannelStore
from alerts.store.deliveries import DeliveryStore
from alerts.store.digests import DigestStore
from alerts.store.directory import StoredDirectory
from alerts.store.erasure import ErasureStore
from alerts.store.escalations import EscalationStore, PoolStore, SnoozeStore
from alerts.store.looks import LookStore
from alerts.store.past import PastStore
from alerts.store.playbook_tables import playbook_version
from alerts.store.playbook_timers import TimerStore
from alerts.store.reassignments import ReassignmentStore
from alerts.store.replays import ReplayStore
from alerts.store.rules import StoredRules
from alerts.store.runs import RunStore
from alerts.store.silences import SilenceStore
from alerts.store.versions import StoredVersions
from mainstay.db.work import Transaction, Transactions
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Outgoing
from mainstay.service.subjects import Subjects


class StoreWork:
    """One transaction over the stores."""

    def __init__(self, transaction: Transaction, seal: Seal, subjects: Subjects) -> None:
        self._transaction = transaction
        self.erased = ErasureStore(transaction.connection, subjects)
        self.accounts = AccountStore(transaction.connection, self.erased)
        self.alerts = AlertStore(transaction.connection)
        self.past = PastStore(transaction.connection)
        self.channels = ChannelStore(transaction.connection, seal)
        self.deliveries = DeliveryStore(transaction.connection, seal)
        self.replays = ReplayStore(transaction)
        self.rules = StoredRules(transaction.connection)
        self.looks = LookStore(transaction)
        self.cases = StoredCases(transaction.connection)
        self.timers = TimerStore(transaction)
        self.playbooks = StoredVersions(transaction.connection, playbook_version)
        self.runs = RunStore(transaction.connection, shipped_playbook_documents)
        self.silences = SilenceStore(transaction.connection)
        self.escalations = EscalationStore(transaction)
        self.snoozes = SnoozeStore(transaction)
        self.digests = DigestStore(transaction)
        self.reassignments = ReassignmentStore(transaction)
        self.pools = PoolStore(transaction.connection)
        self.directory = StoredDirectory(transaction.connection)

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect before; from now on they had."""
        return await self._transaction.first_times(ids)

    def publish(self, *records: Outgoing) -> None:
        """Say records when the transaction commits."""
        self._transaction.publish(*records)


class OpenStoreWork:
    """Opens the application's transactions."""

    def __init__(self, transactions: Transactions, seal: Seal, subjects: Subjects) -> None:
        self._transactions = transactions
        self._seal = seal
        self._subjects = subjects

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """One transaction; with a batch, its positions move first."""
        return self._open(batch)

    def within(self, transaction: Transaction) -> StoreWork:
        """The stores on a transaction that is open."""
        return StoreWork(transaction, self._seal, self._subjects)

    @asynccontextmanager
    async def _open(self, batch: Batch[Any] | None) -> AsyncIterator[Work]:
        async with self._transactions(batch) as transaction:
            yield self.within(transaction)
