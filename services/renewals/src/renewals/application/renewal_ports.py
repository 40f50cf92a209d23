"""What renewals, beside contracts, need of the outside: where each stands, milestones, hand-overs, and the policy."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from renewals.domain.contracts import Contract
from renewals.domain.milestones import Reached
from renewals.domain.ownership import Handover, Holding, Owner
from renewals.domain.policy import RenewalPolicy
from renewals.domain.renewal import RenewalState, Risk
from renewals.domain.terms import TermKey


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a renewal stands, for the board: kept as the account is looked at, so that nothing has to be worked out.

    `arr` is that of the last day, in the currency's minor unit; `due_on` is that day as it was agreed.
    """

    contract_id: str
    term: int
    account_id: str
    state: RenewalState
    due_on: date
    currency: str
    arr: Decimal
    owner: Owner
    tier: str | None
    segment: str | None
    risk: Risk | None

    @property
    def key(self) -> TermKey:
        """Which renewal it is."""
        return self.contract_id, self.term


@dataclass(frozen=True, slots=True)
class KeptMilestone:
    """A milestone as it was recorded, and how late; `superseded`: people heard of a later one in its place."""

    name: str
    on: date
    reached_at: datetime
    late_by_seconds: int
    superseded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which renewals: due on the days `[first, last]`, and those of the stated kinds; None or empty: all."""

    first: date
    last: date
    account_id: str | None = None
    states: frozenset[RenewalState] = frozenset()
    owner: str | None = None
    tier: str | None = None
    segment: str | None = None

    def take(self, one: Standing) -> bool:
        """Whether a renewal is among them."""
        return (
            self.first <= one.due_on <= self.last
            and self.account_id in {None, one.account_id}
            and (not self.states or one.state in self.states)
            and self.owner in {None, one.owner.person, one.owner.with_}
            and self.tier in {None, one.tier}
            and self.segment in {None, one.segment}
        )


@dataclass(frozen=True, slots=True)
class Total:
    """How many renewals stand somewhere, and what they are worth a year, in one currency."""

    state: RenewalState
    currency: str
    renewals: int
    arr: Decimal


Place = tuple[date, str, int]
"""The order of renewals: due day, contract, number."""


class RenewalBook(Protocol):
    """Renewals, within one transaction."""

    async def standings(self, contract_ids: Collection[str]) -> Mapping[TermKey, Standing]:
        """Where the contracts' renewals stood when their accounts were looked at last."""

    async def keep(self, standings: Sequence[Standing], gone: Collection[TermKey]) -> None:
        """Keep where renewals stand now, and forget those that never were."""

    async def milestones(self, contract_ids: Collection[str]) -> Mapping[TermKey, Sequence[KeptMilestone]]:
        """What was reached, in the order of the days."""

    async def reach(self, contract_id: str, reached: Sequence[tuple[Reached, int]], at: datetime) -> None:
        """Record milestones, each with how many seconds late it was reached; one that is recorded stays as it is."""

    async def handovers(self, contract_ids: Collection[str]) -> Mapping[TermKey, Sequence[Handover]]:
        """To whom renewals were given, oldest first."""

    async def hand_over(self, key: TermKey, handover: Handover) -> None:
        """Give a renewal to somebody."""

    async def renewed_by(self, contract_ids: Collection[str], known_at: datetime | None = None) -> Mapping[str, date]:
        """Of contracts that another one renews: the day on which that was entered, where it is; its start at latest."""

    async def holdings(
        self, account_ids: Collection[str], *, day: date | None = None, known_at: datetime | None = None
    ) -> Mapping[str, Holding]:
        """What accounts are now; or were as a day ended (UTC), as it was known at an instant."""

    async def page(self, wanted: Filters, *, after: Place | None, limit: int) -> Sequence[Standing]:
        """Up to `limit` renewals by due day, contract and number, after the given place."""

    async def totals(self, wanted: Filters) -> Sequence[Total]:
        """What those renewals add up to, by state and currency."""

    async def at_work_of(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of the accounts that have a renewal whose window is open."""

    async def ever_due(self, wanted: Filters, known_at: datetime, *, limit: int) -> Sequence[str]:
        """Up to `limit` contracts of which it was ever said, up to an instant, that a term is due on those days."""

    async def known(self, contract_ids: Collection[str], known_at: datetime) -> Sequence[Contract]:
        """Contracts as they were known at an instant."""


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A version of the operator's policy as it was written; version 0 comes with Mainstay and has no rule."""

    version: int
    body: Mapping[str, Any]
    saved_at: datetime | None
    saved_by: str | None


SHIPPED = SavedPolicy(0, {"about": None, "rules": []}, None, None)


class Policies(Protocol):
    """The operator's policy, within one transaction: every version saved is kept."""

    async def in_force(self, at: datetime | None = None) -> RenewalPolicy:
        """The rules of the newest version, or of the one that was in force at an instant."""

    async def lock(self) -> None:
        """Be the only one to save a version, until the transaction ends."""

    async def latest(self, at: datetime | None = None) -> SavedPolicy:
        """The newest version, or the one that was in force at an instant."""

    async def version(self, number: int) -> SavedPolicy | None:
        """One version."""

    async def before(self, number: int | None, limit: int, at: datetime | None = None) -> Sequence[SavedPolicy]:
        """Up to `limit` versions below a number, newest first; of those saved by an instant."""

    async def save(self, policy: SavedPolicy) -> None:
        """Keep the next version."""

    async def look_at_everybody(self, at: datetime) -> int:
        """Have every account that has contracts looked at from an instant on; answers how many."""
