"""Figures of support: how much is open, and how fast and how well it is answered."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction

from health_score.domain.facts.known import Thing
from health_score.domain.metrics.counting import (
    counted,
    hours,
    last_said,
    mean,
    median,
    promised,
    promised_hours,
    share,
    within,
)
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value

_SEEN = last_said("ticket")


def opened_at(ticket: Thing) -> datetime:
    """When a ticket was opened; when it was first heard of, where nobody said."""
    stated: datetime | None = ticket.said("opened_at")
    return stated or ticket.first_at


def was_open(ticket: Thing, ends: datetime) -> bool:
    """Whether a ticket was open right before an instant."""
    resolved = ticket.said("resolved_at")
    return opened_at(ticket) < ends and (resolved is None or resolved >= ends)


def _is_open(of: AsOf, ticket: Thing) -> bool:
    return was_open(ticket, of.ends)


def is_open_and_urgent(of: AsOf, ticket: Thing) -> bool:
    """Whether a ticket is of the priority urgent, and open as of the day."""
    return ticket.said("priority") == "urgent" and _is_open(of, ticket)


def _was_opened_30d(of: AsOf, ticket: Thing) -> bool:
    return within(of, opened_at(ticket), 30)


def _first_response_hours_90d(of: AsOf) -> Value:
    """The median from opening to the first response, of the tickets first answered in the window."""
    return median(_hours_until(of, "first_response_at"))


def _resolution_hours_90d(of: AsOf) -> Value:
    """The median from opening to resolution, of the tickets resolved in the window (and not opened again)."""
    return median(_hours_until(of, "resolved_at"))


def _hours_until(of: AsOf, name: str) -> Iterator[Fraction]:
    for ticket in of.known.of("ticket"):
        instant = ticket.said(name)
        if within(of, instant, 90):
            yield hours(instant - opened_at(ticket))


def _answered_in_time_share_90d(of: AsOf) -> Value:
    """Of the tickets opened in the window: answered within the hours promised ÷ answered or overdue."""
    return _in_time_share(of, "response_within_hours", "first_response_at")


def _resolved_in_time_share_90d(of: AsOf) -> Value:
    """Of the tickets opened in the window: resolved within the hours promised ÷ resolved or overdue."""
    return _in_time_share(of, "resolution_within_hours", "resolved_at")


def _in_time_share(of: AsOf, promise: str, done: str) -> Value:
    if promised(of, promise) is None:
        return None
    opened = (each for each in of.known.of("ticket") if within(of, opened_at(each), 90))
    return in_time_share(opened, lambda ticket: promised_hours(of, promise, ticket), of.ends, done)


def in_time_share(
    opened: Iterable[Thing],
    hours_for: Callable[[Thing], int | None],
    ends: datetime,
    done: str = "first_response_at",
) -> Value:
    """Of these tickets, as far as hours are promised for them: done in time ÷ done, or overdue right before an instant.

    What was not done yet and may still be in time counts on neither side.
    """
    in_time = judged = 0
    for ticket in opened:
        target = hours_for(ticket)
        if target is None:
            continue
        deadline, at = opened_at(ticket) + timedelta(hours=target), ticket.said(done)
        if at is None and deadline >= ends:
            continue
        judged += 1
        in_time += at is not None and at <= deadline
    return share(in_time, judged)


def _ticket_csat_90d(of: AsOf) -> Value:
    """The mean of what customers gave for tickets, 1–5, by the day on which it was said."""
    tickets = of.known.of("ticket")
    given = ((ticket.said("csat"), ticket.said_at("csat")) for ticket in tickets)
    return mean(csat for csat, at in given if csat is not None and within(of, at, 90))


SUPPORT = (
    Metric(
        "open_tickets",
        Unit.COUNT,
        counted("ticket", _is_open),
        _SEEN,
        means="Tickets opened, and not resolved or opened again",
    ),
    Metric(
        "open_urgent_tickets",
        Unit.COUNT,
        counted("ticket", is_open_and_urgent),
        _SEEN,
        means="Open tickets of the priority urgent",
    ),
    Metric(
        "tickets_opened_30d",
        Unit.COUNT,
        counted("ticket", _was_opened_30d),
        _SEEN,
        means="Tickets opened in 30 days; those without a stated opening by the first word of them",
    ),
    Metric(
        "first_response_hours_90d",
        Unit.HOURS,
        _first_response_hours_90d,
        _SEEN,
        means="Median hours from opening to the first response, of tickets first answered in 90 days",
    ),
    Metric(
        "resolution_hours_90d",
        Unit.HOURS,
        _resolution_hours_90d,
        _SEEN,
        means="Median hours from opening to resolution, of tickets resolved in 90 days",
    ),
    Metric(
        "answered_in_time_share_90d",
        Unit.SHARE,
        _answered_in_time_share_90d,
        _SEEN,
        means="Of tickets opened in 90 days: answered within the hours promised ÷ answered or overdue; undefined"
        " without a promise",
    ),
    Metric(
        "resolved_in_time_share_90d",
        Unit.SHARE,
        _resolved_in_time_share_90d,
        _SEEN,
        means="Of tickets opened in 90 days: resolved within the hours promised ÷ resolved or overdue; undefined"
        " without a promise",
    ),
    Metric(
        "ticket_csat_90d",
        Unit.POINTS,
        _ticket_csat_90d,
        _SEEN,
        means="Mean of what customers gave for tickets in 90 days, 1–5",
    ),
)
"""The metrics of tickets."""
