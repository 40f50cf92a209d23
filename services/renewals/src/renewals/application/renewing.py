"""Brings renewals up to now: milestones are reached once, states, owners and risks kept for the board, calendars told.

Called with the accounts locked, by the one handler in which every command and every timer ends.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mainstay.kernel.clock import start_of_day
from renewals.application.announcing import milestone_event, risk_event
from renewals.application.calendars import is_holiday
from renewals.application.ports import Health, Work
from renewals.application.renewal_ports import KeptMilestone, Standing
from renewals.domain.agenda import Entry, agenda, changes
from renewals.domain.contracts import Contract
from renewals.domain.milestones import Milestone, Reached, due, milestones, told_once
from renewals.domain.ownership import NOTHING_KNOWN, Handover, Holding, owner_of
from renewals.domain.policy import Cadence, RenewalPolicy
from renewals.domain.renewal import RenewalState, Risk, plans, risk_of, standing
from renewals.domain.terms import Term, TermKey


@dataclass(frozen=True, slots=True)
class Known:
    """What renewals go by, besides contracts and health."""

    policy: RenewalPolicy
    holdings: Mapping[str, Holding]
    standings: Mapping[TermKey, Standing]
    reached: Mapping[TermKey, Sequence[KeptMilestone]]
    handovers: Mapping[TermKey, Sequence[Handover]]
    renewed_by: Mapping[str, date]

    @classmethod
    async def about(cls, work: Work, contracts: Sequence[Contract]) -> "Known":
        """What is known about some contracts and their accounts."""
        ids = [contract.id for contract in contracts]
        return cls(
            policy=await work.policies.in_force(),
            holdings=await work.renewals.holdings({contract.account_id for contract in contracts}),
            standings=await work.renewals.standings(ids),
            reached=await work.renewals.milestones(ids),
            handovers=await work.renewals.handovers(ids),
            renewed_by=await work.renewals.renewed_by(ids),
        )

    def holding(self, contract: Contract) -> Holding:
        """What the contract's account is."""
        return self.holdings.get(contract.account_id, NOTHING_KNOWN)

    def cadence(self, contract: Contract) -> Cadence:
        """What the policy says of the contract's account."""
        holding = self.holding(contract)
        return self.policy.of(holding.tier, holding.segment)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a contract's renewals found: what was reached, where each stands, and when to look again.

    `entries` are those of calendars, but of renewals that were closed already when somebody looked last.
    """

    contract: Contract
    reached: tuple[Reached, ...]
    standings: tuple[Standing, ...]
    entries: tuple[Entry, ...]
    moments: frozenset[datetime]

    def supersedes(self, term: int, name: str) -> bool:
        """Whether people hear of something later than a milestone that was reached in this look."""
        return any(each.superseded for each in self.reached if (each.term, each.milestone.name) == (term, name))


def look(was: Contract, contract: Contract, known: Known, health: Health | None, now: datetime) -> Look:
    """Look at a contract's renewals as they stand; `was` is how the contract was found, before it was caught up."""
    today, cadence, holding = contract.today(now), known.cadence(contract), known.holding(contract)
    reached: list[tuple[int, Milestone]] = []
    standings: list[Standing] = []
    entries: list[Entry] = []
    days: set[date] = set()
    for term, plan in plans(contract, is_holiday, known.renewed_by):
        key = (contract.id, term.number)
        before, state = known.standings.get(key), standing(term, plan, today)
        its_days = milestones(plan, cadence.milestone_days)
        if _is_lived(was, term, state, before):
            names = frozenset(each.name for each in known.reached.get(key, ()))
            has_opened = term.window_opened_at is not None
            passed = due(plan, cadence.milestone_days, names, today, has_opened=has_opened)
            reached += [(term.number, each) for each in passed]
        if not state.is_closed:
            days |= {each.on for each in its_days} | holding.turns()
        days |= {day for day, _ in plan.turns()}
        # Who owned a renewal that is closed does not change any more, nor what calendars say of it.
        closed = before if before and before.state.is_closed and state.is_closed else None
        owner = closed.owner if closed else owner_of(cadence, holding, known.handovers.get(key, ()), today)
        if not closed:
            entries += agenda(contract, term, plan, its_days, owner)
        standings.append(
            Standing(
                contract_id=contract.id,
                term=term.number,
                account_id=contract.account_id,
                state=state,
                due_on=plan.due_on,
                currency=contract.currency,
                arr=term.arr(contract.currency, plan.due_on).amount,
                owner=owner,
                tier=holding.tier,
                segment=holding.segment,
                risk=risk_of(state, health.band if health else None),
            )
        )
    open_term = None if contract.is_over else contract.latest.number
    moments = {start_of_day(day, contract.zone) for day in days if day > today}
    return Look(
        contract=contract,
        reached=told_once(reached, open_term),
        standings=tuple(standings),
        entries=tuple(entries),
        moments=frozenset(moments),
    )


