"""Figures of what is owed."""

from datetime import date

from health_score.domain.facts.known import Thing
from health_score.domain.metrics.counting import counted, last_said
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from mainstay.kernel.clock import day_of

_SEEN = last_said("invoice")


def overdue_days(of: AsOf, invoice: Thing) -> int:
    """For how many days an invoice is overdue as of the day; 0 where it is not, or was paid or cancelled.

    Where no due day is stated: the days overdue as last stated, and those that passed since.
    """
    paid_on = invoice.said("paid_on")
    is_settled = paid_on is not None and paid_on <= of.day
    if is_settled or invoice.said("state") in {"paid", "cancelled"}:
        return 0
    due_on: date | None = invoice.said("due_on")
    if due_on is not None:
        return max(0, (of.day - due_on).days)
    stated: int | None = invoice.said("overdue_days")
    said_at = invoice.said_at("overdue_days")
    if not stated or said_at is None:
        return 0
    return stated + (of.day - day_of(said_at, of.known.zone)).days


def _is_overdue(of: AsOf, invoice: Thing) -> bool:
    return overdue_days(of, invoice) > 0


def _most_overdue_days(of: AsOf) -> Value:
    """The days by which the oldest open invoice is overdue; 0 where none is."""
    invoices = of.known.of("invoice")
    return max(overdue_days(of, invoice) for invoice in invoices) if invoices else None


BILLING = (
    Metric(
        "overdue_invoices",
        Unit.COUNT,
        counted("invoice", _is_overdue),
        _SEEN,
        means="Invoices past their due day, neither paid nor cancelled",
    ),
    Metric(
        "most_overdue_days",
        Unit.DAYS,
        _most_overdue_days,
        _SEEN,
        means="Days by which the oldest open invoice is overdue; 0 where none is",
    ),
)
"""The metrics of invoices."""
