"""What the handlers need of the outside: one transaction with its stores, timers and events."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from mainstay.contracts.envelope import Event
from mainstay.messaging.consuming import Batch
from renewals.domain.contracts import Contract
from renewals.domain.value import AccountValue

if TYPE_CHECKING:  # they name this module
    from renewals.application.agendas import CalendarBook
    from renewals.application.calling import CallBook
    from renewals.application.churn import ChurnBook
    from renewals.application.cohorts import CohortBook
    from renewals.application.consumption import ConsumptionBook
    from renewals.application.economics import EconomicsBook
    from renewals.application.figures import FigureBook
    from renewals.application.forecast_book import ForecastBook
    from renewals.application.good_customers import CriteriaBook, Profiles
    from renewals.application.imports import ImportBook
    from renewals.application.inputs import Inputs
    from renewals.application.opportunities import OpportunityBook
    from renewals.application.renewal_ports import Policies, RenewalBook
    from renewals.application.sources import SourceBook


@dataclass(frozen=True, slots=True)
class Health:
    """An account's health as last heard: score 0–100 or None, band, coverage 0–1, and since when it holds (UTC)."""

    score: int | None
    band: str
    coverage: float
    as_of: datetime


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One statement about an account's health, and the event that made it.

    The latest by (`health.as_of`, `event_id`) holds.
    """

    account_id: str
    health: Health
    source: str
    event_id: str


@dataclass(frozen=True, slots=True)
class AccountLedger:
    """What was last said about an account's value, and the number under which it was said."""

    account_id: str
    value: AccountValue
    sequence: int


@dataclass(frozen=True, slots=True)
class Note:
    """What the ledger says of a change besides the change: when it was recorded (UTC), by whom (API key), and why."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A contract as it was known from an instant on, until the next revision."""

    number: int
    recorded_at: datetime
    recorded_by: str
    reason: str
    contract: Contract


