"""What the handlers need of the store, in the words of the field."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ParamSpec, Protocol, TypeVar

from health_score.application.document_ports import Decisions, Documents, Scorecards
from health_score.application.uses import FreshUses, RawUse, UsageEvent
from health_score.domain.account import Account
from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.assessment import Assessment
from health_score.domain.bands import Standing
from health_score.domain.facts.known import Facts
from health_score.domain.metrics.custom import CustomMetric, InForce
from health_score.domain.metrics.deviation import Deviating
from health_score.domain.metrics.matching import Counters, Counting
from health_score.domain.metrics.reading import Value
from health_score.domain.metrics.series import SeriesDay
from mainstay.contracts.envelope import Event
from mainstay.messaging.consuming import Batch

P = ParamSpec("P")
T = TypeVar("T")

DayKey = tuple[int, date]
"""An account's number and a day."""


SeriesKey = tuple[int, int, date]
"""An account's number, a series's, and a day."""


@dataclass(frozen=True, slots=True)
class Building:
    """A series: `building`, `ready` or `leaving`. The past of accounts up to the number `built_through` is counted."""

    number: int
    counting: Counting
    state: str
    built_through: int


class Accounts(Protocol):
    """The accounts, one row each, which writers lock first."""

    async def lock(self, account_ids: Collection[str], *, create_at: datetime | None = None) -> Mapping[str, Account]:
        """Lock accounts in sorted order; with `create_at`, those never heard of are created then, else left out.

        The erased are left out.
        """

    async def save(self, accounts: Iterable[Account]) -> None:
        """Write what an account's record, worth and days say."""

    async def ids(self, numbers: Collection[int]) -> Collection[str]:
        """The ids of accounts by their numbers; not those of erased ones."""

    async def read(self, account_id: str) -> Account | None:
        """One account as it is, without its lock; None for one never heard of, or erased."""

    async def save_derived(self, accounts: Sequence[Account]) -> None:
        """Write what follows from accounts' records by the operator's rules."""

    async def save_health(self, assessed: Sequence[tuple[Account, Assessment]], at: datetime) -> None:
        """Write the accounts' health with its measures, and the closes that are new or other than before."""


class RawEvents(Protocol):
    """Every usage event, once."""

    async def add_new(self, events: Sequence[UsageEvent], accounts: Mapping[str, Account]) -> FreshUses:
        """Store accounts' events; answers what was not stored before. Erased users are nobody, without properties."""

    async def regroup(self, account: Account) -> Mapping[date, DayOfUse]:
        """An account's days of use in its present zone, formed anew from its raw events."""

    async def users_came(self, days: Mapping[DayKey, DayOfUse]) -> None:
        """Take in that users were active on these days of the events just added: an earlier day is a user's first."""

    def matching(self, numbers: Collection[int], counting: Counting) -> AsyncIterator[RawUse]:
        """The events of accounts (by number) whose names fit a counting, in no order; it streams."""

    async def latest_ids(self, account_no: int, begin: datetime, end: datetime, limit: int) -> Sequence[str]:
        """The ids of up to `limit` events of an account from `begin` on and before `end`, the latest first."""

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

    async def since_with_lives(self, wanted: Mapping[int, date]) -> Mapping[int, Activity]:
        """The activity of accounts (by number), each from a day on and with its life."""


class Customs(Protocol):
    """Custom metrics, and the series that they are computed from."""

    async def versions(self) -> frozenset[str]:
        """Which versions of which metrics can be read: another answer means that definitions changed."""

    async def in_force(self) -> Sequence[InForce]:
        """The custom metrics that can be read."""

    async def definitions(self) -> Mapping[str, CustomMetric]:
        """The newest definition of each custom metric that is not retired, ready or not."""

    async def want(self, name: str, version: int, counting: Counting) -> tuple[int, bool]:
        """Have a version of a metric in force once its series is ready; answers the series, and whether it is new."""

    async def retire(self, name: str) -> Sequence[int]:
        """A metric holds no more; answers the series that nobody needs any more."""

    async def let_go(self) -> Sequence[int]:
        """Stop keeping up the series that no metric needs; answers them."""

    async def counters(self) -> Counters:
        """The series to be kept up. Ask only after the accounts are locked: see `BuildSeries`."""

    async def add(self, days: Mapping[SeriesKey, SeriesDay]) -> None:
        """Merge what was counted into its days. The accounts are locked."""

    async def replace(self, numbers: Collection[int], series: int, days: Mapping[SeriesKey, SeriesDay]) -> None:
        """Put these days in the place of all that the accounts (by number) have in a series."""

    async def since(
        self, wanted: Mapping[int, date], series: Collection[int]
    ) -> Mapping[int, Mapping[int, Mapping[date, SeriesDay]]]:
        """The days of series, by account and series, of each account from a day on; empty ones too."""

    async def building(self, series: int) -> Building | None:
        """A series, locked: whoever lets go of it waits, and arms its timer after this one."""

    async def others_have_ended(self, series: int) -> bool:
        """Whether every transaction that may not know of the series is over."""

    async def next_accounts(self, building: Building, events: int, most: int) -> Sequence[tuple[str, int]]:
        """The next accounts (id and number) to be counted: up to `most`, with about so many events together."""

    async def built(self, series: int, through: int, accounts: int) -> None:
        """So many more accounts are done, up to this number."""

    async def is_ready(self, series: int) -> Sequence[int]:
        """All accounts are done: metrics that waited for it hold now; answers series that nobody needs any more."""

    async def forget_some(self, series: int, most: int) -> bool:
        """Delete days of a leaving series; once there are none, the series too. Says whether it is gone."""


