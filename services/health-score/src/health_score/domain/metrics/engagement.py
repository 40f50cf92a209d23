"""Figures of how we meet the customer: how long ago, how often, and whom."""

from datetime import date
from fractions import Fraction
from typing import Final

from health_score.domain.facts.known import Thing
from health_score.domain.metrics.counting import promised, share, within
from health_score.domain.metrics.people import active_contacts
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from mainstay.kernel.clock import day_of

NO_TOUCH: Final = frozenset({"planned", "no_answer", "postponed", "cancelled"})
"""Results with which a touchpoint did not reach the customer. One without a result did."""

TECHNICAL_LEADS: Final = frozenset({"development_lead", "security_lead"})
"""Whom GitLab's PROVE asks to have been met."""


def touches(of: AsOf) -> list[Thing]:
    """The touchpoints at which the customer was reached; what was only about them is none."""
    return [
        touch
        for touch in of.known.of("touchpoint")
        if not touch.said("is_internal") and touch.said("result") not in NO_TOUCH
    ]


def _last_touch(of: AsOf) -> date | None:
    reached = touches(of)
    return day_of(max(touch.last_at for touch in reached), of.known.zone) if reached else None


def _days_since_last_touch(of: AsOf) -> Value:
    last = _last_touch(of)
    return None if last is None else (of.day - last).days


def _touch_cadence_share(of: AsOf) -> Value:
    """Days since the last touch ÷ the days that the service policy allows between touches: over 1 is overdue."""
    days, every = _days_since_last_touch(of), promised(of, "touch_every_days")
    return None if days is None or not every else Fraction(days, every)


def _touches_90d(of: AsOf) -> Value:
    return len(_touches_within(of, 90)) if of.known.of("touchpoint") else None


def _touches_within(of: AsOf, days: int) -> list[Thing]:
    return [touch for touch in touches(of) if within(of, touch.last_at, days)]


def roles_met(of: AsOf, days: int) -> frozenset[str]:
    """The roles of the customer's people who were met: as stated of the attendee, else of the contact."""
    contacts = {contact.id: contact.said("role") for contact in of.known.of("contact")}
    roles = (
        attendee.get("role") or contacts.get(attendee.get("contact_id"))
        for touch in _touches_within(of, days)
        for attendee in touch.said("attendees") or ()
        if attendee["side"] == "customer"
    )
    return frozenset(role for role in roles if role is not None)


def _personas_met_90d(of: AsOf) -> Value:
    """How many different roles of the customer's side were met."""
    return len(roles_met(of, 90)) if of.known.of("touchpoint") else None


def _persona_coverage_90d(of: AsOf) -> Value:
    """Of the roles that active contacts have: those that were met."""
    known = {contact.said("role") for contact in active_contacts(of)} - {None}
    return share(len(roles_met(of, 90) & known), len(known))


def _technical_leads_met_90d(of: AsOf) -> Value:
    """How many of the development lead and the security lead were met: 0, 1 or 2."""
    return len(roles_met(of, 90) & TECHNICAL_LEADS) if of.known.of("touchpoint") else None


def _people_touching_30d(of: AsOf) -> Value:
    """How many different people of ours met the customer: who was there, or, where nobody is stated, who says so."""
    if not of.known.of("touchpoint"):
        return None
    people: set[str | None] = set()
    for touch in _touches_within(of, 30):
        ours = {each.get("name") for each in touch.said("attendees") or () if each["side"] == "us"} - {None}
        people |= ours or {touch.said("by")}
    return len(people - {None})


ENGAGEMENT = (
    Metric(
        "days_since_last_touch",
        Unit.DAYS,
        _days_since_last_touch,
        _last_touch,
        means="Days since the last touchpoint at which the customer was reached",
    ),
    Metric(
        "touch_cadence_share",
        Unit.SHARE,
        _touch_cadence_share,
        _last_touch,
        means="Days since the last touch ÷ the days that the service policy allows between touches; over 1 is overdue",
    ),
    Metric(
        "touches_90d",
        Unit.COUNT,
        _touches_90d,
        _last_touch,
        means="Touchpoints in 90 days at which the customer was reached",
    ),
    Metric(
        "personas_met_90d",
        Unit.COUNT,
        _personas_met_90d,
        _last_touch,
        means="Different roles of the customer's side that were met in 90 days",
    ),
    Metric(
        "persona_coverage_90d",
        Unit.SHARE,
        _persona_coverage_90d,
        _last_touch,
        means="Roles met in 90 days ÷ roles that active contacts have",
    ),
    Metric(
        "technical_leads_met_90d",
        Unit.COUNT,
        _technical_leads_met_90d,
        _last_touch,
        means="Of the development lead and the security lead: how many were met in 90 days",
    ),
    Metric(
        "people_touching_30d",
        Unit.COUNT,
        _people_touching_30d,
        _last_touch,
        means="Different people of ours who met the customer in 30 days",
    ),
)
"""The metrics of touchpoints."""
