"""The board of renewals: where each stands now, as kept for it; or stood on a day, as it was known at an instant.

The past is worked out from the ledger's revisions by the rules that keep the present, so there is one answer to both.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from mainstay.kernel.clock import Clock, day_of
from renewals.application.calendars import is_holiday
from renewals.application.moments import When
from renewals.application.ports import Health, OpensWork, Work
from renewals.application.renewal_ports import Filters, KeptMilestone, Place, Standing, Total
from renewals.domain.contracts import Contract
from renewals.domain.errors import ContractUnknown, TermUnknown
from renewals.domain.milestones import milestones
from renewals.domain.ownership import NOTHING_KNOWN, Handover, Holding, owner_of
from renewals.domain.policy import RenewalPolicy
from renewals.domain.renewal import Plan, RenewalState, Step, plans, refusal, risk_of, standing
from renewals.domain.terms import Term, TermKey

MOST_TERMS = 20_000
"""Contracts that a question about the past may look at: some seconds of work."""
AT_ONCE = 500


class TooManyRenewals(ValueError):
    """A question about the past would have to look at more contracts than it may."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_TERMS} contracts are due on these days: ask for fewer of them")


@dataclass(frozen=True, slots=True)
class Card:
    """A renewal on the board; health is the account's as last heard, of which the past is not kept (None)."""

    standing: Standing
    contract: Contract
    term: Term
    day: date
    health: Health | None


@dataclass(frozen=True, slots=True)
class Board:
    """A page of renewals, and what all that were asked for add up to; `totals` is None on later pages."""

    cards: Sequence[Card]
    has_more: bool
    totals: Sequence[Total] | None


@dataclass(frozen=True, slots=True)
class Opened:
    """One renewal with everything about it."""

    card: Card
    plan: Plan
    milestones: Sequence[KeptMilestone]
    ahead: Mapping[str, date]
    handovers: Sequence[Handover]
    refused: Mapping[Step, str | None]