@dataclass(frozen=True, slots=True)
class ClosedMetrics:
    """An account's metrics as of a day's close, and which figures deviate since when."""

    day: date
    values: Mapping[str, Value]
    deviating: Mapping[str, Deviating]


class CurrentMetrics(Protocol):
    """The metrics of every account as of its last close."""

    async def deviating(self, numbers: Collection[int]) -> Mapping[int, tuple[date, Mapping[str, Deviating]]]:
        """The last day told of, and what deviates, by account."""

    async def save(self, closed: Mapping[int, ClosedMetrics]) -> None:
        """Write what closes found, by account."""


class KeptFacts(Protocol):
    """Every fact, as it was stated."""

    async def add(self, events: Sequence[Event[Any]], accounts: Mapping[str, Account], at: datetime) -> None:
        """Keep facts that had no effect here before, received at `at`. Erased people are left out of them."""

    async def of(self, numbers: Collection[int]) -> Mapping[int, Facts]:
        """Every fact of these accounts."""


class Closes(Protocol):
    """The history of closes."""

    async def standing_before(self, account: Account, day: date) -> Standing | None:
        """The standing after the last close before `day`."""

    async def keep_only(self, account: Account, first: date, last: date) -> None:
        """Forget the closes of days outside `first` to `last`."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an erasure did: rows deleted or emptied, and rows kept under a pseudonym."""

    erased: int
    pseudonymised: int


@dataclass(frozen=True, slots=True)
class ErasedAccount:
    """An account that lost its name just now; `sequence` is that of its last record, which is empty."""

    id: str
    sequence: int
    erased_at: datetime


class Erasures(Protocol):
    """Who was erased, by a keyed hash, and the erasing."""

    async def remember(self, kind: str, subject: str, erasure_id: str, at: datetime) -> None:
        """From now on the subject is one of the erased."""

    async def lift(self, kind: str, subject: str) -> None:
        """From now on the subject is none of the erased."""

    async def erase_user(self, subject: str, at: datetime) -> Done:
        """Take the name from the user's numbers, the properties from its events, and the person out of facts."""

    async def erase_account(self, subject: str, at: datetime) -> tuple[Done, Sequence[ErasedAccount]]:
        """Take the account's id and record, and its users, features, properties and facts; its days and closes stay."""


class Rescoring(Protocol):
    """How far the portfolio is scored anew."""

    async def begin(self, parts: int, at: datetime) -> None:
        """Every account is to be scored anew, in parts."""

    async def take(self, part: int, parts: int, limit: int, at: datetime) -> Sequence[str]:
        """The next accounts of a part, marked as done in this transaction; without any left the part has ended."""


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
    def facts(self) -> KeptFacts:
        """The facts."""

    @property
    def customs(self) -> Customs:
        """The custom metrics."""

    @property
    def current_metrics(self) -> CurrentMetrics:
        """The metrics as of the last close."""

    @property
    def closes(self) -> Closes:
        """The closes."""

    @property
    def erased(self) -> Erasures:
        """The erased."""

    @property
    def documents(self) -> Documents:
        """The operator's documents."""

    @property
    def decisions(self) -> Decisions:
        """The journal."""

    @property
    def scorecards(self) -> Scorecards:
        """The scorecards' numbers."""

    @property
    def rescoring(self) -> Rescoring:
        """The re-scoring of the portfolio."""

    @property
    def due(self) -> Timers:
        """The timers."""

    async def first_times(self, events: Sequence[Event[Any]]) -> Sequence[Event[Any]]:
        """Those of the events that had no effect here before."""

    async def in_thread(self, compute: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Compute in a thread of its own, however long it takes, and keep the transaction meanwhile."""

    def publish(self, events: Iterable[Event[Any]]) -> None:
        """Say events, once this transaction is committed."""


class OpenWork(Protocol):
    """Opens a transaction; with a batch, it first moves the batch's offsets (raises `PositionTaken`)."""

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """The transaction: committed at the end of the block, rolled back when it raises."""
