"""What people do with risk cases: open one, change it, close it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alerts.application.playing import AccountNotKnown
from alerts.application.ports import OpenWork, Work
from alerts.application.reading import After
from alerts.domain.alerts import AlertUnknown
from alerts.domain.cases import Case, CaseOpen, CaseState, CaseStep, CaseUnknown, changed
from alerts.domain.playbooks import RiskReason
from alerts.domain.runs import RunUnknown
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.kernel.money import Money


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases are asked for; None, or none: any."""

    account_id: str | None = None
    owner: str | None = None
    states: frozenset[CaseState] = frozenset()


class CaseReading(Protocol):
    """Reads cases outside any handler's transaction."""

    async def case(self, case_id: str) -> tuple[Case, Sequence[CaseStep]]:
        """One case and its steps, the first one first. Raises `CaseUnknown`."""

    async def cases(self, query: CaseQuery, *, limit: int, after: After | None) -> Sequence[Case]:
        """A page of cases, the one opened last first."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to open. Without an owner it is the account owner's; without an amount all of its ARR is at risk."""

    account_id: str
    reason: RiskReason
    owner: str | None = None
    plan: str | None = None
    arr_at_risk: tuple[Money, ...] | None = None
    alert_ids: tuple[str, ...] = ()
    run_id: str | None = None


class ManageCases:
    """Opens and changes cases."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def open(self, new: NewCase, *, by: str, comment: str | None) -> Case:
        """Open a case. Raises `AccountNotKnown`, `CaseOpen`, and what is raised of alerts and runs of others."""
        now = self._clock.now()
        async with self._open() as work:
            if new.account_id not in await work.accounts.known([new.account_id]):
                raise AccountNotKnown(new.account_id)
            account = (await work.accounts.lock([new.account_id]))[new.account_id]
            there = await work.cases.open_of(account.id)
            if there is not None:
                raise CaseOpen(account.id, there.id)
            await self._check_links(work, account.id, new.alert_ids, new.run_id)
            case = Case(
                id=new_id(now),
                account_id=account.id,
                reason=new.reason,
                opened_at=now,
                opened_by=by,
                state=CaseState.PLAN_IN_PLACE if new.plan else CaseState.AT_RISK,
                owner=new.owner or account.owner,
                plan=new.plan,
                arr_at_risk=account.arr if new.arr_at_risk is None else new.arr_at_risk,
                alert_ids=new.alert_ids,
                run_id=new.run_id,
            )
            await work.cases.save(case, CaseStep(now, by, {"state": (None, case.state)}, comment))
            return case

    async def change(self, case_id: str, to: Mapping[str, Any], *, by: str, comment: str | None) -> Case:
        """Change fields of a case, or say something about it. Raises `CaseUnknown`, `CaseClosed`, `PlanMissing`."""
        async with self._open() as work:
            account_id = (await work.cases.get(case_id)).account_id
            if account_id not in await work.accounts.lock([account_id]):
                raise CaseUnknown(case_id)  # its account was erased this moment
            before = await work.cases.get(case_id)
            await self._check_links(work, account_id, to.get("alert_ids", ()), to.get("run_id"))
            after, step = changed(before, to, by=by, comment=comment, now=self._clock.now())
            if step is not None:
                await work.cases.save(after, step)
            return after

    @staticmethod
    async def _check_links(work: Work, account_id: str, alert_ids: Sequence[str], run_id: str | None) -> None:
        """What a case refers to is the account's."""
        for alert_id in alert_ids:
            if await work.alerts.account_of(alert_id) != account_id:
                raise AlertUnknown(alert_id)
        if run_id is not None and (await work.runs.get(run_id)).account_id != account_id:
            raise RunUnknown(run_id)
