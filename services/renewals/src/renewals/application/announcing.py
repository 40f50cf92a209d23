"""Turns what happened in the domain into the events that other services read."""

from datetime import datetime
from typing import Any

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event
from mainstay.contracts.renewals import (
    AccountValueChanged,
    ExpansionSignalled,
    HealthAtOpening,
    MilestoneReached,
    OneTimeHandedOver,
    RenewalRiskChanged,
    RenewalWindowOpened,
    TermEnded,
    TermRenewed,
)
from mainstay.kernel.clock import start_of_day
from mainstay.kernel.ids import new_id
from mainstay.observability.tracing import current_traceparent
from renewals.application.ports import AccountLedger, Health
from renewals.application.renewal_ports import Standing
from renewals.domain.contracts import Contract
from renewals.domain.happenings import Ended, Happening, Renewed, WindowOpened
from renewals.domain.milestones import Reached
from renewals.domain.opportunities import Opportunity
from renewals.domain.renewal import Risk
from renewals.domain.terms import Term

SOURCE = "mainstay/renewals"


def term_id(contract_id: str, number: int) -> str:
    """A term's id for the outside: its contract's, and its number."""
    return f"{contract_id}.{number}"


def happening_event(
    contract: Contract, happening: Happening, health: Health | None, now: datetime, *, superseded: bool = False
) -> Event[Any]:
    """The event for what happened to a term of a contract."""
    match happening:
        case WindowOpened():
            return _event(window_opened(contract, happening, health, now, superseded=superseded), now)
        case Renewed(term, successor, occurred_at):
            renewed = TermRenewed(
                account_id=contract.account_id,
                contract_id=contract.id,
                term_id=term_id(contract.id, term.number),
                next_term_id=term_id(contract.id, successor.number),
                occurred_at=occurred_at,
            )
            return _event(renewed, now)
        case Ended(term, occurred_at, reason):
            ended = TermEnded(
                account_id=contract.account_id,
                contract_id=contract.id,
                term_id=term_id(contract.id, term.number),
                occurred_at=occurred_at,
                reason=reason,
            )
            return _event(ended, now)


def window_opened(
    contract: Contract, opened: WindowOpened, health: Health | None, now: datetime, *, superseded: bool
) -> RenewalWindowOpened:
    """The window's event, with the account's health as it is known now."""
    term = opened.term
    return RenewalWindowOpened(
        account_id=contract.account_id,
        contract_id=contract.id,
        term_id=term_id(contract.id, term.number),
        occurred_at=opened.occurred_at,
        window_opens_on=term.window_opens_on or term.start,
        ends_before=term.end_exclusive,
        amount=MoneyData(term.amount, contract.currency),
        seats=term.seats,
        late_by_seconds=max(int((now - opened.occurred_at).total_seconds()), 0),
        health=_health(health),
        superseded=superseded,
    )


def milestone_event(
    contract: Contract, term: Term, reached: Reached, owner: str | None, health: Health | None, now: datetime
) -> Event[MilestoneReached]:
    """The event for a milestone, with the account's health as it is known now."""
    milestone = reached.milestone
    at = start_of_day(milestone.on, contract.zone)
    said = MilestoneReached(
        account_id=contract.account_id,
        contract_id=contract.id,
        term_id=term_id(contract.id, term.number),
        milestone=milestone.name,
        on=milestone.on,
        occurred_at=at,
        ends_before=term.expires_before,
        amount=MoneyData(term.amount, contract.currency),
        late_by_seconds=max(int((now - at).total_seconds()), 0),
        superseded=reached.superseded,
        external_id=contract.external_id,
        owner=owner,
        health=_health(health),
    )
    return _event(said, now)


def risk_event(
    contract: Contract, term: Term, standing: Standing, before: Risk | None, health: Health | None, now: datetime
) -> Event[RenewalRiskChanged]:
    """The event for a renewal that is at risk now, or is so no more."""
    said = RenewalRiskChanged(
        account_id=contract.account_id,
        contract_id=contract.id,
        term_id=term_id(contract.id, term.number),
        occurred_at=now,
        risk=str(standing.risk),
        previous_risk=str(before) if before else None,
        state=standing.state.value,
        ends_before=term.expires_before,
        amount=MoneyData(term.amount, contract.currency),
        owner=standing.owner.person,
        health=_health(health),
    )
    return _event(said, now)


def handed_over_event(contract: Contract, now: datetime) -> Event[OneTimeHandedOver]:
    """That the support desk serves a customer that bought once."""
    handed_over = OneTimeHandedOver(
        account_id=contract.account_id,
        contract_id=contract.id,
        occurred_at=now,
        starts_on=contract.latest.start,
        ends_before=contract.latest.end_exclusive,
        amount=MoneyData(contract.latest.amount, contract.currency),
    )
    return _event(handed_over, now)


def expansion_event(opportunity: Opportunity, occurred_at: datetime, now: datetime) -> Event[ExpansionSignalled]:
    """That a customer needs more, of an opportunity that a signal made."""
    need, contract_id = opportunity.need, str(opportunity.contract_id)
    if need is None or opportunity.term is None:
        raise ValueError("nobody signalled this opportunity")
    signalled = ExpansionSignalled(
        account_id=opportunity.account_id,
        contract_id=contract_id,
        term_id=term_id(contract_id, opportunity.term),
        opportunity_id=opportunity.id,
        occurred_at=occurred_at,
        signal=need.signal.value,
        kind=opportunity.kind.value,
        subject=need.subject,
        used=need.used,
        bought=need.bought,
        projected_on=need.projected_on,
        earliest=need.earliest,
        latest=need.latest,
    )
    return _event(signalled, now)


def value_event(ledger: AccountLedger, now: datetime) -> Event[AccountValueChanged]:
    """What an account is worth now."""
    changed = AccountValueChanged(
        account_id=ledger.account_id,
        sequence=ledger.sequence,
        occurred_at=now,
        arr=tuple(MoneyData(money.amount, money.currency) for money in ledger.value.arr),
        seats=ledger.value.seats,
        next_renewal_on=ledger.value.next_renewal_on,
    )
    return _event(changed, now)


def _health(health: Health | None) -> HealthAtOpening | None:
    return HealthAtOpening(health.score, health.band, health.coverage, health.as_of) if health else None


def _event(data: Any, now: datetime) -> Event[Any]:
    return Event(id=new_id(now), source=SOURCE, time=now, data=data, traceparent=current_traceparent())
