"""Cases of every metric of facts: what was stated, and the value as of 2026-03-31 in Berlin (UTC+2 since the 29th)."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import (
    AdvocacyFact,
    Attendee,
    ContractFact,
    ContractTerm,
    FeedbackFact,
    HandoverFact,
    InvoiceFact,
    ObjectiveFact,
    SurveyResponseFact,
    TicketFact,
    TouchpointFact,
    TrainingFact,
)
from mainstay.contracts.ingest import AccountFact, ContactFact, ServicePolicy
from mainstay.contracts.renewals import AccountValueChanged
from tests.unit.health_score.stating import TODAY, days_ago


def ticket(name: str, opened: int, **fields: Any) -> TicketFact:
    """A ticket opened at noon so many days ago, all of it said when it was opened."""
    return TicketFact("acme", name, days_ago(opened), opened_at=days_ago(opened), **fields)


def answer(name: str, days: int, score: int, contact: str | None = None, kind: Any = "nps") -> SurveyResponseFact:
    return SurveyResponseFact("acme", name, days_ago(days), kind, score, contact_id=contact)


def touch(name: str, days: int, **fields: Any) -> TouchpointFact:
    return TouchpointFact("acme", name, days_ago(days), "meeting", **fields)


def met(days: int, *roles: str) -> TouchpointFact:
    attendees = tuple(Attendee("customer", role=role) for role in roles)
    return touch(f"met{days}", days, result="held", attendees=attendees)


def contact(who: str, days: int = 200, **fields: Any) -> ContactFact:
    return ContactFact("acme", who, days_ago(days), **fields)


def training(name: str, who: str | None = None, **fields: Any) -> TrainingFact:
    return TrainingFact("acme", name, days_ago(10), "Basics", contact_id=who, **fields)


def objective(name: str, **fields: Any) -> ObjectiveFact:
    return ObjectiveFact("acme", name, days_ago(100), words="Save time", **fields)


def invoice(name: str, **fields: Any) -> InvoiceFact:
    return InvoiceFact("acme", name, days_ago(30), **fields)


def feedback(name: str, **fields: Any) -> FeedbackFact:
    return FeedbackFact("acme", name, days_ago(30), **fields)


def advocacy(name: str, days: int, state: Any) -> AdvocacyFact:
    return AdvocacyFact("acme", name, days_ago(days), "referral", state=state)


def handover(name: str, **fields: Any) -> HandoverFact:
    return HandoverFact("acme", name, days_ago(30), **fields)


def policy(**fields: Any) -> AccountFact:
    return AccountFact("acme", days_ago(400), service_policy=ServicePolicy(**fields))


def contract(name: str, first: date) -> ContractFact:
    term = ContractTerm(first, first + timedelta(days=364), MoneyData(Decimal(9), "EUR"))
    return ContractFact("acme", name, days_ago(9), "recurring", "EUR", terms=(term,))


SOLVED = {"resolved_at": days_ago(0)}

CASES: dict[str, list[tuple[list[Any], Any]]] = {
    "open_tickets": [
        ([], None),
        ([ticket("a", 5), ticket("b", 300)], 2),
        ([ticket("a", 5, **SOLVED)], 0),
        ([ticket("a", 5), TicketFact("acme", "a", days_ago(1), resolved_at=days_ago(1))], 0),
        # opened again
        ([ticket("a", 5, **SOLVED), TicketFact("acme", "a", days_ago(0), resolved_at=None)], 1),
        # stated, without saying when it was opened
        ([TicketFact("acme", "a", days_ago(3))], 1),
    ],
    "open_urgent_tickets": [
        ([], None),
        ([ticket("a", 5, priority="urgent"), ticket("b", 5, priority="high"), ticket("c", 5)], 1),
        ([ticket("a", 5, priority="urgent", **SOLVED)], 0),
        ([ticket("a", 5, priority="urgent"), TicketFact("acme", "a", days_ago(4), priority="low")], 0),
    ],
    "tickets_opened_30d": [
        ([], None),
        ([ticket("a", 29), ticket("b", 30), ticket("c", 0, **SOLVED)], 2),
        # midnight in Berlin was at 23:00 UTC on that day, before summer time
        ([TicketFact("acme", "a", days_ago(9), opened_at=days_ago(30, 23))], 1),
        ([TicketFact("acme", "a", days_ago(9), opened_at=days_ago(30, 23) - timedelta(microseconds=1))], 0),
    ],
    "first_response_hours_90d": [
        ([], None),
        ([ticket("a", 5)], None),
        ([ticket("a", 5, first_response_at=days_ago(5, 13))], 1),
        ([ticket(f"t{n}", 5, first_response_at=days_ago(5, 12 + n)) for n in (1, 2, 9)], 2),
        ([ticket(f"t{n}", 5, first_response_at=days_ago(5, 12 + n)) for n in (1, 2)], Fraction(3, 2)),
        ([ticket("a", 5, first_response_at=days_ago(5) + timedelta(minutes=20))], Fraction(1, 3)),
        # by the day of the answer, not of the question
        ([ticket("a", 91, first_response_at=days_ago(89))], 48),
        ([ticket("a", 91, first_response_at=days_ago(90))], None),
        # clocks that disagree
        ([ticket("a", 5, first_response_at=days_ago(5, 11))], 0),
    ],
    "resolution_hours_90d": [
        ([], None),
        ([ticket("a", 5)], None),
        ([ticket("a", 5, resolved_at=days_ago(4)), ticket("b", 5, resolved_at=days_ago(3))], 36),
        ([ticket("a", 95, resolved_at=days_ago(90))], None),
    ],
    "answered_in_time_share_90d": [
        ([ticket("a", 5, first_response_at=days_ago(5, 13))], None),
        ([policy(response_within_hours=4)], None),
        (
            [
                policy(response_within_hours=4),
                ticket("in time", 5, first_response_at=days_ago(5, 16)),
                ticket("late", 5, first_response_at=days_ago(5, 16) + timedelta(microseconds=1)),
                ticket("never", 5),
            ],
            Fraction(1, 3),
        ),
        # opened at noon, to be answered within 12 hours: at 22:00 UTC the day ends in Berlin
        ([policy(response_within_hours=12), ticket("a", 0)], None),
        ([policy(response_within_hours=9), ticket("a", 0)], 0),
        ([policy(response_within_hours=4), ticket("a", 90)], None),
        ([AccountFact("acme", days_ago(1), service_policy=None), ticket("a", 5)], None),
    ],
    "resolved_in_time_share_90d": [([policy(response_within_hours=4), ticket("a", 5, **SOLVED)], None)],
    "days_to_renewal": [
        ([], None),
        ([AccountValueChanged("acme", 1, days_ago(9), next_renewal_on=TODAY + timedelta(days=9))], 9),
        ([AccountValueChanged("acme", 1, days_ago(9), next_renewal_on=TODAY - timedelta(days=1))], -1),
        (
            [
                AccountValueChanged("acme", 1, days_ago(9), next_renewal_on=TODAY),
                AccountValueChanged("acme", 2, days_ago(8)),  # no renewal any more
            ],
            None,
        ),
    ],
    "days_to_planned_go_live": [
        ([AccountFact("acme", days_ago(9), name="Acme")], None),
        ([AccountFact("acme", days_ago(9), go_live_planned_on=TODAY + timedelta(days=3))], 3),
    ],
    "days_since_go_live": [
        ([], None),
        ([AccountFact("acme", days_ago(9), go_live_on=TODAY - timedelta(days=3))], 3),
        ([AccountFact("acme", days_ago(9), go_live_on=TODAY + timedelta(days=1))], None),
    ],
    "days_since_first_term": [
        ([], None),
        ([contract("a", TODAY - timedelta(days=30)), contract("b", TODAY - timedelta(days=400))], 400),
        ([contract("a", TODAY + timedelta(days=30))], -30),
    ],
    "ticket_csat_90d": [
        ([ticket("a", 5)], None),
        ([ticket("a", 5, csat=5), ticket("b", 5, csat=2), ticket("c", 5)], Fraction(7, 2)),
        # by the day on which it was said
        ([ticket("a", 100), TicketFact("acme", "a", days_ago(89), csat=4)], 4),
        ([ticket("a", 100, csat=4)], None),
        ([ticket("a", 5, csat=4), TicketFact("acme", "a", days_ago(1), csat=None)], None),
    ],
    "nps_90d": [
        ([], None),
        ([answer("a", 5, 9, "ann"), answer("b", 5, 6, "bob"), answer("c", 5, 7, "cid")], 0),
        ([answer("a", 5, 10), answer("b", 5, 8), answer("c", 5, 9)], Fraction(200, 3)),
        ([answer("a", 5, 0), answer("b", 5, 6)], -100),
        # the last answer of each contact
        ([answer("a", 5, 2, "ann"), answer("b", 4, 9, "ann"), answer("c", 9, 10, "bob")], 100),
        ([answer("a", 89, 9)], 100),
        ([answer("a", 90, 9)], None),
        ([answer("a", 5, 5, kind="csat")], None),
        # corrected
        ([answer("a", 5, 2, "ann"), answer("a", 4, 9, "ann")], 100),
    ],
    "nps_answers_90d": [
        ([], 0),
        ([answer("a", 5, 2, "ann"), answer("b", 4, 9, "ann"), answer("c", 9, 10), answer("d", 9, 10)], 3),
    ],
    "survey_csat_90d": [
        ([answer("a", 5, 9)], None),
        ([answer("a", 5, 5, kind="csat"), answer("b", 5, 2, kind="csat")], Fraction(7, 2)),
        ([answer("a", 90, 5, kind="csat")], None),
    ],
    "days_since_last_touch": [
        ([], None),
        ([touch("a", 8, result="held"), touch("b", 20)], 8),
        ([touch("a", 8)], 8),
        ([touch("a", 8, result=result) for result in ("planned", "no_answer", "postponed", "cancelled")], None),
        ([touch("a", 8, result="held"), touch("b", 2, is_internal=True)], 8),
        ([touch("a", 8, result="planned"), touch("a", 8, result="held")], 8),
        ([touch("a", 0)], 0),
        # 23:00 UTC is the next day in Berlin
        ([TouchpointFact("acme", "a", days_ago(8, 23), "call")], 7),
    ],
    "touch_cadence_share": [
        ([touch("a", 8)], None),
        ([policy(touch_every_days=30)], None),
        ([policy(touch_every_days=30), touch("a", 45)], Fraction(3, 2)),
        ([policy(touch_every_days=0), touch("a", 45)], None),
    ],
    "touches_90d": [
        ([], None),
        ([touch("a", 89), touch("b", 90), touch("c", 0), touch("d", 1, result="no_answer")], 2),
        ([touch("d", 1, result="no_answer")], 0),
    ],
    "personas_met_90d": [
        ([], None),
        ([touch("a", 5)], 0),
        ([met(5, "sponsor", "admin"), met(6, "admin"), met(90, "champion")], 2),
        (
            [
                contact("ann", role="champion"),
                touch("a", 5, attendees=(Attendee("customer", contact_id="ann"), Attendee("us", role="csm"))),
            ],
            1,
        ),
        ([touch("a", 5, result="cancelled", attendees=(Attendee("customer", role="admin"),))], 0),
    ],
    "persona_coverage_90d": [
        ([met(5, "sponsor")], None),
        ([contact("ann", role="sponsor"), contact("bob", role="champion"), met(5, "sponsor", "guest")], Fraction(1, 2)),
        ([contact("ann", role="sponsor"), contact("bob", role="champion", status="left"), met(5, "sponsor")], 1),
    ],
    "technical_leads_met_90d": [
        ([], None),
        ([met(5, "sponsor")], 0),
        ([met(5, "development_lead")], 1),
        ([met(5, "development_lead"), met(89, "security_lead")], 2),
        ([met(5, "development_lead"), met(90, "security_lead")], 1),
    ],
    "people_touching_30d": [
        ([], None),
        (
            [
                touch("a", 5, attendees=(Attendee("us", name="kim"), Attendee("us", name="lee")), by="kim"),
                touch("b", 6, by="lee"),
                touch("c", 7, by="max"),
                touch("d", 30, by="old"),
            ],
            3,
        ),
    ],
    "contacts": [
        ([], None),
        ([contact("ann"), contact("bob", status="left"), contact("cid", status="inactive")], 1),
        ([contact("ann"), contact("ann", days=5, status="active", name="Ann")], 1),
    ],
    "champions": [
        ([], None),
        ([contact("ann", role="champion"), contact("bob", role="sponsor")], 1),
        ([contact("ann", role="champion"), contact("ann", days=5, status="left")], 0),
        ([contact("ann", role="champion"), contact("ann", days=5, role="user")], 0),
    ],
    "champions_left_90d": [
        ([], None),
        ([contact("ann", role="champion")], 0),
        ([contact("ann", role="champion"), contact("ann", days=89, status="left")], 1),
        ([contact("ann", role="champion"), contact("ann", days=90, status="left")], 0),
        (
            [contact("ann", role="champion"), contact("ann", days=89, status="left"), contact("ann", name="A")],
            1,
        ),
        ([contact("ann", role="user"), contact("ann", days=5, status="left")], 0),
    ],
    "courses_completed": [
        ([], None),
        ([training("a", stage="completed"), training("b", exam="passed"), training("c", certificate="C1")], 3),
        ([training("a", stage="started"), training("b", exam="failed"), training("c")], 0),
    ],
    "contacts_trained_share": [
        ([training("a", "ann", stage="completed")], None),
        (
            [
                contact("ann"),
                contact("bob"),
                contact("cid", status="left"),
                training("a", "ann", stage="completed"),
                training("b", "ann", exam="passed"),
                training("c", "cid", stage="completed"),
                training("d", "bob", stage="started"),
            ],
            Fraction(1, 2),
        ),
    ],
    "contacts_certified": [
        ([], None),
        ([training("a", "ann", certificate="C1"), training("b", "ann", certificate="C2"), training("c")], 1),
        ([training("a", certificate="C1"), training("b", certificate="C2")], 2),
        ([contact("ann", status="left"), training("a", "ann", certificate="C1")], 0),
    ],
    "objectives_active": [
        ([], None),
        ([objective("a", state="active"), objective("b", state="draft"), objective("c")], 2),
        ([objective("a", achieved_on=TODAY)], 0),
    ],
    "objectives_overdue": [
        ([], None),
        ([objective("a", state="active", due_on=TODAY)], 0),
        ([objective("a", state="active", due_on=TODAY - timedelta(days=1))], 1),
        ([objective("a", state="achieved", due_on=TODAY - timedelta(days=1))], 0),
        ([objective("a", state="active")], 0),
    ],
    "objectives_achieved_share": [
        ([], None),
        ([objective("a", state="draft"), objective("b", state="dropped")], None),
        (
            [objective(state, state=state) for state in ("achieved", "active", "missed", "draft", "dropped")],
            Fraction(1, 3),
        ),
    ],
    "success_plan": [
        ([], 0),
        ([objective("a", state="draft")], 1),
        ([objective("a", state="draft"), objective("b", state="active")], 2),
        ([objective("a", state="achieved"), objective("b", state="missed"), objective("c", state="dropped")], 0),
    ],
    "feedback_open": [
        ([], None),
        ([feedback("a"), feedback("b", state="in_test"), feedback("c", state="released")], 2),
    ],
    "feedback_to_be_told": [
        ([], None),
        (
            [
                feedback("a", state="released"),
                feedback("b", state="wont_do"),
                feedback("c", state="released", customer_told_at=days_ago(3)),
                feedback("d", state="in_test"),
            ],
            2,
        ),
    ],
    "advocacy_given_365d": [
        ([], None),
        ([advocacy("a", 364, "given"), advocacy("b", 365, "given"), advocacy("c", 3, "agreed")], 1),
    ],
    "handovers_open": [
        ([], None),
        ([handover("a"), handover("b", separated_on=TODAY), handover("c", separated_on=TODAY + timedelta(days=1))], 2),
    ],
    "overdue_invoices": [
        ([], None),
        ([invoice("a", due_on=TODAY), invoice("b", due_on=TODAY - timedelta(days=1))], 1),
        ([invoice("a", due_on=date(2026, 3, 1), paid_on=TODAY)], 0),
        ([invoice("a", due_on=date(2026, 3, 1), state="cancelled"), invoice("b", overdue_days=3, state="paid")], 0),
        ([invoice("a", overdue_days=3), invoice("b", overdue_days=0)], 1),
    ],
    "most_overdue_days": [
        ([], None),
        ([invoice("a", due_on=TODAY + timedelta(days=5))], 0),
        ([invoice("a", due_on=date(2026, 3, 1)), invoice("b", due_on=date(2026, 3, 21))], 30),
        # stated 30 days ago
        ([invoice("a", overdue_days=3)], 33),
    ],
}
