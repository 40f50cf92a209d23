"""Finds out where customers need more, and makes an opportunity of it: once a signal and term."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import structlog

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from renewals.application.announcing import SOURCE, expansion_event
from renewals.application.consumption import Metric, burning
from renewals.application.ports import Work
from renewals.domain.consumption import PREPAID, SEATS, Now, Reading, now_of
from renewals.domain.contracts import Contract, Kind
from renewals.domain.opportunities import (
    Need,
    Signal,
    opportunity_of,
    plan_need,
    prepaid_need,
    product_need,
    seats_need,
)
from renewals.domain.terms import Term
from renewals.domain.value import value_of

Running = tuple[Contract, Term]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumptionStated:
    """Somebody said how much of a metric an account bought or uses."""

    account_id: str
    metric: str
    reading: Reading
    source: str
    event_id: str


@dataclass(frozen=True, slots=True)
class TeamStated:
    """Somebody said that an account is part of another one: a team, a branch, a subsidiary."""

    account_id: str
    parent_id: str
    said_at: datetime
    source: str
    event_id: str


class FindNeeds:
    """Keeps what is used and bought, and looks where more is needed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work, said: Sequence[ConsumptionStated | TeamStated]) -> None:
        """Take in what was not heard before."""
        stated = [each for each in said if isinstance(each, ConsumptionStated)]
        teams = [each for each in said if isinstance(each, TeamStated)]
        metrics = await work.consumption.record(
            [((e.account_id, e.metric), e.reading) for e in stated], self._clock.now()
        )
        erased = await work.erased.among(sorted({each.account_id for each in teams}))
        await self._look(work, metrics, [each for each in teams if each.account_id not in erased])

    async def _look(self, work: Work, metrics: frozenset[Metric], teams: Sequence[TeamStated]) -> None:
        now = self._clock.now()
        accounts = {account_id for account_id, _ in metrics} | {team.parent_id for team in teams}
        having = {each.account_id for each in await work.contracts.of_accounts(sorted(accounts))}
        locked = {ledger.account_id for ledger in await work.accounts.lock(having)}
        contracts = await work.contracts.of_accounts(sorted(locked))
        running = {account_id: _running(contracts, account_id, now) for account_id in locked}
        for account_id, metric in sorted(metrics):
            if running.get(account_id):
                of_account = [each for each in contracts if each.account_id == account_id]
                await self._look_at(work, of_account, running[account_id], metric, now)
        for team in teams:
            if running.get(team.parent_id):
                contract, term = running[team.parent_id][0]
                need = Need(Signal.TEAM_IN_USE, team.account_id)
                if not await work.opportunities.was_seen(team.parent_id, need):
                    await self._tell(work, contract, term, need, team.said_at, now)

    async def _look_at(
        self, work: Work, contracts: Sequence[Contract], running: Sequence[Running], metric: str, now: datetime
    ) -> None:
        since = min(term.start for _, term in running)
        of_account = (contracts[0].account_id, metric)
        readings = (await work.consumption.readings([of_account], since)).get(of_account, ())
        # A sender's clock that runs ahead is not believed before its day has come.
        holds = now_of([each for each in readings if each.day <= now.date()])
        contract, term = next((each for each in running if _entitles(*each, metric, now)), running[0])
        need = await self._need(work, contracts, (contract, term), metric, holds, now)
        if need is not None:
            await self._tell(work, contract, term, need, holds.as_of or now, now)

    async def _need(
        self, work: Work, contracts: Sequence[Contract], held: Running, metric: str, holds: Now, now: datetime
    ) -> Need | None:
        contract, term = held
        if metric == SEATS:
            seats = value_of(contracts, now).seats
            return seats_need(holds.used, int(holds.bought or 0) if seats is None else seats)
        today = contract.today(now)
        is_entitled = _entitles(contract, term, metric, now)
        states_plan = any(each.entitlements for _, each in _running(contracts, contract.account_id, now))
        if not is_entitled and not holds.bought and (holds.bought is not None or states_plan):
            return product_need(metric, holds.used, is_bought=False)
        if not is_entitled and holds.bought is None:
            return None  # nobody said what was bought
        if metric.startswith(PREPAID):
            return prepaid_need(
                metric, (await burning(work, contract, term, metric, today, contracts)).burnt, term.end_exclusive
            )
        if holds.bought is not None:
            return plan_need(metric, None if holds.used is None else Fraction(holds.used), Fraction(holds.bought))
        burnt = (await burning(work, contract, term, metric, today, contracts)).burnt
        return plan_need(metric, burnt.used, burnt.bought + burnt.topped_up)

    async def _tell(
        self, work: Work, contract: Contract, term: Term, need: Need, occurred_at: datetime, now: datetime
    ) -> None:
        """Keep the opportunity and say so, unless it was kept in this term before."""
        profile = (await work.profiles.of_accounts([contract.account_id])).get(contract.account_id)
        opportunity = opportunity_of(
            need,
            opportunity_id=new_id(now),
            account_id=contract.account_id,
            contract_id=contract.id,
            term=term.number,
            owner=profile.owner if profile else None,
        )
        if await work.opportunities.add(opportunity, now, SOURCE):
            work.say(expansion_event(opportunity, occurred_at, now))
            _log.info("expansion signal", account=contract.account_id, contract=contract.id, signal=need.signal.value)


def _running(contracts: Sequence[Contract], account_id: str, now: datetime) -> list[Running]:
    """The recurring contracts of an account with the terms that run, the one that ends first first."""
    found = [
        (contract, term)
        for contract in contracts
        if contract.account_id == account_id and contract.kind is Kind.RECURRING
        for term in contract.terms
        if term.covers(contract.today(now))
    ]
    return sorted(found, key=lambda each: (each[1].end_exclusive, each[0].id))


def _entitles(contract: Contract, term: Term, metric: str, now: datetime) -> bool:
    shown = term.shown(contract.today(now))
    return metric in dict(shown.entitlements) or (metric == SEATS and shown.seats is not None)
