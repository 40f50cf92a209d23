"""Commands about contracts: enter one, amend one, cancel one. Each ends by settling the account."""

from collections.abc import Sequence

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from renewals.application.ports import AccountLedger, OpensWork, Work
from renewals.application.settling import SettleAccounts
from renewals.domain import entering
from renewals.domain.contracts import Amendment, Contract
from renewals.domain.entering import NewContract
from renewals.domain.errors import AccountErased, CurrencyDiffers


class EnterContract:
    """Take a contract in. Its window opens at once, late, if its day has passed already."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def __call__(self, stated: NewContract, *, by: str) -> Contract:
        """The contract as it stands.

        Raises `ContractInvalid`, `CurrencyUnknown`, `AccountErased` and `ExternalIdTaken`.
        """
        now = self._clock.now()
        contract = entering.enter(new_id(now), stated, now)
        async with self._work() as work:
            ledgers = await work.accounts.lock([contract.account_id])
            if not ledgers:
                raise AccountErased(contract.account_id)
            await work.contracts.add(contract, entered_at=now, entered_by=by)
            await self._settle.settle(work, ledgers)
            return await work.contracts.get(contract.id)


class AmendContract:
    """Change a contract from its running term on."""

    def __init__(self, work: OpensWork, settle: SettleAccounts) -> None:
        self._work = work
        self._settle = settle

    async def __call__(self, contract_id: str, change: Amendment, *, currency: str | None = None) -> Contract:
        """The contract as it stands after the change; `currency` is that of the amended amount.

        Raises `ContractUnknown`, `ContractOver`, `ContractInvalid`, `AccountErased` and `ExternalIdTaken`.
        """
        async with self._work() as work:
            contract, ledgers = await _locked(work, contract_id)
            if currency is not None and currency != contract.currency:
                raise CurrencyDiffers(contract.currency, currency)
            await work.contracts.save([(contract, entering.amend(contract, change))])
            await self._settle.settle(work, ledgers)
            return await work.contracts.get(contract_id)


class CancelContract:
    """End a contract now, whatever its dates say."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def __call__(self, contract_id: str, reason: str) -> Contract:
        """The contract, over; `reason` is for a person. Raises `ContractUnknown` and `ContractOver`."""
        async with self._work() as work:
            contract, ledgers = await _locked(work, contract_id)
            now = self._clock.now()
            cancelled, ended = contract.cancel(now, reason)
            await work.contracts.save([(contract, cancelled)])
            self._settle.tell(work, cancelled, ended, None, now)
            await self._settle.settle(work, ledgers)
            return cancelled


async def _locked(work: Work, contract_id: str) -> tuple[Contract, Sequence[AccountLedger]]:
    found = await work.contracts.get(contract_id)
    ledgers = await work.accounts.lock([found.account_id])
    if not ledgers:
        raise AccountErased(found.account_id)
    return await work.contracts.get(contract_id), ledgers  # read again: it may have changed before the lock was ours
