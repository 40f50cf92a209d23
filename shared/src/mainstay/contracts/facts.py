"""What ingest says about customers beyond accounts and contacts: what was agreed, done, asked for, owed and felt.

A fact names its thing by an id of the sender's. It states the fields that it has: absent is not stated, and null
withdraws, where a field can be null. Facts about one thing resolve by (occurred_at, event id), field by field. `by` is
who wrote it down. `contact_id` is a person at the customer. Days are civil dates, instants are UTC.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from mainstay.contracts.common import MoneyData
from mainstay.contracts.fields import (
    Bought,
    Channel,
    CsatScore,
    Currency,
    Days,
    Id,
    Instant,
    Key,
    Maybe,
    Minutes,
    Name,
    Number,
    Quantity,
    Seats,
    Severity,
    Words,
)
from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.contracts.topics import CUSTOMER_SIGNALS
from mainstay.messaging.port import Topic

OWNER = "ingest"


class TicketFact(Struct, frozen=True, omit_defaults=True):
    """A request to support. `resolved_at` null: it was opened again. `contact_id` asked for it; `csat` is 1–5."""

    TYPE: ClassVar[str] = "mainstay.customer.ticket.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    ticket_id: Id
    occurred_at: Instant
    subject: Maybe[Name] = UNSET
    opened_at: Instant | UnsetType = UNSET
    first_response_at: Maybe[Instant] = UNSET
    resolved_at: Maybe[Instant] = UNSET
    priority: Maybe[Literal["low", "normal", "high", "urgent"]] = UNSET
    channel: Maybe[Channel] = UNSET
    csat: Maybe[CsatScore] = UNSET
    contact_id: Id | None = None
    by: Name | None = None


class SurveyResponseFact(Struct, frozen=True, omit_defaults=True):
    """An answer to a survey: `nps` 0–10, `csat` 1–5."""

    TYPE: ClassVar[str] = "mainstay.customer.survey_response.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    response_id: Id
    occurred_at: Instant
    kind: Literal["nps", "csat"]
    score: Annotated[int, Meta(ge=0, le=10)]
    comment: Maybe[Words] = UNSET
    survey_id: Id | None = None
    contact_id: Id | None = None
    by: Name | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for a score that the kind of survey does not have."""
        if self.kind == "csat" and not 1 <= self.score <= 5:
            raise ValueError("A csat score is 1 to 5")


class Attendee(Struct, frozen=True, omit_defaults=True):
    """Somebody who was there, of the customer's people or ours, in which role."""

    side: Literal["customer", "us"]
    name: Name | None = None
    contact_id: Id | None = None
    role: Key | None = None


class NextStep(Struct, frozen=True, omit_defaults=True):
    """What was promised, by when, and who is to do it."""

    what: Name
    due_on: date
    owner: Name | None = None


class TouchpointFact(Struct, frozen=True, omit_defaults=True):
    """A touch of the customer. `before` and `after` are notes; `is_internal`: it was about the customer, without them.

    `occurred_at` is when it took place. A result of `no_answer` is one.
    """

    TYPE: ClassVar[str] = "mainstay.customer.touchpoint.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    touchpoint_id: Id
    occurred_at: Instant
    kind: Literal["call", "meeting", "visit", "message", "business_review", "workshop", "event", "other"]
    channel: Maybe[Channel] = UNSET
    purpose: Maybe[Name] = UNSET
    attendees: Annotated[tuple[Attendee, ...], Meta(max_length=100)] | UnsetType = UNSET
    result: Maybe[Literal["planned", "held", "no_answer", "postponed", "cancelled"]] = UNSET
    next_step: Maybe[NextStep] = UNSET
    minutes: Maybe[Minutes] = UNSET
    cost: Maybe[MoneyData] = UNSET
    before: Maybe[Words] = UNSET
    after: Maybe[Words] = UNSET
    is_internal: bool = False
    by: Name | None = None


class TrainingFact(Struct, frozen=True, omit_defaults=True):
    """A training record of a person."""

    TYPE: ClassVar[str] = "mainstay.customer.training.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    training_id: Id
    occurred_at: Instant
    course: Name
    stage: Maybe[Literal["enrolled", "started", "completed", "dropped"]] = UNSET
    exam: Maybe[Literal["passed", "failed"]] = UNSET
    certificate: Maybe[Name] = UNSET
    contact_id: Id | None = None
    by: Name | None = None


