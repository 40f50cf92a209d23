"""What the handlers need of the store, in the words of the field."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from health_score.domain.account import Account
from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.assessment import Assessment
from health_score.domain.bands import Standing
from health_score.domain.scorecard import Scorecard
from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import UsageRecorded
from mainstay.messaging.consuming import Batch

DayKey = tuple[int, date]
"""An account's number and a day."""


@dataclass(frozen=True, slots=True)
class FreshUse:
    """A usage event that was not counted before; users and features by their number in the account."""

    event: Event[UsageRecorded]
    user: int | None
    feature: int


class Accounts(Protocol):
    """The accounts, one row each, which writers lock first."""

    async def lock(self, account_ids: Collection[str], *, create_at: datetime | None = None) -> Mapping[str, Account]:
        """Lock accounts in sorted order; with `create_at`, those never heard of are created then, else left out."""

    async def save(self, accounts: Iterable[Account]) -> None:
        """Write what an account's record, worth and days say."""

    async def save_health(self, assessed: Sequence[tuple[Account, Assessment]], card: Scorecard, at: datetime) -> None:
        """Write the accounts' health with its measures, and the closes that are new or other than before."""


class RawEvents(Protocol):
    """Every usage event, once."""

    async def add_new(
        self, events: Sequence[Event[UsageRecorded]], accounts: Mapping[str, Account]
    ) -> Sequence[FreshUse]:
        """Store the events; answers those that were not stored before."""

    async def regroup(self, account: Account) -> Mapping[date, DayOfUse]:
        """An account's days of use in its present zone, formed anew from its raw events."""

    async def create_weeks(self, at: datetime) -> None:
        """Make room for what is received in the week of `at` and the two weeks after it."""


class ActivityDays(Protocol):
    """The days of use."""

    async def add(self, days: Mapping[DayKey, DayOfUse]) -> None:
        """Merge uses into their days. The accounts are locked."""

    async def replace(self, account: Account, days: Mapping[date, DayOfUse]) -> None:
        """Put these days in the place of all that the account has."""

    async def since(self, wanted: Mapping[int, date]) -> Mapping[int, Activity]:
        """The activity of accounts (by number), each from a day on."""


class Closes(Protocol):
    """The history of closes."""

    async def standing_before(self, account: Account, day: date) -> Standing | None:
        """The standing after the last close before `day`."""

    async def keep_only(self, account: Account, first: date, last: date) -> None:
        """Forget the closes of days outside `first` to `last`."""


class Timers(Protocol):
    """Durable timers."""

    async def arm_many(self, kind: str, items: Iterable[tuple[str, datetime]]) -> None:
        """Arm each (key, instant) unless it is armed."""

    async def set(self, kind: str, key: str, at: datetime) -> None:
        """Arm a timer, or move it."""


class Work(Protocol):
    """One transaction."""

    @property
    def accounts(self) -> Accounts:
        """The accounts."""

    @property
    def events(self) -> RawEvents:
        """The raw events."""

    @property
    def activity(self) -> ActivityDays:
        """The days of use."""

    @property
    def closes(self) -> Closes:
        """The closes."""

    @property
    def due(self) -> Timers:
        """The timers."""

    async def first_times(self, events: Sequence[Event[Any]]) -> Sequence[Event[Any]]:
        """Those of the events that had no effect here before."""

    def publish(self, events: Iterable[Event[Any]]) -> None:
        """Say events, once this transaction is committed."""


class OpenWork(Protocol):
    """Opens a transaction; with a batch, it first moves the batch's offsets (raises `PositionTaken`)."""

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """The transaction: committed at the end of the block, rolled back when it raises."""
