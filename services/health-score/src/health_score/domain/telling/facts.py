"""What metrics of facts say, and those of an account's life and of people's judgement."""

from collections.abc import Mapping

from health_score.domain.metrics.billing import overdue_days
from health_score.domain.metrics.counting import promised
from health_score.domain.metrics.reading import AsOf, Value
from health_score.domain.metrics.success import ACTIVE_PLAN, DRAFT_PLAN
from health_score.domain.metrics.support import is_open_and_urgent, opened_at
from health_score.domain.metrics.voice import answers_of_nps
from health_score.domain.telling.phrase import Phrase, Teller, counted, figure, figured, shared, whole


def _urgent(value: Value, of: AsOf) -> Phrase | None:
    if not value:
        return None if value is None else Phrase("no-urgent-tickets")
    opened = [opened_at(ticket) for ticket in of.known.of("ticket") if is_open_and_urgent(of, ticket)]
    oldest = (of.ends - min(opened)).days if opened else 0
    return Phrase("open-urgent-tickets", {"tickets": whole(value), "oldest": oldest})


def _first_response(value: Value, of: AsOf) -> Phrase | None:
    if value is None:
        return None
    target = promised(of, "response_within_hours")
    if not isinstance(target, int):  # nothing, or another number of hours for each priority
        return Phrase("first-response", {"hours": figure(value)})
    return Phrase("first-response-promised", {"hours": figure(value), "promised": target})


def _nps(value: Value, of: AsOf) -> Phrase | None:
    if value is None:
        return None
    return Phrase("nps", {"points": figure(value), "answers": len(answers_of_nps(of)), "days": 90})


def _last_touch(value: Value, _of: AsOf) -> Phrase | None:
    if not value:
        return None if value is None else Phrase("touched-today")
    return Phrase("last-touch", {"days": whole(value)})


def _cadence(value: Value, of: AsOf) -> Phrase | None:
    every = promised(of, "touch_every_days")
    if value is None or not every:
        return None
    key = "touch-overdue" if value > 1 else "touch-in-time"
    return Phrase(key, {"days": whole(value * every), "every": every})


def _plan(value: Value, _of: AsOf) -> Phrase | None:
    if value is None:
        return None
    return Phrase("success-plan", {"state": {ACTIVE_PLAN: "active", DRAFT_PLAN: "draft"}.get(whole(value), "none")})


def _overdue(value: Value, of: AsOf) -> Phrase | None:
    """Both metrics of overdue invoices are told by number and days."""
    if not value:
        return None if value is None else Phrase("no-overdue-invoices")
    overdue = [days for invoice in of.known.of("invoice") if (days := overdue_days(of, invoice))]
    return Phrase("overdue-invoices", {"invoices": len(overdue), "days": max(overdue, default=0)})


def _sentiment(value: Value, _of: AsOf) -> Phrase | None:
    if value is None:
        return None
    return Phrase("csm-sentiment", {"sentiment": {0: "red", 50: "yellow"}.get(whole(value), "green")})


FACTS: Mapping[str, Teller] = {
    "open_tickets": counted("open-tickets", "tickets"),
    "open_urgent_tickets": _urgent,
    "tickets_opened_30d": counted("tickets-opened", "tickets", days=30),
    "first_response_hours_90d": _first_response,
    "resolution_hours_90d": figured("resolution", "hours"),
    "answered_in_time_share_90d": shared("answered-in-time", days=90),
    "resolved_in_time_share_90d": shared("resolved-in-time", days=90),
    "ticket_csat_90d": figured("ticket-csat", "points", days=90),
    "nps_90d": _nps,
    "nps_answers_90d": counted("nps-answers", "answers", days=90),
    "survey_csat_90d": figured("survey-csat", "points", days=90),
    "days_since_last_touch": _last_touch,
    "touch_cadence_share": _cadence,
    "touches_90d": counted("touches", "touches", days=90),
    "personas_met_90d": counted("roles-met", "roles", days=90),
    "persona_coverage_90d": shared("personas-covered", days=90),
    "technical_leads_met_90d": counted("technical-leads", "leads", days=90),
    "people_touching_30d": counted("people-touching", "people", days=30),
    "contacts": counted("contacts", "contacts"),
    "champions": counted("champions", "champions"),
    "champions_left_90d": counted("champions-left", "champions", days=90),
    "courses_completed": counted("courses-completed", "courses"),
    "contacts_trained_share": shared("contacts-trained"),
    "contacts_certified": counted("contacts-certified", "people"),
    "objectives_active": counted("objectives-active", "objectives"),
    "objectives_overdue": counted("objectives-overdue", "objectives"),
    "objectives_achieved_share": shared("objectives-achieved"),
    "success_plan": _plan,
    "feedback_open": counted("feedback-open", "items"),
    "feedback_to_be_told": counted("feedback-to-be-told", "items"),
    "advocacy_given_365d": counted("advocacy-given", "acts", days=365),
    "handovers_open": counted("handovers-open", "handovers"),
    "overdue_invoices": _overdue,
    "most_overdue_days": _overdue,
    "tenure_days": counted("tenure-days", "days"),
    "tenure_months": figured("tenure-months", "months"),
    "csm_sentiment": _sentiment,
}
"""By the metric's name."""
