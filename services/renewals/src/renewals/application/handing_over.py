"""Commands about renewals: give one to somebody, and save the operator's policy. Each ends by looking at accounts."""

from collections.abc import Mapping
from typing import Any

from mainstay.kernel.clock import Clock
from renewals.application.calendars import is_holiday
from renewals.application.ports import OpensWork
from renewals.application.renewal_ports import SavedPolicy
from renewals.application.settling import SettleAccounts
from renewals.domain.errors import AccountErased, ContractUnknown, TermUnknown
from renewals.domain.ownership import Handover
from renewals.domain.renewal import Step, StepRefused, plans, refusal


class HandOver:
    """Give a renewal to somebody, or back to whom the policy says. Whoever had it before is kept."""

    def __init__(self, work: OpensWork, settle: SettleAccounts, clock: Clock) -> None:
        self._work = work
        self._settle = settle
        self._clock = clock

    async def __call__(self, contract_id: str, number: int, owner: str | None, reason: str, *, by: str) -> None:
        """Saying what holds already changes nothing. Raises `TermUnknown`, `StepRefused` and `AccountErased`."""
        async with self._work() as work:
            try:
                account_id = (await work.contracts.get(contract_id)).account_id
                ledgers = await work.accounts.lock([account_id])
                contract = await work.contracts.get(contract_id)
            except ContractUnknown as error:
                raise TermUnknown(f"{contract_id}.{number}") from error
            if not ledgers:
                raise AccountErased(account_id)
            now = self._clock.now()
            renewed_by = await work.renewals.renewed_by([contract_id])
            of_term = (each for each in plans(contract, is_holiday, renewed_by) if each[0].number == number)
            term, plan = next(of_term, (None, None))
            if term is None or plan is None:
                raise TermUnknown(f"{contract_id}.{number}")
            if why := refusal(contract, term, plan, Step.HAND_OVER, contract.today(now)):
                raise StepRefused(Step.HAND_OVER, why)
            before = (await work.renewals.handovers([contract_id])).get((contract_id, number), ())
            if (before[-1].owner if before else None) == owner:
                return
            await work.renewals.hand_over((contract_id, number), Handover(owner, reason, now, by))
            await self._settle.settle(work, ledgers)


class PolicyMovedOn(Exception):
    """The policy has another version by now than the one that was to be replaced."""

    def __init__(self, expected: int, present: int) -> None:
        super().__init__(f"version {expected} was to be replaced; version {present} is in force")


class PolicyUnknown(LookupError):
    """There is no such version of the policy."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the policy has no version {version}")


class SavePolicy:
    """Put another policy in force; every account is looked at by it, in the background."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, body: Mapping[str, Any], *, replaces: int | None, by: str) -> tuple[SavedPolicy, bool]:
        """What is in force, and whether it is new: the same as before is no new version. Raises `PolicyMovedOn`."""
        now = self._clock.now()
        async with self._work() as work:
            await work.policies.lock()
            present = await work.policies.latest()
            if replaces is not None and replaces != present.version:
                raise PolicyMovedOn(replaces, present.version)
            if present.body == body:
                return present, False
            saved = SavedPolicy(present.version + 1, body, now, by)
            await work.policies.save(saved)
            await work.policies.look_at_everybody(now)
            return saved, True
