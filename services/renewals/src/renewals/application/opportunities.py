"""Opportunities as people work on them, and the credit for what came of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.kernel.money import Money
from renewals.application.announcing import term_id
from renewals.application.churn import outcomes_of
from renewals.application.figures import TooManyPeriods
from renewals.application.moments import NOW, When
from renewals.application.ports import OpensWork, Work
from renewals.domain.entering import exact
from renewals.domain.errors import AccountErased, RenewsAnother, TermUnknown
from renewals.domain.opportunities import (
    Credit,
    Need,
    Opportunity,
    OpportunityKind,
    OpportunityMovedOn,
    OpportunityUnknown,
    Stage,
    check_credits,
    credited,
)
from renewals.domain.outcomes import TermOutcome
from renewals.domain.terms import rounded

MOST_SPLITS = 20_000


@dataclass(frozen=True, slots=True)
class KeptOpportunity:
    """An opportunity as it stands: made and changed when (UTC), and by whom."""

    opportunity: Opportunity
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which opportunities; None: whatever it is."""

    account_id: str | None = None
    owner: str | None = None
    stage: Stage | None = None
    kind: OpportunityKind | None = None


class OpportunityBook(Protocol):
    """Opportunities and credits, within one transaction."""

    async def add(self, opportunity: Opportunity, at: datetime, by: str) -> bool:
        """Keep a new one; whether it is the first of its contract, term, signal and subject."""

    async def was_seen(self, account_id: str, need: Need) -> bool:
        """Whether the account has an opportunity of the same signal and subject, of whatever term."""

    async def get(self, opportunity_id: str, on_record_at: datetime | None = None) -> KeptOpportunity | None:
        """One of them, as it was on record at an instant."""

    async def page(
        self, wanted: Wanted, on_record_at: datetime | None, *, after: str | None, limit: int
    ) -> Sequence[KeptOpportunity]:
        """Up to `limit` of them as they were on record, in the order in which they were made, after the given one."""

    async def save(self, opportunity: Opportunity, at: datetime, by: str) -> None:
        """Keep what it is now; its versions of before stay."""

    async def versions(
        self, opportunity_id: str, on_record_at: datetime | None, *, before: int | None, limit: int
    ) -> Sequence[KeptOpportunity]:
        """Up to `limit` versions that were on record, newest first, before the given one."""

    async def add_credit(self, contract_id: str, number: int, split: Sequence[Credit], at: datetime, by: str) -> None:
        """Keep the split for a term's renewal beside those of before."""

    async def credit(self, contract_id: str, number: int, known_at: datetime | None) -> "RenewalCredit | None":
        """The latest split for a term's renewal that was known."""

    async def won(self, first: date, last: date, on_record_at: datetime | None, *, limit: int) -> Sequence[Opportunity]:
        """Up to `limit` opportunities that were won, with a share that counts on days of `[first, last)`."""

    async def splits(
        self, first: date, last: date, known_at: datetime | None, *, limit: int
    ) -> "Sequence[RenewalSplit]":
        """Up to `limit` latest splits for renewals, with a share that counts on days of `[first, last)`."""


@dataclass(frozen=True, slots=True)
class RenewalCredit:
    """Who gets the credit for a renewal, as it was recorded."""

    credits: tuple[Credit, ...]
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class RenewalSplit:
    """The split for a term's renewal."""

    contract_id: str
    number: int
    credits: tuple[Credit, ...]


RENEWAL = "renewal"


@dataclass(frozen=True, slots=True)
class PersonCredit:
    """What a person is credited with in a period, of renewals or of one kind of opportunities, in one currency."""

    person: str
    what: str
    amount: Money
    successes: int


@dataclass(frozen=True, slots=True)
class CreditedRenewal:
    """A term, how it came out if it did, in which currency, and who gets the credit."""

    contract_id: str
    number: int
    currency: str
    outcome: TermOutcome | None
    credit: RenewalCredit | None


Changes = Callable[[Opportunity], Opportunity]
"""An opportunity as somebody says that it is now."""


