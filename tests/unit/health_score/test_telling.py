"""Every metric says something that can be read aloud, in three languages."""

from datetime import timedelta
from fractions import Fraction

import pytest

from health_score.domain.behind import kinds_read
from health_score.domain.metrics.catalogue import FACTS, METRICS
from health_score.domain.metrics.reading import Metric, Unit, Value
from health_score.domain.telling.metrics import TELLERS, tell
from mainstay.contracts.facts import (
    AdvocacyFact,
    Attendee,
    EntitlementFact,
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
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language
from tests.unit.health_score.stating import TODAY, days_ago, reading, statements

VALUES: tuple[Value, ...] = (0, 1, 2, 50, 100, 182, 3_000, Fraction(1, 3), Fraction(-64, 100), Fraction(-7, 2))

STATED = (
    AccountFact("acme", days_ago(200), service_policy=ServicePolicy(touch_every_days=30, response_within_hours=4)),
    ContactFact("acme", "c1", days_ago(90), role="champion", status="active"),
    ContactFact("acme", "c2", days_ago(20), role="champion", status="left"),
    TicketFact("acme", "t1", days_ago(9), opened_at=days_ago(9), priority="urgent"),
    TicketFact("acme", "t2", days_ago(3), opened_at=days_ago(3), priority="urgent", csat=4),
    TicketFact("acme", "t3", days_ago(5), opened_at=days_ago(5), first_response_at=days_ago(5, 13)),
    TicketFact("acme", "t4", days_ago(5), opened_at=days_ago(6), resolved_at=days_ago(5)),
    SurveyResponseFact("acme", "s1", days_ago(4), "nps", 10, contact_id="c1"),
    SurveyResponseFact("acme", "s2", days_ago(4), "csat", 4),
    TouchpointFact("acme", "m1", days_ago(41), "meeting", attendees=(Attendee("customer", contact_id="c1"),)),
    TrainingFact("acme", "r1", days_ago(4), "Basics", stage="completed", contact_id="c1", certificate="Basics"),
    ObjectiveFact("acme", "o1", days_ago(50), words="Faster", state="active", due_on=TODAY - timedelta(days=9)),
    FeedbackFact("acme", "f1", days_ago(5), state="released"),
    FeedbackFact("acme", "f2", days_ago(5), state="in_pool"),
    AdvocacyFact("acme", "a1", days_ago(5), "reference", state="given"),
    HandoverFact("acme", "h1", days_ago(5)),
    InvoiceFact("acme", "i1", days_ago(50), due_on=TODAY - timedelta(days=40)),
    InvoiceFact("acme", "i2", days_ago(50), due_on=TODAY - timedelta(days=4)),
    EntitlementFact("acme", "seats", days_ago(40), bought=20, used=15, features=("a", "b")),
    AccountFact(
        "acme", days_ago(40), go_live_planned_on=TODAY + timedelta(days=1), go_live_on=TODAY - timedelta(days=2)
    ),
    AccountValueChanged("acme", 1, days_ago(9), next_renewal_on=TODAY + timedelta(days=42)),
)


def test_every_metric_has_something_to_say() -> None:
    assert TELLERS.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_whatever_a_metric_s_value_is_it_can_be_said_in_every_language(name: str) -> None:
    said = 0
    for of in (reading(statements(*STATED)), reading([])):
        of.seats = 20
        for value in (None, *VALUES):
            phrase = tell(METRICS[name], value, of)
            if phrase is not None:
                said += 1
                texts = {language: phrases().text(phrase.key, phrase.params, language) for language in Language}
                assert all(texts.values())
                assert not any("{" in text or "  " in text for text in texts.values()), texts
                assert texts[Language.EN].isascii()
                assert "_" not in texts[Language.EN]
    assert said


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("open_tickets", "3 tickets open"),
        ("open_urgent_tickets", "2 urgent tickets open, the oldest for 9 days"),
        ("tickets_opened_30d", "4 tickets opened in 30 days"),
        ("first_response_hours_90d", "half of the first responses came within 1 hour, 4 are promised"),
        ("resolution_hours_90d", "half of the tickets were resolved within 24 hours"),
        ("answered_in_time_share_90d", "25% of the tickets of 90 days answered in time"),
        ("ticket_csat_90d", "tickets rated 4 of 5 in 90 days"),
        ("nps_90d", "NPS 100 from 1 answer in 90 days"),
        ("survey_csat_90d", "satisfaction 4 of 5 in 90 days"),
        ("days_since_last_touch", "no touch for 41 days"),
        ("touch_cadence_share", "no touch for 41 days, the policy asks for one every 30 days"),
        ("touches_90d", "1 touch in 90 days"),
        ("personas_met_90d", "people of 1 role met in 90 days"),
        ("technical_leads_met_90d", "neither the development lead nor the security lead met in 90 days"),
        ("people_touching_30d", "nobody of ours met the customer in 30 days"),
        ("champions", "1 champion there"),
        ("champions_left_90d", "1 champion left in 90 days"),
        ("contacts_trained_share", "100% of the contacts trained"),
        ("objectives_overdue", "1 objective overdue"),
        ("success_plan", "the success plan is under way"),
        ("feedback_to_be_told", "1 piece of settled feedback the customer was not told of"),
        ("overdue_invoices", "2 invoices overdue, the oldest by 40 days"),
        ("most_overdue_days", "2 invoices overdue, the oldest by 40 days"),
        ("days_to_renewal", "the renewal is in 42 days"),
        ("days_to_planned_go_live", "the go-live is planned in 1 day"),
        ("days_since_go_live", "live for 2 days"),
        ("seat_utilisation", "15 of 20 seats in use"),
        ("feature_breadth_28d", "0 of the plan's 2 features used in 28 days"),
    ],
)
def test_metrics_of_facts_are_told_with_what_facts_add(metric: str, told: str) -> None:
    of = reading(statements(*STATED))
    of.seats = 20
    phrase = tell(METRICS[metric], METRICS[metric].read(of), of)
    assert phrase is not None
    assert phrases().text(phrase.key, phrase.params, Language.EN) == told


def test_a_metric_of_the_operator_is_told_by_its_title() -> None:
    of = reading([])
    rows = Metric("custom.rows", Unit.AMOUNT, lambda _: 1, lambda _: None, title="Rows exported")
    share = Metric("custom.share", Unit.SHARE, lambda _: 1, lambda _: None)
    told = [tell(rows, Fraction(12_345, 10), of), tell(share, Fraction(1, 8), of), tell(rows, None, of)]
    assert [each and phrases().text(each.key, each.params, Language.EN) for each in told] == [
        "Rows exported: 1,234.5",
        "custom.share: 13%",
        None,
    ]


@pytest.mark.parametrize("metric", FACTS, ids=lambda metric: metric.name)
def test_the_facts_behind_a_metric_are_those_without_which_it_says_something_else(metric: Metric) -> None:
    known = statements(*STATED)
    read = kinds_read(metric, reading(known))
    without = [statement for statement in known if statement.kind not in read]
    only = [statement for statement in known if statement.kind in read]
    assert read
    assert metric.read(reading(only)) == metric.read(reading(known))
    assert metric.read(reading(without)) in {None, 0}