def _is_lived(was: Contract, term: Term, state: RenewalState, before: Standing | None) -> bool:
    """Whether what a term has passed is reached: it is open, or was so when somebody looked last.

    One that nobody ever looked at counts if it came about since, or was the running one; terms that were over before
    their contract was entered are history.
    """
    if before is not None:
        return not (state.is_closed and before.state.is_closed)
    return not was.is_over and term.number >= was.latest.number


async def keep(work: Work, looks: Sequence[Look], known: Known, now: datetime) -> None:
    """Keep what was found: milestones, and of where renewals stand, and of calendars, what is not known yet."""
    for each in looks:
        late = [(reached, late_by(each.contract, reached.milestone, now)) for reached in each.reached]
        await work.renewals.reach(each.contract.id, late, now)
    found = {one.key: one for each in looks for one in each.standings}
    changed = [one for key, one in found.items() if known.standings.get(key) != one]
    await work.renewals.keep(changed, known.standings.keys() - found.keys())
    closed = {key for key, before in known.standings.items() if before.state.is_closed}
    await _tell_calendars(work, looks, closed & {key for key, one in found.items() if one.state.is_closed}, now)


async def _tell_calendars(work: Work, looks: Sequence[Look], settled: Collection[TermKey], now: datetime) -> None:
    """Tell calendars what changed, whatever changed it: a contract, the policy, a team, a hand-over, holidays.

    Of renewals that are `settled` they say what they said.
    """
    shown = await work.calendars.told([each.contract.id for each in looks], now)
    told = [each for each in shown if each.entry.key[:2] not in settled]
    if changed := list(changes(told, [entry for each in looks for entry in each.entries], now)):
        await work.calendars.tell(changed)
        await work.timers.arm_forgetting(now)


def late_by(contract: Contract, milestone: Milestone, now: datetime) -> int:
    """How many whole seconds ago a milestone's day began."""
    return max(int((now - start_of_day(milestone.on, contract.zone)).total_seconds()), 0)


def say(work: Work, found: Look, known: Known, health: Health | None, now: datetime) -> None:
    """Say what was reached, and which renewals came to be at risk, or are so no more."""
    terms = {term.number: term for term in found.contract.terms}
    owners = {one.term: one.owner.person for one in found.standings}
    for reached in found.reached:
        term = terms[reached.term]
        work.say(milestone_event(found.contract, term, reached, owners[reached.term], health, now))
    for one, before in _risks(found, known):
        work.say(risk_event(found.contract, terms[one.term], one, before, health, now))


def _risks(found: Look, known: Known) -> Iterator[tuple[Standing, Risk | None]]:
    """Renewals whose risk is another than before; that one is closed, or its window not open any more, says nothing."""
    for one in found.standings:
        before = known.standings.get(one.key)
        risk = before.risk if before else None
        if one.risk is not None and one.risk is not risk and (risk is not None or one.risk is not Risk.NONE):
            yield one, risk