class Accounts(Protocol):
    """The accounts that have contracts. Their rows are the lock that every change of a contract takes first."""

    async def lock(self, account_ids: Iterable[str]) -> Sequence[AccountLedger]:
        """Lock the accounts' rows in the order of their ids, making the missing ones; until the commit.

        The erased are left out.
        """

    async def known(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of the accounts that have had contracts."""

    async def save(self, ledgers: Sequence[AccountLedger]) -> None:
        """Keep what was said."""


class Contracts(Protocol):
    """Contracts with all their terms."""

    async def get(self, contract_id: str) -> Contract:
        """One contract. Raises `ContractUnknown`."""

    async def of_accounts(self, account_ids: Collection[str]) -> Sequence[Contract]:
        """Every contract of the accounts, oldest first."""

    async def some(self, contract_ids: Collection[str]) -> Mapping[str, Contract]:
        """Those of the contracts that there are, by id."""

    async def page(self, *, account_id: str | None, after: str | None, limit: int) -> Sequence[Contract]:
        """Up to `limit` contracts, in the order of their ids, after the given one."""

    async def named(self, ids: Collection[str], external_ids: Collection[str]) -> Sequence[Contract]:
        """The contracts that have one of the ids, or one of the external ids."""

    async def renewing(self, contract_ids: Collection[str]) -> Sequence[Contract]:
        """The contracts that renew one of these."""

    async def add(self, contract: Contract, note: Note) -> None:
        """Keep a new contract, and record it. Raises `ExternalIdTaken`."""

    async def add_all(self, contracts: Sequence[Contract], note: Note) -> None:
        """Keep new contracts, and record them. Raises `ExternalIdTaken`, and then keeps none."""

    async def save(self, changes: Sequence[tuple[Contract, Contract]], note: Note) -> None:
        """Keep what differs between what each contract was and what it is now, and record it in the ledger.

        Raises `ExternalIdTaken`.
        """


class LedgerBook(Protocol):
    """What was recorded of contracts, and when."""

    async def revision(self, contract_id: str, known_at: datetime) -> Contract:
        """A contract as it was known at an instant. Raises `ContractUnknown`."""

    async def known(
        self,
        known_at: datetime,
        *,
        account_id: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Contract]:
        """Up to `limit` contracts as they were known at an instant, in the order of their ids, after the given one."""

    async def of_accounts(self, account_ids: Collection[str], known_at: datetime) -> Sequence[Contract]:
        """Every contract that was recorded for one of the accounts, as it was known at an instant, oldest first.

        Its account may be another one by then, or still.
        """

    async def latest(self, contract_ids: Collection[str]) -> Mapping[str, int]:
        """The number of each contract's last revision."""

    async def recorded(self, contract_ids: Collection[str]) -> Mapping[str, datetime]:
        """When each contract's last revision was recorded."""

    async def revisions(
        self, contract_id: str, *, known_at: datetime | None = None, after: int, limit: int
    ) -> Sequence[Revision]:
        """Up to `limit` revisions of a contract that were known, oldest first, after the given number."""


class HealthBoard(Protocol):
    """Renewals' own projection of accounts' health."""

    async def report(self, reports: Sequence[HealthReport]) -> None:
        """Take in what health-score said; older statements change nothing, nor do those about the erased."""

    async def scores_at(self, account_ids: Collection[str], at: datetime) -> Mapping[str, int | None]:
        """The scores that accounts had at an instant of the last weeks; those of which none is known are absent."""

    async def of_accounts(self, account_ids: Collection[str]) -> Mapping[str, Health]:
        """The health of those accounts that have any."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an erasure did: rows deleted, and rows kept under a pseudonym."""

    erased: int
    pseudonymised: int


class Erasures(Protocol):
    """Which accounts were erased, by a keyed hash, and the erasing."""

    async def remember(self, kind: str, subject: str, erasure_id: str, at: datetime) -> None:
        """From now on the subject is one of the erased."""

    async def lift(self, kind: str, subject: str) -> None:
        """From now on the subject is none of the erased."""

    async def among(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of the accounts that are erased; it stays so until this transaction ends."""

    async def erase_account(self, subject: str, erasure_id: str, at: datetime) -> Done:
        """Put a pseudonym in the place of the account's id, and cancel its timers; figures stay."""


class Timers(Protocol):
    """Durable timers: an account, the calls of its renewals, or an import is looked at; or the past is counted."""

    async def arm(self, moments: Iterable[tuple[str, datetime]]) -> None:
        """Have each account looked at when its moment has come."""

    async def arm_forecasts(self, moments: Iterable[tuple[str, datetime]]) -> None:
        """Have the calls of each account's renewals made anew when its moment has come."""

    async def arm_counting(self, at: datetime) -> None:
        """Have the past counted, unless that is to come already."""

    async def arm_forgetting(self, now: datetime) -> None:
        """Have what calendars do not show any more forgotten from tomorrow on, unless that is to come already."""

    async def arm_import(self, import_id: str, at: datetime) -> None:
        """Have an import worked on at an instant, and not at the one set before."""


class Work(Protocol):
    """One transaction: everything in it holds, or nothing."""

    @property
    def accounts(self) -> Accounts:
        """The accounts that have contracts."""

    @property
    def contracts(self) -> Contracts:
        """The contracts with their terms."""

    @property
    def ledger(self) -> LedgerBook:
        """What was recorded."""

    @property
    def figures(self) -> "FigureBook":
        """Figures out of the ledger."""

    @property
    def inputs(self) -> "Inputs":
        """What figures need besides contracts."""

    @property
    def renewals(self) -> "RenewalBook":
        """Where renewals stand."""

    @property
    def policies(self) -> "Policies":
        """The operator's renewal policy."""

    @property
    def economics(self) -> "EconomicsBook":
        """Costs and margins."""

    @property
    def churn(self) -> "ChurnBook":
        """Terms that ended, and the reviews of customers that left."""

    @property
    def criteria(self) -> "CriteriaBook":
        """What makes a good customer."""

    @property
    def profiles(self) -> "Profiles":
        """What accounts are now."""

    @property
    def consumption(self) -> "ConsumptionBook":
        """What accounts use."""

    @property
    def opportunities(self) -> "OpportunityBook":
        """What more could be sold."""

    @property
    def sources(self) -> "SourceBook":
        """What other systems say of contracts."""

    @property
    def calendars(self) -> "CalendarBook":
        """Links to calendars, and what those were told."""

    @property
    def imports(self) -> "ImportBook":
        """Files of contracts."""

    @property
    def health(self) -> HealthBoard:
        """The accounts' health as last heard."""

    @property
    def calls(self) -> "CallBook":
        """The forecast calls."""

    @property
    def forecasts(self) -> "ForecastBook":
        """Forecasts out of the ledger and the calls."""

    @property
    def cohorts(self) -> "CohortBook":
        """Retention by cohort."""

    @property
    def erased(self) -> Erasures:
        """The erased."""

    @property
    def timers(self) -> Timers:
        """The durable timers."""

    def say(self, *events: Event[Any]) -> None:
        """Publish events once the transaction has committed."""

    async def first_times(self, ids: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the (source, event id) pairs that had no effect here before; from now on they had."""


class OpensWork(Protocol):
    """Opens a transaction; with a batch it moves the batch's positions first and raises `PositionTaken`."""

    def __call__(self, batch: Batch[Any] | None = None) -> AbstractAsyncContextManager[Work]:
        """Commits when the block ends, rolls back when it raises."""
