"""Brings accounts up to now: windows open, milestones pass, terms end. Every command and every timer ends here."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from mainstay.kernel.clock import Clock
from renewals.application import renewing
from renewals.application.announcing import SOURCE, happening_event, term_id, value_event
from renewals.application.calling import ForecastRenewals
from renewals.application.conflicts import review
from renewals.application.expansion import FindNeeds
from renewals.application.ports import AccountLedger, Health, Note, Work
from renewals.domain.contracts import Contract
from renewals.domain.happenings import Ended, Happening, Renewed, WindowOpened
from renewals.domain.milestones import WINDOW
from renewals.domain.value import value_of
from renewals.meters import Meters

BY = SOURCE
"""Who recorded what came about by time alone."""
ON_TIME_SECONDS = 60
"""A window opened within a minute of its day's start is on time; more is logged as late."""

_log = structlog.get_logger(__name__)


class SettleAccounts:
    """Look at accounts whose moment has come: what is due is done once, late if need be, and the next look is armed."""

    def __init__(self, clock: Clock, meters: Meters) -> None:
        self._clock = clock
        self._meters = meters
        self._forecast = ForecastRenewals(clock)
        self._needs = FindNeeds(clock)

    async def __call__(self, work: Work, account_ids: Iterable[str]) -> Sequence[tuple[str, datetime]]:
        """Settle the accounts; answers the moments at which to look at each again."""
        ledgers = await work.accounts.lock(account_ids)
        return await self.settle(work, ledgers)

    async def settle(self, work: Work, ledgers: Sequence[AccountLedger]) -> Sequence[tuple[str, datetime]]:
        """Settle accounts that are locked already."""
        now = self._clock.now()
        ids = [ledger.account_id for ledger in ledgers]
        before = await work.contracts.of_accounts(ids)
        health = await work.health.of_accounts(ids)
        known = await renewing.Known.about(work, before)
        looks = list[renewing.Look]()
        caught_up = list[tuple[Contract, Contract]]()
        for was in before:
            contract, happened = was.catch_up(now, known.cadence(was).window)
            of_account = health.get(contract.account_id)
            found = renewing.look(was, contract, known, of_account, now)
            for happening in happened:
                superseded = found.supersedes(happening.term.number, WINDOW)
                self.tell(work, contract, happening, of_account, now, superseded=superseded)
            renewing.say(work, found, known, of_account, now)
            self._note(found, now)
            looks.append(found)
            caught_up.append((was, contract))
        await work.contracts.save(caught_up, Note(now, BY, "what came due"))
        await renewing.keep(work, looks, known, now)
        contracts = [found.contract for found in looks]
        await review(work, contracts)
        await self._value(work, ledgers, contracts, now)
        await self._needs.look_again(work, contracts, now)
        await self._forecast.look(work, contracts, health)
        moments = [
            (found.contract.account_id, moment)
            for found in looks
            for moment in {*found.contract.moments(now), *found.moments}
        ]
        await work.timers.arm(moments)
        return moments

    def _note(self, found: renewing.Look, now: datetime) -> None:
        """Say in the log and in the metrics what was reached; a window says so itself."""
        for reached in found.reached:
            if reached.milestone.name == WINDOW:
                continue
            late_by = renewing.late_by(found.contract, reached.milestone, now)
            self._meters.milestone_reached(late_by)
            _log.info(
                "renewal milestone reached",
                account=found.contract.account_id,
                term=term_id(found.contract.id, reached.term),
                milestone=reached.milestone.name,
                late_by=late_by if late_by > ON_TIME_SECONDS else 0,
                superseded=reached.superseded,
            )

    async def _value(
        self, work: Work, ledgers: Sequence[AccountLedger], contracts: Sequence[Contract], now: datetime
    ) -> None:
        """Say what an account is worth, where that is not what was said last."""
        changed = []
        for ledger in ledgers:
            value = value_of((c for c in contracts if c.account_id == ledger.account_id), now)
            if value != ledger.value:
                changed.append(replace(ledger, value=value, sequence=ledger.sequence + 1))
        await work.accounts.save(changed)
        work.say(*(value_event(ledger, now) for ledger in changed))
        self._meters.values_changed(len(changed))

    def tell(
        self,
        work: Work,
        contract: Contract,
        happening: Happening,
        health: Health | None,
        now: datetime,
        *,
        superseded: bool = False,
    ) -> None:
        """Say what happened to a term: to the other services, to the log, to the metrics."""
        late_by = max((now - happening.occurred_at).total_seconds(), 0.0)
        work.say(happening_event(contract, happening, health, now, superseded=superseded))
        self._meters.happened(happening, late_by)
        facts = {
            "account": contract.account_id,
            "contract": contract.id,
            "term": term_id(contract.id, happening.term.number),
            "late_by": round(late_by) if late_by > ON_TIME_SECONDS else 0,
        }
        match happening:
            case WindowOpened():
                _log.info("renewal window opened", **facts)
            case Renewed():
                _log.info("term renewed", **facts)
            case Ended(reason=reason):
                _log.info("term ended", **facts, reason=reason)
