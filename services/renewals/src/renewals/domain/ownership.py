"""Who owns a renewal on a day: whoever it was handed to, else who the policy says, from the account's dated team."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from renewals.domain.policy import Cadence, OwnerRole

CSM = "csm"
SALES = "sales"
RENEWAL_OWNER = "renewal_owner"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One of our people has a role at an account from `since` to `until`, its last day (None: no end is known)."""

    role: str
    person: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account is on a day, as far as it concerns its renewals."""

    tier: str | None = None
    segment: str | None = None
    owner: str | None = None
    team: tuple[Assignment, ...] = ()

    def has(self, role: str, day: date) -> str | None:
        """Who has a role on a day; of several whoever has had it longest."""
        here = [each for each in self.team if each.role == role and each.since <= day <= (each.until or date.max)]
        return min(here, key=lambda each: (each.since, each.person)).person if here else None

    def turns(self) -> frozenset[date]:
        """The days on which somebody else has a role."""
        ends = {
            date.fromordinal(each.until.toordinal() + 1) for each in self.team if each.until and each.until < date.max
        }
        return frozenset({each.since for each in self.team} | ends)


NOTHING_KNOWN = Holding()


@dataclass(frozen=True, slots=True)
class Handover:
    """A renewal was given to somebody by hand; `owner` None gives it back to whom the policy says."""

    owner: str | None
    reason: str
    at: datetime
    by: str


class Source(StrEnum):
    """How an owner came to be it."""

    HANDOVER = "handover"
    TEAM = "team"
    ACCOUNT = "account"
    POLICY = "policy"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who answers for a renewal, with whom (sales, where the policy says both), in which role, and why."""

    person: str | None
    with_: str | None
    role: OwnerRole
    source: Source


def owner_of(cadence: Cadence, account: Holding, handovers: Sequence[Handover], day: date) -> Owner:
    """The owner on a day. `handovers` are those of that day and before, oldest first.

    Where the account's team has nobody for the renewal, the policy's team has it; else the CSM, or the account's owner.
    """
    co_owner = account.has(SALES, day) if cadence.owner is OwnerRole.CSM_AND_SALES else None
    if handovers and handovers[-1].owner:
        return Owner(handovers[-1].owner, co_owner, cadence.owner, Source.HANDOVER)
    if cadence.owner is OwnerRole.RENEWAL_TEAM:
        if person := account.has(RENEWAL_OWNER, day):
            return Owner(person, None, cadence.owner, Source.TEAM)
        if cadence.team:
            return Owner(cadence.team, None, cadence.owner, Source.POLICY)
    if person := account.has(CSM, day):
        return Owner(person, co_owner, cadence.owner, Source.TEAM)
    source = Source.ACCOUNT if account.owner else Source.NOBODY
    return Owner(account.owner, co_owner, cadence.owner, source)
