"""Forecast calls: the automated one of each undecided renewal, kept up to date, and those that people say.

Every call is dated and none is overwritten; of one kind the latest holds.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from renewals.application.announcing import SOURCE, term_id
from renewals.application.ports import Health, OpensWork, Work
from renewals.application.timers import next_day
from renewals.domain.contracts import Contract
from renewals.domain.entering import exact
from renewals.domain.errors import AccountErased, CurrencyDiffers, TermUnknown
from renewals.domain.forecasting import (
    TREND_DAYS,
    UNKNOWN_BAND,
    CallKind,
    Category,
    Factor,
    Past,
    Situation,
    estimate,
    tenure,
    trend,
    undecided,
)
from renewals.domain.terms import TermKey

UNTOLD = Situation()
"""Of a person's call: they do not say by what they go."""


class RenewalDecided(Exception):
    """There is nothing to forecast: the term is decided, or never comes up for renewal."""

    def __init__(self, of: str) -> None:
        super().__init__(f"{of} is decided, or does not come up for renewal")


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody says of a renewal: `probability` is 0–1, `amount` the ARR with which the next term begins."""

    category: Category
    probability: Decimal
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """A call as it is to be kept. `said_by` is a person, or renewals itself; `recorded_by` the key that was used."""

    contract_id: str
    term: int
    kind: CallKind
    stated: Stated
    standing: Situation = UNTOLD
    factors: tuple[Factor, ...] = ()
    said_at: datetime
    said_by: str
    recorded_by: str

    def says_what(self, other: "NewCall | None") -> bool:
        """Whether another call says the same of the same standing; how it was come by may differ."""
        return other is not None and (self.stated, self.standing) == (other.stated, other.standing)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was kept, under its number."""

    number: int
    said: NewCall


class CallBook(Protocol):
    """The calls, and the past that automated ones are made of; within one transaction."""

    async def latest(self, kind: CallKind, contract_ids: Collection[str]) -> Mapping[TermKey, Call]:
        """The latest call of a kind of each term of the contracts that has any."""

    async def add(self, calls: Sequence[NewCall]) -> None:
        """Keep calls beside those of before."""

    async def of_term(self, key: TermKey, *, on_record_at: datetime, before: int | None, limit: int) -> Sequence[Call]:
        """Up to `limit` calls of a term that had been said by an instant, newest first, before the given number."""

    async def past(self) -> Past:
        """What became of terms, as counted last."""

    async def count_past(self, today: date, now: datetime) -> None:
        """Count what became of terms whose grace was over before today."""


class ForecastRenewals:
    """Says the automated call of each undecided renewal, where it differs from the one said last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work, account_ids: Iterable[str]) -> None:
        """Lock the accounts and look at their renewals."""
        ids = [ledger.account_id for ledger in await work.accounts.lock(account_ids)]
        if ids:
            await self.look(work, await work.contracts.of_accounts(ids), await work.health.of_accounts(ids))

    async def look(self, work: Work, contracts: Collection[Contract], health: Mapping[str, Health]) -> None:
        """Look at the renewals of locked accounts, given all their contracts, and arm tomorrow's look."""
        now = self._clock.now()
        of_account = defaultdict[str, list[Contract]](list)
        for contract in contracts:
            of_account[contract.account_id].append(contract)
        today = {contract.id: contract.today(now) for contract in contracts}
        open_ones = [pair for own in of_account.values() for pair in undecided(own, today)]
        if not open_ones:
            return
        past = await work.calls.past()
        before = await work.health.scores_at(list(of_account), now - timedelta(days=TREND_DAYS))
        last = await work.calls.latest(CallKind.AUTOMATED, [contract.id for contract, _ in open_ones])
        said = []
        for contract, term in open_ones:
            own = health.get(contract.account_id)
            standing = Situation(
                band=own.band if own and own.band != UNKNOWN_BAND else None,
                trend=trend(own.score, before.get(contract.account_id)) if own else None,
                tenure=tenure(of_account[contract.account_id], today[contract.id]),
            )
            made = estimate(contract, standing, past)
            call = NewCall(
                contract_id=contract.id,
                term=term.number,
                kind=CallKind.AUTOMATED,
                stated=Stated(made.category, made.probability, made.amount),
                standing=standing,
                factors=made.factors,
                said_at=now,
                said_by=SOURCE,
                recorded_by=SOURCE,
            )
            known = last.get((contract.id, term.number))
            if not call.says_what(known.said if known else None):
                said.append(call)
        await work.calls.add(said)
        tomorrow = next_day(now)
        await work.timers.arm_forecasts((contract.account_id, tomorrow) for contract, _ in open_ones)
        await work.timers.arm_counting(now)


class CountPast:
    """Counts what became of renewals, once a day, so that looking at one account need not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work) -> datetime:
        """Count, and answer when to count next."""
        now = self._clock.now()
        await work.calls.count_past(now.date(), now)
        return next_day(now)


class SayCall:
    """Keep a person's call of a renewal; saying the same again changes nothing."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, key: TermKey, kind: CallKind, stated: Stated, *, author: str, by: str) -> Call:
        """The call that holds.

        Raises `ContractUnknown`, `TermUnknown`, `RenewalDecided`, `AccountErased`, `CurrencyDiffers`,
        `AmountInvalid` and `CurrencyUnknown`.
        """
        contract_id, number = key
        now = self._clock.now()
        async with self._work() as work:
            account_id = (await work.contracts.get(contract_id)).account_id
            if not await work.accounts.lock([account_id]):
                raise AccountErased(account_id)
            contracts = await work.contracts.of_accounts([account_id])
            self._check(contracts, key, stated, now)
            amount = Money(exact(stated.amount.amount, stated.amount.currency), stated.amount.currency)
            call = NewCall(
                contract_id=contract_id,
                term=number,
                kind=kind,
                stated=Stated(stated.category, stated.probability, amount, stated.note),
                said_at=now,
                said_by=author,
                recorded_by=by,
            )
            known = (await work.calls.latest(kind, [contract_id])).get(key)
            if known is None or not call.says_what(known.said) or known.said.said_by != author:
                await work.calls.add([call])
                known = (await work.calls.latest(kind, [contract_id]))[key]
            return known

    @staticmethod
    def _check(contracts: Collection[Contract], key: TermKey, stated: Stated, now: datetime) -> None:
        of = term_id(*key)
        contract = next((each for each in contracts if each.id == key[0]), None)
        if contract is None or all(term.number != key[1] for term in contract.terms):
            raise TermUnknown(of)
        today = {each.id: each.today(now) for each in contracts}
        if all((each.id, term.number) != key for each, term in undecided(contracts, today)):
            raise RenewalDecided(of)
        if stated.amount.currency != contract.currency:
            raise CurrencyDiffers(contract.currency, stated.amount.currency)
