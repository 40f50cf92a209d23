"""What accounts use of what they bought: as others state it, as it burns down, and what is paid beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.kernel.money import Money
from renewals.application.moments import When
from renewals.application.ports import OpensWork, Work
from renewals.domain.burn_down import BurnDown, Charge, ChargeKind, MetricNeeded, NothingBought, burn_down
from renewals.domain.consumption import Reading, levels, now_of
from renewals.domain.contracts import Contract
from renewals.domain.currencies import smallest
from renewals.domain.errors import LARGEST_AMOUNT, AccountErased, AmountInvalid, CurrencyDiffers, EffectiveOutsideTerms
from renewals.domain.terms import Term

Metric = tuple[str, str]
"""An account and the name of something that it uses."""


@dataclass(frozen=True, slots=True)
class KeptCharge:
    """A charge as it was recorded."""

    id: str
    contract_id: str
    charge: Charge
    reason: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Charged:
    """Charges of one kind and metric in one currency, added up."""

    kind: ChargeKind
    metric: str
    quantity: Decimal
    amount: Money
    contracts: int


class ConsumptionBook(Protocol):
    """Readings and charges, within one transaction."""

    async def record(self, readings: Sequence[tuple[Metric, Reading]], at: datetime) -> frozenset[Metric]:
        """Take in what was stated, field by field in whatever order; of which metrics. The erased are left out.

        Values of before stay on record, as known until `at`.
        """

    async def metrics(self, account_ids: Collection[str]) -> Sequence[Metric]:
        """What is known of the use of accounts, in order."""

    async def readings(
        self, metrics: Collection[Metric], since: date, known_at: datetime | None = None
    ) -> Mapping[Metric, Sequence[Reading]]:
        """What was stated of each metric, by day, from a year before `since` on; as it was known at an instant."""

    async def add_charge(self, kept: KeptCharge) -> None:
        """Keep a charge beside those of before."""

    async def charges(self, contract_id: str, known_at: datetime | None = None) -> Sequence[Charge]:
        """Every charge of a contract, as it was known at an instant."""

    async def charged(
        self,
        first: date,
        last: date,
        known_at: datetime,
        *,
        after: tuple[str, str, str] | None,
        limit: int,
    ) -> "Sequence[Charged]":
        """Up to `limit` sums of charges of days of `[first, last)`, by kind, metric and currency, after the given."""

    async def charges_page(
        self, contract_id: str, when: When, *, after: str | None, limit: int
    ) -> Sequence[KeptCharge]:
        """Up to `limit` charges of a contract, in the order in which they were recorded, after the given one.

        Those of days up to the one asked for, as they were known.
        """


@dataclass(frozen=True, slots=True)
class Burning:
    """A contract's burn-down of a metric in a term; `share` is its part of the account's use."""

    contract: Contract
    term: Term
    metric: str
    burnt: BurnDown
    charges: Sequence[Charge]
    share: Fraction
    as_of: date


class BurnDowns:
    """Answers how what was bought is burnt down, and keeps what is paid beside it."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, contract_id: str, metric: str | None, when: When) -> Burning:
        """The burn-down in the term that runs on a day (today, where the contract is), by what was known.

        Raises `ContractUnknown`, `EffectiveOutsideTerms`, `NothingBought` and `MetricNeeded`.
        """
        known_at = when.known_at or self._clock.now()
        async with self._work() as work:
            contract = await work.ledger.revision(contract_id, known_at)
            today = contract.today(known_at)
            day = min(when.as_of or today, today)
            term = next((each for each in contract.terms if each.covers(day)), None)
            if term is None and when.as_of is None:
                term = contract.latest  # over, or yet to begin
            if term is None:
                raise EffectiveOutsideTerms(contract_id, day)
            name = metric or _only(contract, term, day)
            recorded = await work.ledger.of_accounts([contract.account_id], known_at)
            others = [each for each in recorded if each.account_id == contract.account_id]
            return await burning(work, contract, term, name, day, others, known_at)

    async def charge(self, contract_id: str, charge: Charge, currency: str, *, reason: str, by: str) -> KeptCharge:
        """Keep a top-up or overage. Raises `ContractUnknown`, `AccountErased`, `CurrencyDiffers`, `AmountInvalid`."""
        async with self._work() as work:
            contract = await work.contracts.get(contract_id)
            if not await work.accounts.lock([contract.account_id]):
                raise AccountErased(contract.account_id)
            if currency != contract.currency:
                raise CurrencyDiffers(contract.currency, currency)
            _check_amount(charge.amount, currency)
            now = self._clock.now()
            kept = KeptCharge(new_id(now), contract_id, charge, reason, now, by)
            await work.consumption.add_charge(kept)
            return kept


async def burning(
    work: Work,
    contract: Contract,
    term: Term,
    metric: str,
    day: date,
    others: Sequence[Contract],
    known_at: datetime | None = None,
) -> Burning:
    """The burn-down of a metric in a term up to a day, by what was known. Raises `NothingBought`."""
    of_account = (contract.account_id, metric)
    readings = (await work.consumption.readings([of_account], term.start, known_at)).get(of_account, ())
    readings = [each for each in readings if each.day <= day]
    stated = now_of(readings).bought
    if metric not in dict(term.shown(day).entitlements) and stated is None:
        raise NothingBought(contract.id, metric, [name for name, _ in term.shown(day).entitlements])
    charges = await work.consumption.charges(contract.id, known_at)
    share = share_of(contract, term, metric, day, others)
    burnt = burn_down(term, metric, list(levels(readings)), charges, today=day, bought=stated, share=share)
    return Burning(contract, term, metric, burnt, charges, share, day)


def share_of(contract: Contract, term: Term, metric: str, day: date, others: Sequence[Contract]) -> Fraction:
    """A contract's part of the account's use: that of what is bought by contracts that run on a day."""
    mine = dict(term.shown(day).entitlements).get(metric, 0)
    bought = [
        dict(running.entitlements).get(metric, 0)
        for other in others
        if other.id != contract.id
        for each in other.terms
        if (running := each.on(day)) is not None
    ]
    return Fraction(mine, mine + sum(bought)) if mine else Fraction(1)


def _only(contract: Contract, term: Term, day: date) -> str:
    known = [name for name, _ in term.shown(day).entitlements]
    if not known:
        raise NothingBought(contract.id, None, known)
    if len(known) > 1:
        raise MetricNeeded(known)
    return known[0]


def _check_amount(amount: Decimal, currency: str) -> None:
    if abs(amount) >= LARGEST_AMOUNT or amount % smallest(currency):
        raise AmountInvalid(f"an amount of {currency} is below {LARGEST_AMOUNT:f}, in steps of {smallest(currency)}")
