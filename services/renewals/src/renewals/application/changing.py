"""Commands about contracts: enter one, amend one, and what changes hands. Each ends by settling the accounts."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from renewals.application.announcing import handed_over_event
from renewals.application.ports import AccountLedger, Note, OpensWork, Work
from renewals.application.settling import SettleAccounts
from renewals.domain import amending, entering
from renewals.domain.contracts import Amendment, Contract, Kind, Predecessor
from renewals.domain.entering import NewContract
from renewals.domain.errors import AccountErased, CurrencyDiffers
from renewals.domain.happenings import Happening
from renewals.domain.succeeding import check_alike, predecessor, succeeded

Amends = Callable[[Contract, datetime], tuple[Contract, Happening | None]]
"""A contract as it becomes at an instant, and what happened to it by that."""


class EnterContract:
    """Take a contract in. Its window opens at once, late, if its day has passed already."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def __call__(self, stated: NewContract, *, by: str) -> Contract:
        """The contract as it stands; one that it renews ends where it begins.

        Raises `ContractInvalid`, `CurrencyUnknown`, `ContractUnknown`, `ContractOver`, `GraceOver`, `AccountErased` and
        `ExternalIdTaken`.
        """
        now = self._clock.now()
        async with self._work() as work:
            ledgers = await work.accounts.lock([stated.account_id])
            if not ledgers:
                raise AccountErased(stated.account_id)
            if stated.co_terms_with:
                stated = entering.co_terming(stated, await _named(work, stated.co_terms_with, stated))
            renewed = None
            if stated.renews:
                renewed = await self._succeed(work, stated, Note(now, by, "renewed by another contract"))
            contract = entering.enter(new_id(now), stated, now, renewed)
            await work.contracts.add(contract, Note(now, by, "entered"))
            await self._settle.settle(work, ledgers)
            entered = await work.contracts.get(contract.id)
            if entered.kind is Kind.ONE_TIME and not entered.is_over:
                await _hand_over(work, entered, now)
            return entered

    async def _succeed(self, work: Work, stated: NewContract, note: Note) -> Predecessor:
        """End the contract that this one renews where this one begins."""
        before = await _named(work, str(stated.renews), stated)
        ended, happened = succeeded(before, stated.start, note.at)
        await work.contracts.save([(before, ended)], note)
        if happened is not None:
            self._settle.tell(work, ended, happened, None, note.at)
        return predecessor(ended, stated.start)


class AmendContract:
    """Change a contract as somebody says, and record who and why."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def __call__(
        self, contract_id: str, amends: Amends, *, by: str, reason: str, currency: str | None = None
    ) -> Contract:
        """The contract as it stands after the change; `currency` is that of the stated amount.

        Raises `ContractUnknown`, `ContractOver`, `ContractInvalid`, `AccountErased`, `ExternalIdTaken`, and what
        `amends` does.
        """
        async with self._work() as work:
            contract, ledgers = await _locked(work, contract_id)
            if currency is not None and currency != contract.currency:
                raise CurrencyDiffers(contract.currency, currency)
            now = self._clock.now()
            amended, happened = amends(contract, now)
            await work.contracts.save([(contract, amended)], Note(now, by, reason))
            if happened is not None:
                self._settle.tell(work, amended, happened, None, now)
            await self._settle.settle(work, ledgers)
            return await work.contracts.get(contract_id)


def as_a_whole(change: Amendment) -> Amends:
    """Amends the running term and those to come."""
    return lambda contract, _: (entering.amend(contract, change), None)


class AssignContracts:
    """Give one contract, or all of an account, to another account from a day on; figures follow the contracts."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def one(self, contract_id: str, account_id: str, since: date, *, by: str, reason: str) -> Contract:
        """The contract in other hands. Raises `ContractUnknown`, `AccountErased` and `EffectiveInFuture`."""
        async with self._work() as work:
            found = await work.contracts.get(contract_id)
            ledgers = await self._lock(work, found.account_id, account_id)
            locked = await work.contracts.get(contract_id)
            if locked.account_id != found.account_id:  # somebody else gave it away meanwhile
                ledgers = await self._lock(work, locked.account_id, account_id)
            await self._assign(work, [locked], account_id, since, by, reason)
            await self._settle.settle(work, ledgers)
            return await work.contracts.get(contract_id)

    async def all_of(self, account_id: str, into: str, since: date, *, by: str, reason: str) -> int:
        """How many contracts the account had that is one with another since. Raises as `one` does."""
        async with self._work() as work:
            ledgers = await self._lock(work, account_id, into)
            contracts = await work.contracts.of_accounts([account_id])
            await self._assign(work, contracts, into, since, by, reason)
            await self._settle.settle(work, ledgers)
            return len(contracts)

    async def _lock(self, work: Work, *account_ids: str) -> Sequence[AccountLedger]:
        ledgers = await work.accounts.lock(account_ids)
        for account_id in account_ids:
            if account_id not in {ledger.account_id for ledger in ledgers}:
                raise AccountErased(account_id)
        return ledgers

    async def _assign(
        self, work: Work, contracts: Sequence[Contract], account_id: str, since: date, by: str, reason: str
    ) -> None:
        now = self._clock.now()
        given = [(each, amending.assign(each, account_id, since, each.today(now))) for each in contracts]
        await work.contracts.save(given, Note(now, by, reason))


async def _hand_over(work: Work, entered: Contract, now: datetime) -> None:
    """A customer without a recurring contract is nobody's to renew: say that the support desk serves it."""
    others = await work.contracts.of_accounts([entered.account_id])
    if not any(each.kind is Kind.RECURRING and not each.is_over for each in others):
        work.say(handed_over_event(entered, now))


async def _named(work: Work, contract_id: str, by: NewContract) -> Contract:
    """The contract that a new one names, which has to be like it. Raises `RenewsAnother`, `CurrencyDiffers`."""
    found = await work.contracts.get(contract_id)
    check_alike(found, by.account_id, by.kind, by.currency)
    return found


async def _locked(work: Work, contract_id: str) -> tuple[Contract, Sequence[AccountLedger]]:
    """The contract, read again once its account is locked: it may have changed before, or changed hands."""
    found = await work.contracts.get(contract_id)
    while True:
        ledgers = await work.accounts.lock([found.account_id])
        if not ledgers:
            raise AccountErased(found.account_id)
        locked = await work.contracts.get(contract_id)
        if locked.account_id == found.account_id:
            return locked, ledgers
        found = locked
