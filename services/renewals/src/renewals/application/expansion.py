"""Finds out where customers need more, and makes an opportunity of it: once a signal and term."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import structlog

from mainstay.kernel.clock import Clock, day_of
from mainstay.kernel.ids import new_id
from renewals.application.announcing import SOURCE, expansion_event
from renewals.application.consumption import Metric, burning
from renewals.application.ports import Work
from renewals.domain.burn_down import NothingBought
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


@dataclass(frozen=True, slots=True)
class Noted:
    """What was stated and not heard before: of which metrics, and which teams are whose."""

    metrics: frozenset[Metric]
    teams: Sequence[TeamStated]


class FindNeeds:
    """Keeps what is used and bought, and looks where more is needed: when that is stated, and when contracts change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def note(self, work: Work, said: Sequence[ConsumptionStated | TeamStated]) -> Noted:
        """Take in what was not heard before."""
        stated = [each for each in said if isinstance(each, ConsumptionStated)]
        teams = [each for each in said if isinstance(each, TeamStated)]
        metrics = await work.consumption.record(
            [((e.account_id, e.metric), e.reading) for e in stated], self._clock.now()
        )
        erased = await work.erased.among(sorted({each.account_id for each in teams}))
        return Noted(metrics, [each for each in teams if each.account_id not in erased])

    async def look(self, work: Work, noted: Noted) -> None:
        """Look where more is needed by what was stated."""
        now = self._clock.now()
        accounts = {account_id for account_id, _ in noted.metrics} | {team.parent_id for team in noted.teams}
        having = {each.account_id for each in await work.contracts.of_accounts(sorted(accounts))}
        locked = {ledger.account_id for ledger in await work.accounts.lock(having)}
        contracts = await work.contracts.of_accounts(sorted(locked))
        await self._look(work, contracts, sorted(noted.metrics), now)
        for team in noted.teams:
            if running := _running(contracts, team.parent_id, now):
                contract, term = running[0]
                need = Need(Signal.TEAM_IN_USE, team.account_id)
                if not await work.opportunities.was_seen(team.parent_id, need):
                    await self._tell(work, contract, term, need, team.said_at, now)

    async def look_again(self, work: Work, contracts: Sequence[Contract], now: datetime) -> None:
        """Look where more is needed than contracts that are locked give now, by what is known of use."""
        accounts = {each.account_id for each in contracts if _running(contracts, each.account_id, now)}
        known = await work.consumption.metrics(accounts) if accounts else ()
        await self._look(work, contracts, known, now, noticed_at=now)

    async def _look(
        self,
        work: Work,
        contracts: Sequence[Contract],
        metrics: Sequence[Metric],
        now: datetime,
        *,
        noticed_at: datetime | None = None,
    ) -> None:
        for account_id, metric in metrics:
            if running := _running(contracts, account_id, now):
                of_account = [each for each in contracts if each.account_id == account_id]
                await self._look_at(work, of_account, running, metric, now, noticed_at)

    async def _look_at(
        self,
        work: Work,
        contracts: Sequence[Contract],
        running: Sequence[Running],
        metric: str,
        now: datetime,
        noticed_at: datetime | None,
    ) -> None:
        since = min(term.start for _, term in running)
        of_account = (contracts[0].account_id, metric)
        readings = (await work.consumption.readings([of_account], since)).get(of_account, ())
        # A sender's clock that runs ahead is not believed before its day has come.
        holds = now_of([each for each in readings if each.day <= now.date()])
        contract, term = next((each for each in running if _entitles(*each, metric, now)), running[0])
        need = await self._need(work, contracts, (contract, term), metric, holds, now)
        if need is not None:
            await self._tell(work, contract, term, need, noticed_at or holds.as_of or now, now)

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
        # What was stated before the term is of another period.
        is_of_term = holds.as_of is not None and day_of(holds.as_of, contract.zone) >= term.start
        if not is_entitled and not holds.bought and (holds.bought is not None or states_plan):
            return product_need(metric, holds.used, is_bought=False) if is_of_term else None
        if not is_entitled and holds.bought is None:
            return None  # nobody said what was bought
        if metric.startswith(PREPAID):
            try:
                burnt = (await burning(work, contract, term, metric, today, contracts)).burnt
            except NothingBought:
                # It was stated long before this term, or of a day (UTC) that has not come where the contract is.
                return None
            return prepaid_need(metric, burnt, term.end_exclusive)
        if holds.bought is not None:
            if not is_of_term:
                return None
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
