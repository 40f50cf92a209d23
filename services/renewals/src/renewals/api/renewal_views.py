"""What renewals look like: on the board, and one by itself."""

from collections.abc import Iterable
from datetime import date, datetime

from pydantic import BaseModel, Field

from mainstay.kernel.clock import start_of_day
from renewals.api.contract_views import ContractView, TermView
from renewals.api.schemas import MoneyView, money_view
from renewals.application.announcing import term_id
from renewals.application.board import Card, Opened
from renewals.application.ports import Health
from renewals.application.renewal_ports import Total
from renewals.domain.contracts import AtEnd
from renewals.domain.currencies import smallest
from renewals.domain.ownership import Source
from renewals.domain.policy import OwnerRole
from renewals.domain.renewal import UNKNOWN_BAND, RenewalState, Risk, Step


class RenewalHealthView(BaseModel):
    """An account's health as renewals last heard of it; never heard, or of the past, it is said to be unknown."""

    is_known: bool
    score: int | None
    band: str
    coverage: float | None
    as_of: datetime | None

    @classmethod
    def of(cls, health: Health | None) -> "RenewalHealthView":
        """The health as it is told."""
        if health is None:
            return cls(is_known=False, score=None, band=UNKNOWN_BAND, coverage=None, as_of=None)
        known = health.band != UNKNOWN_BAND
        return cls(is_known=known, score=health.score, band=health.band, coverage=health.coverage, as_of=health.as_of)


class OwnerView(BaseModel):
    """Who answers for a renewal, with whom (sales, where the policy says both), and where that is from."""

    owner: str | None
    co_owner: str | None
    role: OwnerRole
    source: Source


class RenewalView(BaseModel):
    """A term that comes to its end. `end` is its last day as agreed, and `ends_before` the day after that.

    `days_left` counts to `ends_before`, in the contract's zone: 1 on the last day, 0 from then on. `arr` is that of the
    last day.
    """

    account_id: str
    contract_id: str
    term_id: str
    external_id: str | None
    start: date
    end: date
    ends_before: date
    amount: MoneyView
    arr: MoneyView
    seats: int | None
    state: RenewalState
    at_end: AtEnd
    window_opens_on: date | None
    days_left: int
    owner: OwnerView
    tier: str | None
    segment: str | None
    risk: Risk | None = Field(description="While the window is open; null otherwise")
    health: RenewalHealthView

    @classmethod
    def of(cls, card: Card) -> "RenewalView":
        """A renewal as it stands."""
        one, term, contract = card.standing, card.term, card.contract
        return cls(
            account_id=one.account_id,
            contract_id=contract.id,
            term_id=term_id(contract.id, term.number),
            external_id=contract.external_id,
            start=term.start,
            end=one.due_on,
            ends_before=term.expires_before,
            amount=money_view(term.amount, contract.currency),
            arr=money_view(one.arr, contract.currency),
            seats=term.shown(one.due_on).seats,
            state=one.state,
            at_end=contract.at_end,
            window_opens_on=term.window_opens_on,
            days_left=max((term.expires_before - card.day).days, 0),
            owner=OwnerView(
                owner=one.owner.person, co_owner=one.owner.with_, role=one.owner.role, source=one.owner.source
            ),
            tier=one.tier,
            segment=one.segment,
            risk=one.risk,
            health=RenewalHealthView.of(card.health),
        )


class TotalView(BaseModel):
    """Renewals that stand in one state: how many, and their ARR by currency."""

    state: RenewalState
    renewals: int
    arr: list[MoneyView]

    @classmethod
    def all_of(cls, totals: Iterable[Total]) -> "list[TotalView]":
        """One for each state, in the order that renewals take."""
        found = list(totals)
        shown = []
        for state in RenewalState:
            here = sorted((each for each in found if each.state is state), key=lambda each: each.currency)
            arr = [money_view(each.arr.quantize(smallest(each.currency)), each.currency) for each in here]
            shown.append(cls(state=state, renewals=sum(each.renewals for each in here), arr=arr))
        return shown


class BoardAnswer(BaseModel):
    """A page of renewals; `totals` are over all pages and null on later ones."""

    data: list[RenewalView]
    next_cursor: str | None = None
    totals: list[TotalView] | None


class MilestoneView(BaseModel):
    """A milestone; `on` is its civil day where the contract is, and `reached_at` null as long as it lies ahead."""

    name: str = Field(examples=["window", "days_60", "notice_deadline", "due"])
    on: date
    reached_at: datetime | None
    late_by_seconds: int | None
    superseded: bool | None = Field(description="Whether people heard of a later one in its place")


class HandoverView(BaseModel):
    """A renewal was given to somebody; null: to whom the policy says."""

    owner: str | None
    reason: str
    at: datetime
    by: str


class TurnView(BaseModel):
    """From a day on, where the contract is, the renewal stood so."""

    state: RenewalState
    on: date
    since: datetime = Field(description="The instant at which that day begins there")


class StepView(BaseModel):
    """Whether something can be done with the renewal, and if not, why."""

    step: Step
    is_possible: bool
    why_not: str | None


class RenewalDetail(RenewalView):
    """A renewal with everything about it."""

    term: TermView
    contract: ContractView
    notice_by: date | None
    late_from: date = Field(description="The first day on which it is too late to renew")
    milestones: list[MilestoneView]
    handovers: list[HandoverView]
    history: list[TurnView] = Field(description="The states that it went through, by their days")
    steps: list[StepView]

    @classmethod
    def about(cls, opened: Opened) -> "RenewalDetail":
        """A renewal as it stands, or stood."""
        card, plan = opened.card, opened.plan
        reached = [
            MilestoneView(
                name=each.name,
                on=each.on,
                reached_at=each.reached_at,
                late_by_seconds=each.late_by_seconds,
                superseded=each.superseded,
            )
            for each in opened.milestones
        ]
        ahead = [
            MilestoneView(name=name, on=on, reached_at=None, late_by_seconds=None, superseded=None)
            for name, on in opened.ahead.items()
        ]
        return cls(
            **RenewalView.of(card).model_dump(),
            term=TermView.of(card.contract, card.term, card.day),
            contract=ContractView.of(card.contract, card.day),
            notice_by=plan.notice_by,
            late_from=plan.late_from,
            milestones=[*reached, *ahead],
            handovers=[
                HandoverView(owner=each.owner, reason=each.reason, at=each.at, by=each.by) for each in opened.handovers
            ],
            history=[
                TurnView(state=state, on=day, since=start_of_day(day, card.contract.zone))
                for day, state in plan.turns()
                if day <= card.day
            ],
            steps=[StepView(step=step, is_possible=why is None, why_not=why) for step, why in opened.refused.items()],
        )