class ReadRenewals:
    """Answers the board, and single renewals."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def board(self, wanted: Filters, when: When, *, after: Place | None, limit: int) -> Board:
        """Up to `limit` renewals in the order of their places. Raises `TooManyRenewals`."""
        if when.is_now:
            return await self._present(wanted, after, limit)
        return await self._past(wanted, when, after, limit)

    async def one(self, contract_id: str, number: int, when: When) -> Opened:
        """One renewal. Raises `TermUnknown`."""
        now = self._clock.now()
        name = f"{contract_id}.{number}"
        async with self._work() as work:
            try:
                contract = (
                    await work.contracts.get(contract_id)
                    if when.known_at is None
                    else await work.ledger.revision(contract_id, when.known_at)
                )
            except ContractUnknown as error:
                raise TermUnknown(name) from error
            known = await _Past.about(work, [contract], when)
            found = next((each for each in known.cards([contract], now, when) if each.term.number == number), None)
            if found is None:
                raise TermUnknown(name)
            card, plan = found, known.plan(found)
            if when.is_now:
                kept = (await work.renewals.standings([contract_id])).get((contract_id, number))
                if kept is None:  # of an erased account, or not looked at yet
                    raise TermUnknown(name)
                health = (await work.health.of_accounts([contract.account_id])).get(contract.account_id)
                card = _card(kept, contract, found.term, found.day, health)
            reached = (await work.renewals.milestones([contract_id])).get((contract_id, number), ())
            until = when.known_at or now
            reached = [each for each in reached if each.reached_at <= until and each.on <= card.day]
            names = {each.name for each in reached}
            days = known.policy.of(card.standing.tier, card.standing.segment).milestone_days
            ahead = {each.name: each.on for each in milestones(plan, days) if each.name not in names}
            return Opened(
                card,
                plan,
                reached,
                {} if card.standing.state.is_closed else ahead,
                known.handovers_of(contract, number, card.day),
                {step: refusal(contract, card.term, plan, step, card.day) for step in Step},
            )

    async def _present(self, wanted: Filters, after: Place | None, limit: int) -> Board:
        now = self._clock.now()
        async with self._work() as work:
            found = await work.renewals.page(wanted, after=after, limit=limit + 1)
            page = found[:limit]
            contracts = await work.contracts.some({each.contract_id for each in page})
            health = await work.health.of_accounts({each.account_id for each in page})
            totals = await work.renewals.totals(wanted) if after is None else None
        cards = []
        for each in page:
            contract = contracts[each.contract_id]
            (term,) = (term for term in contract.terms if term.number == each.term)
            cards.append(_card(each, contract, term, contract.today(now), health.get(each.account_id)))
        return Board(cards, len(found) > limit, totals)

    async def _past(self, wanted: Filters, when: When, after: Place | None, limit: int) -> Board:
        now = self._clock.now()
        known_at = when.known_at or now
        cards: list[Card] = []
        async with self._work() as work:
            ids = await work.renewals.ever_due(wanted, known_at, limit=MOST_TERMS + 1)
            if len(ids) > MOST_TERMS:
                raise TooManyRenewals
            for start in range(0, len(ids), AT_ONCE):  # between two statements others are served
                contracts = await work.renewals.known(ids[start : start + AT_ONCE], known_at)
                known = await _Past.about(work, contracts, when)
                cards += [card for card in known.cards(contracts, now, when) if wanted.take(card.standing)]
        cards.sort(key=lambda card: place_of(card.standing))
        rest = [card for card in cards if after is None or place_of(card.standing) > after]
        return Board(rest[:limit], len(rest) > limit, _totals(cards) if after is None else None)


@dataclass(frozen=True, slots=True)
class _Past:
    """What renewals go by on a day, as it was known at an instant."""

    policy: RenewalPolicy
    holdings: Mapping[str, Holding]
    handovers: Mapping[TermKey, Sequence[Handover]]
    renewed_by: Mapping[str, date]
    known_at: datetime | None

    @classmethod
    async def about(cls, work: Work, contracts: Sequence[Contract], when: When) -> "_Past":
        ids = [contract.id for contract in contracts]
        accounts = {each.as_of(when.as_of).account_id if when.as_of else each.account_id for each in contracts}
        return cls(
            policy=await work.policies.in_force(when.known_at),
            holdings=await work.renewals.holdings(accounts, day=when.as_of, known_at=when.known_at),
            handovers=await work.renewals.handovers(ids),
            renewed_by=await work.renewals.renewed_by(ids, when.known_at),
            known_at=when.known_at,
        )

    def plan(self, card: Card) -> Plan:
        """The days of a renewal."""
        return next(plan for term, plan in plans(card.contract, is_holiday, self.renewed_by) if term == card.term)

    def handovers_of(self, contract: Contract, number: int, day: date) -> Sequence[Handover]:
        """Those of a renewal that had been made, oldest first."""
        return [
            each
            for each in self.handovers.get((contract.id, number), ())
            if day_of(each.at, contract.zone) <= day and (self.known_at is None or each.at <= self.known_at)
        ]

    def cards(self, contracts: Sequence[Contract], now: datetime, when: When) -> Iterator[Card]:
        """Where the renewals of contracts stood."""
        for contract in contracts:
            day = when.as_of or contract.today(when.known_at or now)
            account_id = contract.as_of(day).account_id
            holding = self.holdings.get(account_id, NOTHING_KNOWN)
            cadence = self.policy.of(holding.tier, holding.segment)
            for term, plan in plans(contract, is_holiday, self.renewed_by):
                if when.as_of and not _was_agreed(term, day):
                    continue
                state = plan.state(day) if when.as_of else standing(term, plan, day)
                owner = owner_of(cadence, holding, self.handovers_of(contract, term.number, day), day)
                stood = Standing(
                    contract_id=contract.id,
                    term=term.number,
                    account_id=account_id,
                    state=state,
                    due_on=plan.due_on,
                    currency=contract.currency,
                    arr=term.arr(contract.currency, plan.due_on).amount,
                    owner=owner,
                    tier=holding.tier,
                    segment=holding.segment,
                    risk=risk_of(state, None),
                )
                yield Card(stood, contract, term, day, None)


def _was_agreed(term: Term, day: date) -> bool:
    """Whether a term was agreed, or had begun, on a day; the first is there from the beginning."""
    return term.number == 1 or min(term.signed_on or term.start, term.start) <= day


def _card(kept: Standing, contract: Contract, term: Term, day: date, health: Health | None) -> Card:
    """A renewal as it is kept, its risk by the health that is shown beside it."""
    risk = risk_of(kept.state, health.band if health else None)
    return Card(replace(kept, risk=risk), contract, term, day, health)


def place_of(one: Standing) -> Place:
    """Where a renewal stands in lists."""
    return one.due_on, one.contract_id, one.term


def _totals(cards: Sequence[Card]) -> Sequence[Total]:
    counts = defaultdict[tuple[RenewalState, str], int](int)
    sums = defaultdict[tuple[RenewalState, str], Decimal](Decimal)
    for card in cards:
        key = (card.standing.state, card.standing.currency)
        counts[key] += 1
        sums[key] += card.standing.arr
    return [Total(state, currency, counts[state, currency], sums[state, currency]) for state, currency in counts]
