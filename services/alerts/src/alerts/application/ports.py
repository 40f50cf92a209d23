"""What the application needs of the outside: its stores within one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerts.application.delivery_ports import Channels, Deliveries, Replays
from alerts.application.directory_ports import DirectoryStore
from alerts.application.documents import VersionStore
from alerts.application.people_ports import DigestStore, Escalations, Pools, Reassignments, Silences, Snoozes
from alerts.application.playbook_ports import Cases, Runs, Timers
from alerts.application.rules import RuleStore
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change
from alerts.domain.horizon import Horizon
from alerts.domain.observations import Observation
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Outgoing

Subject = tuple[str, str]
"""(account id, what is observed about it): what one fold of observations covers."""


@dataclass(frozen=True, slots=True)
class History:
    """What was observed about a subject. `settled`: what ended before that instant is not to be looked at again."""

    facts: Sequence[Observation] = ()
    settled: datetime | None = None


class Accounts(Protocol):
    """The projection of accounts."""

    async def lock(self, account_ids: Iterable[str]) -> Mapping[str, Account]:
        """Lock the accounts' rows in sorted order, making those that are missing: first of all in every transaction.

        The erased are left out.
        """

    async def page(self, after: str, limit: int) -> Sequence[Account]:
        """Accounts by id, those behind `after`."""

    async def known(self, account_ids: Collection[str]) -> Mapping[str, Account]:
        """Those of the accounts that are known; nothing is locked."""

    async def keep(self, accounts: Iterable[Account]) -> None:
        """Store records of locked accounts; one that is older than what is stored changes nothing."""


class Alerts(Protocol):
    """Observations, alerts and their transitions."""

    async def observe(self, observations: Sequence[Observation]) -> None:
        """Add observations; those already there stay as they are."""

    async def histories(self, subjects: Collection[Subject], rules: str | None = None) -> Mapping[Subject, History]:
        """What was observed about the subjects, each from its horizon on where one was kept under these rules.

        `rules` is a rulebook's fingerprint; without it everything on record is read. Subjects of which nothing was
        observed are left out.
        """

    async def keep_horizons(self, horizons: Mapping[Subject, Horizon], rules: str) -> None:
        """Later folds under these rules begin at these horizons, unless a record comes that is older."""

    async def whole_histories(self, account_ids: Collection[str]) -> Mapping[str, Sequence[Observation]]:
        """Everything observed about accounts, by account."""

    async def about(self, subjects: Collection[Subject], ids: Collection[str]) -> Mapping[Subject, Mapping[str, Alert]]:
        """The alerts about the subjects, by id: those that go on, and those with these ids."""

    async def going_on(self, account_ids: Collection[str]) -> Sequence[Alert]:
        """The alerts of accounts that are not resolved."""

    async def account_of(self, alert_id: str) -> str:
        """Whose alert it is. Raises `AlertUnknown`."""

    async def get(self, alert_id: str) -> Alert:
        """One alert. Raises `AlertUnknown`."""

    async def save(self, changes: Sequence[Change]) -> None:
        """Store alerts as they are now, and their new transitions."""


class Looks(Protocol):
    """Timers that look again at what gets worse, or passes, by itself."""

    async def arm(self, looks: Mapping[Subject, datetime]) -> None:
        """Look at subjects again at their instants."""

    async def arm_all(self, at: datetime, subjects: Iterable[str], *, accounts: Collection[str] | None = None) -> None:
        """Look at everything observed about subjects, of some accounts or of all.

        A colon at the end stands for all that begin so, `account` for conditions over all that is known of an account.
        """

    async def arm_alerts_of(self, rule_id: str, at: datetime) -> None:
        """Look at everything that a rule has an open alert about."""


class Erasures(Protocol):
    """Who was erased, by a keyed hash, and the erasing."""

    async def remember(self, kind: str, subject: str, erasure_id: str, at: datetime) -> None:
        """From now on the subject is one of the erased."""

    async def lift(self, kind: str, subject: str) -> None:
        """From now on the subject is none of the erased."""

    async def among(self, kind: str, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that are erased."""

    async def erase_account(self, subject: str) -> int:
        """Delete all that is held about an account; answers how many rows."""

    async def erase_contact(self, subject: str) -> int:
        """Delete all that is held about a person at a customer; answers how many rows."""


class Work(Protocol):
    """One transaction over the stores."""

    @property
    def erased(self) -> Erasures:
        """The erased."""

    @property
    def accounts(self) -> Accounts:
        """The projection of accounts."""

    @property
    def alerts(self) -> Alerts:
        """Alerts and what they come from."""

    @property
    def deliveries(self) -> Deliveries:
        """Notifications and deliveries."""

    @property
    def channels(self) -> Channels:
        """Channels."""

    @property
    def replays(self) -> Replays:
        """Replays."""

    @property
    def rules(self) -> RuleStore:
        """Rules that people saved."""

    @property
    def silences(self) -> Silences:
        """Silences, and what was muted."""

    @property
    def escalations(self) -> Escalations:
        """Escalations."""

    @property
    def snoozes(self) -> Snoozes:
        """Timers of snoozes."""

    @property
    def digests(self) -> DigestStore:
        """Digests."""

    @property
    def reassignments(self) -> Reassignments:
        """Reassignments."""

    @property
    def pools(self) -> Pools:
        """Shares of pools."""

    @property
    def directory(self) -> DirectoryStore:
        """People and teams."""

    @property
    def looks(self) -> Looks:
        """Timers that look again."""

    @property
    def playbooks(self) -> VersionStore:
        """Playbooks that people saved."""

    @property
    def runs(self) -> Runs:
        """Runs of playbooks."""

    @property
    def cases(self) -> Cases:
        """Risk cases."""

    @property
    def timers(self) -> Timers:
        """Timers of playbooks."""

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect before; from now on they had."""

    def publish(self, *records: Outgoing) -> None:
        """Say records when the transaction commits."""


class OpenWork(Protocol):
    """Opens transactions; with a batch, its positions move first."""

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
