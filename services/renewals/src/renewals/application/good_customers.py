"""The operator's document of what makes a good customer, and its use: on a deal before it is signed, and in reviews."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from mainstay.kernel.clock import Clock
from renewals.application.inputs import AccountGroup
from renewals.application.moments import NOW, When
from renewals.application.ports import OpensWork, Work
from renewals.domain.civil import months_from
from renewals.domain.contracts import Contract, Kind
from renewals.domain.good_customers import MONEY, Criteria, Criterion, Fact, Facts, Judgement, Known, judge
from renewals.domain.rates import RateMissing, rate_on

PLACES = 6


class CriteriaMovedOn(Exception):
    """Somebody saved another version meanwhile."""

    def __init__(self, expected: int, latest: int) -> None:
        super().__init__(f"version {expected} was to be replaced, and the latest is {latest}")


class CriteriaUnknown(LookupError):
    """There is no such version; before the first, none at all."""

    def __init__(self, version: int | None) -> None:
        super().__init__("nobody has saved criteria yet" if version is None else f"there is no version {version}")


@dataclass(frozen=True, slots=True)
class SavedCriteria:
    """A version, in force from `saved_at` to the next one's, and the document as it was sent."""

    criteria: Criteria
    document: Mapping[str, Any]
    saved_at: datetime
    saved_by: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What an account is, as far as health-score said."""

    account_id: str
    segment: str | None
    tier: str | None
    industry: str | None
    owner: str | None


class Profiles(Protocol):
    """What accounts are, within one transaction."""

    async def of_accounts(self, account_ids: Collection[str], when: When = NOW) -> Mapping[str, Profile]:
        """Those of the accounts that anything was said of: as they are now, or were as a day ended (UTC)."""

    async def report(self, said: Collection[AccountGroup]) -> None:
        """Keep the latest of what was said; what is about the erased is left out."""


class CriteriaBook(Protocol):
    """The versions of the document, within one transaction."""

    async def lock(self) -> None:
        """Keep others from saving until the commit."""

    async def one(self, version: int | None, on_record_at: datetime | None = None) -> SavedCriteria | None:
        """A version; the latest, if None; of those that had been saved by an instant."""

    async def page(self, *, before: int | None, on_record_at: datetime | None, limit: int) -> Sequence[SavedCriteria]:
        """Up to `limit` versions that had been saved by an instant, newest first, before the given one."""

    async def add(self, saved: SavedCriteria) -> None:
        """Keep a new version."""


class GoodCustomers:
    """Keeps the document and judges by its latest version."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def save(
        self, criteria: Sequence[Criterion], needed: int, document: Mapping[str, Any], *, replaces: int | None, by: str
    ) -> tuple[SavedCriteria, bool]:
        """The version that is in force now, and whether it is new: the same as the latest one is not.

        Raises `CriteriaMovedOn`.
        """
        async with self._work() as work:
            await work.criteria.lock()
            latest = await work.criteria.one(None)
            number = latest.criteria.version if latest else 0
            if replaces is not None and replaces != number:
                raise CriteriaMovedOn(replaces, number)
            if latest and latest.document == document:
                return latest, False
            saved = SavedCriteria(Criteria(number + 1, tuple(criteria), needed), document, self._clock.now(), by)
            await work.criteria.add(saved)
            return saved, True

    async def one(self, version: int | None, when: When) -> SavedCriteria:
        """A version; the latest, if None; of those on record. Raises `CriteriaUnknown`."""
        async with self._work() as work:
            found = await work.criteria.one(version, when.on_record_at)
        if found is None:
            raise CriteriaUnknown(version)
        return found

    async def check(self, stated: Facts, currency: str | None, account_id: str | None) -> Judgement:
        """The verdict on a deal that is not signed yet: what is stated, and else what is known of the account."""
        async with self._work() as work:
            profiles = await work.profiles.of_accounts([account_id] if account_id else [])
            facts = {**_of_profile(profiles.get(account_id or "")), **stated}
            return await self.judge(work, facts, currency)

    async def deal(self, contract: Contract) -> Judgement:
        """The verdict on a contract as it was entered."""
        async with self._work() as work:
            profiles = await work.profiles.of_accounts([contract.account_id])
            facts = facts_of(contract, contract.terms[0].number, profiles.get(contract.account_id))
            return await self.judge(work, facts, contract.currency)

    async def judge(self, work: Work, facts: Facts, currency: str | None, when: When = NOW) -> Judgement:
        """The verdict by the version in force; amounts, in `currency`, at the day's rate. Without one: not known."""
        latest = await work.criteria.one(None, when.on_record_at)
        now = self._clock.now()
        day, quotes = when.today(now), await work.figures.quotes(when.known_at or now)

        def look(criterion: Criterion) -> Known:
            known = facts.get(criterion.fact)
            if criterion.fact not in MONEY or known is None or isinstance(known, str):
                return known
            if currency is None or criterion.currency is None:
                return None
            try:
                rate = rate_on(day, currency, criterion.currency, quotes)
            except RateMissing:
                return None
            return _decimal(Fraction(known) * rate)

        return judge(latest.criteria if latest else None, look)


def facts_of(contract: Contract, number: int, profile: Profile | None) -> Facts:
    """What criteria look at, of one of a contract's terms and its account."""
    term = next(each for each in contract.terms if each.number == number)
    step = term.shown(term.start)
    return {
        **_of_profile(profile),
        Fact.KIND: contract.kind.value,
        Fact.ARR: _decimal(Fraction(step.amount) * 12 / step.months) if contract.kind is Kind.RECURRING else None,
        Fact.AMOUNT: term.amount,
        Fact.SEATS: None if step.seats is None else Decimal(step.seats),
        Fact.MONTHS: _decimal(term.months),
    }


def tenure_months(contract: Contract, until: date) -> Decimal:
    """How long a customer had a contract by a day, in months."""
    start = contract.terms[0].start
    return _decimal(months_from(start, max(until, start)))


def _of_profile(profile: Profile | None) -> dict[Fact, Known]:
    if profile is None:
        return {}
    return {Fact.SEGMENT: profile.segment, Fact.TIER: profile.tier, Fact.INDUSTRY: profile.industry}


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(f"{round(exact * 10**PLACES)}e-{PLACES}")
