"""What rules and digests need of the facts about customers: the fields they look at, and no text of customers."""

from datetime import date, datetime
from typing import Any

from msgspec import UNSET

from alerts.domain.observations import CONTACT, Fact, MilestoneReached, Stated
from mainstay.contracts.facts import (
    ContractFact,
    EntitlementFact,
    FeedbackFact,
    InvoiceFact,
    SurveyResponseFact,
    TicketFact,
    TouchpointFact,
)
from mainstay.contracts.ingest import AccountFact, ContactFact

GO_LIVE = "go_live"


def stated(fact: Any) -> Fact | None:
    """What is observed of a fact; None where no condition looks at it."""
    match fact:
        case TicketFact():
            return _fields("ticket", fact.ticket_id, fact, "opened_at", "first_response_at", "resolved_at", "priority")
        case SurveyResponseFact():
            return Stated("survey", fact.response_id, {"kind": fact.kind, "score": fact.score})
        case ContactFact() if fact.role is not UNSET or fact.status is not UNSET:
            return _fields(CONTACT, fact.contact_id, fact, "role", "status")
        case InvoiceFact():
            return _fields("invoice", fact.invoice_id, fact, "due_on", "paid_on", "state")
        case FeedbackFact():
            return _fields("feedback", fact.feedback_id, fact, "kind", "state", "customer_told_at")
        case EntitlementFact():
            return _fields("entitlement", fact.metric, fact, "bought", "used")
        case TouchpointFact():
            return _touch(fact)
        case ContractFact():
            return _contract(fact)
        case AccountFact() if isinstance(fact.go_live_on, date):
            return MilestoneReached(GO_LIVE, fact.go_live_on)
        case _:
            return None


def _touch(fact: TouchpointFact) -> Stated:
    said = _fields("touch", fact.touchpoint_id, fact, "result")
    fields = {**said.fields, "is_internal": fact.is_internal}
    if fact.minutes is not UNSET:
        fields["minutes"] = fact.minutes
    if fact.cost is not UNSET:
        cost = fact.cost
        fields["cost"] = {"amount": str(cost.amount), "currency": cost.currency} if cost else None
    if fact.next_step is not UNSET:
        fields["next_due_on"] = fact.next_step.due_on.isoformat() if fact.next_step else None
    return Stated("touch", fact.touchpoint_id, fields)


def _contract(fact: ContractFact) -> Stated:
    said = _fields("contract", fact.contract_id, fact, "state")
    fields = dict(said.fields)
    if fact.terms is not UNSET:
        fields["ends_on"] = max((term.ends_on for term in fact.terms), default=None)
        fields["ends_on"] = fields["ends_on"].isoformat() if fields["ends_on"] else None
    if fact.notice is not UNSET:
        fields["notice"] = {"amount": fact.notice.amount, "unit": fact.notice.unit} if fact.notice else None
    return Stated("contract", fact.contract_id, fields)


def _fields(thing: str, thing_id: str, fact: Any, *names: str) -> Stated:
    values = {name: getattr(fact, name) for name in names}
    return Stated(thing, thing_id, {name: _plain(value) for name, value in values.items() if value is not UNSET})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