class InvoiceFact(Struct, frozen=True, omit_defaults=True):
    """An invoice: when it is due, when it was paid, and by how many days it is or was late."""

    TYPE: ClassVar[str] = "mainstay.customer.invoice.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    invoice_id: Id
    occurred_at: Instant
    amount: Maybe[MoneyData] = UNSET
    issued_on: Maybe[date] = UNSET
    due_on: Maybe[date] = UNSET
    paid_on: Maybe[date] = UNSET
    overdue_days: Maybe[Days] = UNSET
    state: Maybe[Literal["open", "paid", "cancelled"]] = UNSET
    contract_id: Maybe[Id] = UNSET
    by: Name | None = None


class ProgressNote(Struct, frozen=True, omit_defaults=True):
    """How far a thing had come at an instant."""

    at: Instant
    text: Words


class FeedbackFact(Struct, frozen=True, omit_defaults=True):
    """A bug or a request, on its way to a release and back to the customer.

    `progress` adds notes. `customer_told_at` closes the loop; `effect` is what was seen after the release.
    """

    TYPE: ClassVar[str] = "mainstay.customer.feedback.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    feedback_id: Id
    occurred_at: Instant
    kind: Literal["bug", "request"] | UnsetType = UNSET
    words: Maybe[Words] = UNSET
    theme: Maybe[Name] = UNSET
    severity: Maybe[Severity] = UNSET
    state: (
        Literal["wont_do", "not_within_three_months", "in_pool", "scheduled", "in_development", "in_test", "released"]
        | UnsetType
    ) = UNSET
    release: Maybe[Name] = UNSET
    eta_on: Maybe[date] = UNSET
    progress: Annotated[tuple[ProgressNote, ...], Meta(max_length=100)] | UnsetType = UNSET
    incident_report: Maybe[Words] = UNSET
    customer_told_at: Maybe[Instant] = UNSET
    effect: Maybe[Words] = UNSET
    contact_id: Id | None = None
    by: Name | None = None


class EntitlementFact(Struct, frozen=True, omit_defaults=True):
    """What an account bought of a metric (seats, api_calls, prepaid_balance) in a period, how much of it is used.

    `features` are those of the plan. `ends_on` is the period's last day. `metric` names the thing within its account.
    """

    TYPE: ClassVar[str] = "mainstay.customer.entitlement.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    metric: Key
    occurred_at: Instant
    bought: Maybe[Quantity] = UNSET
    used: Maybe[Quantity] = UNSET
    features: Annotated[tuple[Name, ...], Meta(max_length=1_000)] | UnsetType | None = UNSET
    starts_on: Maybe[date] = UNSET
    ends_on: Maybe[date] = UNSET
    by: Name | None = None


class ObjectiveFact(Struct, frozen=True, omit_defaults=True):
    """An objective of the success plan, in the customer's words; with a metric, how it began and is to be.

    `achieved` is the metric's value now, `achieved_on` the day the goal was reached, `confirmed_by` who says so.
    """

    TYPE: ClassVar[str] = "mainstay.customer.objective.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    objective_id: Id
    occurred_at: Instant
    words: Words | UnsetType = UNSET
    state: Literal["draft", "active", "achieved", "missed", "dropped"] | UnsetType = UNSET
    metric: Maybe[Key] = UNSET
    baseline: Maybe[Number] = UNSET
    target: Maybe[Number] = UNSET
    achieved: Maybe[Number] = UNSET
    due_on: Maybe[date] = UNSET
    achieved_on: Maybe[date] = UNSET
    confirmed_by: Maybe[Name] = UNSET
    by: Name | None = None


class Notice(Struct, frozen=True):
    """How long before a term's end notice is to be given."""

    amount: Annotated[int, Meta(ge=0, le=1_000)]
    unit: Literal["days", "business_days", "months"]


class PriceStep(Struct, frozen=True):
    """From a day on, what is committed up to the next step, or to the end of the term."""

    starts_on: date
    amount: MoneyData


