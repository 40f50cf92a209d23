"""Figures of the dates that an account's life has: the next renewal, the go-live, the first contract."""

from datetime import date

from health_score.domain.facts.known import ACCOUNT, VALUE
from health_score.domain.metrics.counting import last_said
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value


def _said(of: AsOf, kind: str, name: str) -> date | None:
    thing = of.known.one(kind)
    day: date | None = thing.said(name) if thing is not None else None
    return day


def _days_to_renewal(of: AsOf) -> Value:
    day = _said(of, VALUE, "next_renewal_on")
    return None if day is None else (day - of.day).days


def _days_to_planned_go_live(of: AsOf) -> Value:
    day = _said(of, ACCOUNT, "go_live_planned_on")
    return None if day is None else (day - of.day).days


def _days_since_go_live(of: AsOf) -> Value:
    day = _said(of, ACCOUNT, "go_live_on")
    return None if day is None or day > of.day else (of.day - day).days


def _days_since_first_term(of: AsOf) -> Value:
    starts: list[date] = [
        term["starts_on"] for contract in of.known.of("contract") for term in contract.said("terms") or ()
    ]
    return (of.day - min(starts)).days if starts else None


DATES = (
    Metric(
        "days_to_renewal",
        Unit.DAYS,
        _days_to_renewal,
        last_said(VALUE),
        means="Days until the next renewal, as the contracts say; negative once it has passed",
    ),
    Metric(
        "days_to_planned_go_live",
        Unit.DAYS,
        _days_to_planned_go_live,
        last_said(ACCOUNT),
        means="Days until the planned go-live; negative once it has passed",
    ),
    Metric(
        "days_since_go_live",
        Unit.DAYS,
        _days_since_go_live,
        last_said(ACCOUNT),
        means="Days since the actual go-live; undefined before it",
    ),
    Metric(
        "days_since_first_term",
        Unit.DAYS,
        _days_since_first_term,
        last_said("contract"),
        means="Days since the first contract's first term began; negative while it is still to begin",
    ),
)
"""The metrics of dates."""