class Opportunities:
    """Enters, changes and reads opportunities; splits credit."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def enter(self, account_id: str, changes: Changes, kind: OpportunityKind, *, by: str) -> KeptOpportunity:
        """Keep one that somebody saw. Raises `AccountErased`, `ContractUnknown`, `RenewsAnother`, and as `change`."""
        now = self._clock.now()
        begun = Opportunity(id=new_id(now), account_id=account_id, kind=kind, stage=Stage.OPEN, version=0)
        async with self._work() as work:
            if not await work.accounts.lock([account_id]):
                raise AccountErased(account_id)
            opportunity = begun.changed(_checked(changes(begun)), now.date())
            if opportunity.contract_id is not None:
                contract = await work.contracts.get(opportunity.contract_id)
                if contract.account_id != account_id:
                    raise RenewsAnother(contract.id)
            await work.opportunities.add(opportunity, now, by)
            return KeptOpportunity(opportunity, now, by, now, by)

    async def change(self, opportunity_id: str, changes: Changes, *, replaces: int | None, by: str) -> KeptOpportunity:
        """What it is now.

        Raises `OpportunityUnknown`, `OpportunityMovedOn`, `AccountErased`, `OutcomeIncomplete`, `CreditsInvalid`,
        `AmountInvalid` and `CurrencyUnknown`.
        """
        now = self._clock.now()
        async with self._work() as work:
            found = await self._locked(work, opportunity_id)
            was = found.opportunity
            if replaces is not None and replaces != was.version:
                raise OpportunityMovedOn(replaces, was.version)
            is_now = was.changed(_checked(changes(was)), now.date())
            await work.opportunities.save(is_now, now, by)
            return KeptOpportunity(is_now, found.created_at, found.created_by, now, by)

    async def _locked(self, work: Work, opportunity_id: str) -> KeptOpportunity:
        """One of them, read again once its account is locked, as by every change."""
        found = await work.opportunities.get(opportunity_id)
        if found is not None and not await work.accounts.lock([found.opportunity.account_id]):
            raise AccountErased(found.opportunity.account_id)
        found = await work.opportunities.get(opportunity_id)
        if found is None:
            raise OpportunityUnknown(opportunity_id)
        return found

    async def get(self, opportunity_id: str, when: When) -> KeptOpportunity:
        """One of them, as it was on record. Raises `OpportunityUnknown`."""
        async with self._work() as work:
            found = await work.opportunities.get(opportunity_id, when.on_record_at)
        if found is None:
            raise OpportunityUnknown(opportunity_id)
        return found

    async def credit(self, contract_id: str, number: int, when: When) -> CreditedRenewal:
        """Who gets the credit for a term's renewal, by the day and as it was known. Raises `TermUnknown`."""
        async with self._work() as work:
            return await self._credited(work, contract_id, number, when)

    async def split(self, contract_id: str, number: int, split: Sequence[Credit], *, by: str) -> CreditedRenewal:
        """Split the credit for a term's renewal, in the place of before. Raises `TermUnknown` and `CreditsInvalid`."""
        check_credits(split)
        async with self._work() as work:
            await self._credited(work, contract_id, number, NOW)
            await work.opportunities.add_credit(contract_id, number, split, self._clock.now(), by)
            return await self._credited(work, contract_id, number, NOW)

    async def by_person(self, first: date, last: date, when: When) -> Sequence[PersonCredit]:
        """What people are credited with on days from `first` on and before `last`, by person, kind and currency.

        Raises `TooManyPeriods` where that would be more than `MOST_SPLITS` successes.
        """
        now = self._clock.now()
        async with self._work() as work:
            won = await work.opportunities.won(first, last, when.on_record_at, limit=MOST_SPLITS + 1)
            splits = await work.opportunities.splits(first, last, when.known_at, limit=MOST_SPLITS + 1)
            if len(won) + len(splits) > MOST_SPLITS:
                raise TooManyPeriods(f"more than {MOST_SPLITS} successes are credited in this period")
            outcomes = await outcomes_of(work, [(each.contract_id, each.number) for each in splits], when, now)
        successes = [(each.kind.value, each.amount, each.credits) for each in won if each.amount]
        for each in splits:
            contract, outcome = outcomes[each.contract_id, each.number]
            if outcome is not None and outcome.renewed:
                successes.append((RENEWAL, rounded(outcome.renewed, contract.currency), each.credits))
        sums: dict[tuple[str, str, str], tuple[Money, int]] = {}
        for what, amount, split in successes:
            for person, part in credited(amount, split, first, last):
                key = (person, what, part.currency)
                was, count = sums.get(key, (Money(Decimal(0), part.currency), 0))
                sums[key] = was + part, count + 1
        return [PersonCredit(person, what, *sums[person, what, code]) for person, what, code in sorted(sums)]

    async def _credited(self, work: Work, contract_id: str, number: int, when: When) -> CreditedRenewal:
        key = (contract_id, number)
        contract, outcome = (await outcomes_of(work, [key], when, self._clock.now())).get(key, (None, None))
        if contract is None or not any(term.number == number for term in when.shown(contract).terms):
            raise TermUnknown(term_id(contract_id, number))
        credit = await work.opportunities.credit(contract_id, number, when.known_at)
        return CreditedRenewal(contract_id, number, contract.currency, outcome, credit)


def _checked(opportunity: Opportunity) -> Opportunity:
    amount = opportunity.amount
    if amount is not None:
        exact(amount.amount, amount.currency)
    return opportunity