class ContractTerm(Struct, frozen=True, omit_defaults=True):
    """One term: `ends_on` is its last day, `amount` is for all of it.

    `entitlements` are what is bought besides seats, by metric; `price_schedule` has the steps of a term of several
    years: the first begins with the term, and they add up to `amount`.
    """

    starts_on: date
    ends_on: date
    amount: MoneyData
    seats: Seats | None = None
    term_id: Id | None = None
    entitlements: Annotated[dict[Key, Bought], Meta(max_length=50)] | UnsetType = UNSET
    price_schedule: Annotated[tuple[PriceStep, ...], Meta(max_length=120)] | UnsetType = UNSET


class ContractFact(Struct, frozen=True, omit_defaults=True):
    """A contract as another system has it. `terms` are all that it has, in order; `zone` is an IANA name.

    `predecessor_id` is the contract that this one renews, by the sender's id; `next_amount` is for a term to come,
    where that is not what the last one costs.
    """

    TYPE: ClassVar[str] = "mainstay.customer.contract.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    contract_id: Id
    occurred_at: Instant
    kind: Literal["recurring", "one_time"]
    currency: Currency
    zone: Maybe[Name] = UNSET
    terms: Annotated[tuple[ContractTerm, ...], Meta(max_length=200)] | UnsetType = UNSET
    at_end: Maybe[Literal["renew", "renew_once", "evergreen", "cancel"]] = UNSET
    notice: Maybe[Notice] = UNSET
    state: Maybe[Literal["draft", "signed", "cancelled", "ended"]] = UNSET
    predecessor_id: Maybe[Id] = UNSET
    next_amount: Maybe[MoneyData] = UNSET
    by: Name | None = None


class HandoverStep(Struct, frozen=True, omit_defaults=True):
    """One line of a handover's checklist; `done_at` null: still to be done."""

    step_id: Id
    what: Name | None = None
    done_at: Instant | None = None
    due_on: date | None = None
    owner: Name | None = None


class HandoverFact(Struct, frozen=True, omit_defaults=True):
    """An account changes hands among us (internal) or at the customer's or a partner's (external).

    `steps` speaks of the steps that it names. The new hands act from `cut_over_on`, both until `transition_until`, and
    from `separated_on` the new ones alone.
    """

    TYPE: ClassVar[str] = "mainstay.customer.handover.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    handover_id: Id
    occurred_at: Instant
    kind: Literal["internal", "external"] | UnsetType = UNSET
    from_person: Maybe[Name] = UNSET
    to_person: Maybe[Name] = UNSET
    steps: Annotated[tuple[HandoverStep, ...], Meta(max_length=200)] | UnsetType = UNSET
    cut_over_on: Maybe[date] = UNSET
    transition_until: Maybe[date] = UNSET
    separated_on: Maybe[date] = UNSET
    by: Name | None = None


class AdvocacyFact(Struct, frozen=True, omit_defaults=True):
    """A customer speaks for us."""

    TYPE: ClassVar[str] = "mainstay.customer.advocacy.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    advocacy_id: Id
    occurred_at: Instant
    kind: Literal["referral", "reference", "case_study", "testimonial"]
    state: Maybe[Literal["asked", "agreed", "given", "declined"]] = UNSET
    text: Maybe[Words] = UNSET
    contact_id: Id | None = None
    by: Name | None = None


Fact: TypeAlias = (
    AccountFact
    | ContactFact
    | TicketFact
    | SurveyResponseFact
    | TouchpointFact
    | TrainingFact
    | InvoiceFact
    | FeedbackFact
    | EntitlementFact
    | ObjectiveFact
    | ContractFact
    | HandoverFact
    | AdvocacyFact
)
EVENTS = (
    TicketFact,
    SurveyResponseFact,
    TouchpointFact,
    TrainingFact,
    InvoiceFact,
    FeedbackFact,
    EntitlementFact,
    ObjectiveFact,
    ContractFact,
    HandoverFact,
    AdvocacyFact,
)
FACTS = (AccountFact, ContactFact, *EVENTS)
"""Every fact, by its `mainstay.customer.<kind>.v1`."""
