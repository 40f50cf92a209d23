"""Activation: how much of what was bought was ever used, and how long the first use took."""

from datetime import date
from fractions import Fraction

from health_score.domain.facts.known import Known
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.metrics.usage import last_active
from mainstay.kernel.clock import day_of

ACTIVATED_SHARE = Fraction(1, 2)
"""An account is activated once users for this share of the seats that it has now have come."""


def _activation(of: AsOf) -> Value:
    return Fraction(of.windows.life.users_until(of.day), of.seats) if of.seats else None


def _days_to_activation(of: AsOf) -> Value:
    if not of.seats:
        return None
    return _days_until(of, of.windows.life.reached_on(ACTIVATED_SHARE * of.seats))


def _time_to_first_value(of: AsOf) -> Value:
    return _days_until(of, of.windows.life.first_day)


def _days_until(of: AsOf, reached: date | None) -> Value:
    """Days from the account's beginning to a day, 0 where it lies before; None while it is still to come."""
    began = began_on(of.known, of.day)
    if began is None or reached is None or reached > of.day:
        return None
    return max(0, (reached - began).days)


def began_on(known: Known, day: date) -> date | None:
    """An account's beginning as known on a day: go-live, else the first contract's start, else the first statement."""
    accounts = known.of("account")
    gone_live: date | None = next(
        (live for account in accounts if (live := account.said("go_live_on")) is not None and live <= day), None
    )
    if gone_live is not None:
        return gone_live
    starts: list[date] = [
        term["starts_on"] for contract in known.of("contract") for term in contract.said("terms") or ()
    ]
    if starts:
        return min(starts)
    return min((day_of(account.first_at, known.zone) for account in accounts), default=None)


ACTIVATION = (
    Metric(
        "activation",
        Unit.SHARE,
        _activation,
        last_active,
        of_life=True,
        means="Distinct users that ever came ÷ seats bought",
    ),
    Metric(
        "days_to_activation",
        Unit.DAYS,
        _days_to_activation,
        last_active,
        of_life=True,
        means="Days from the beginning until users for half of the seats bought had come; the beginning is the go-live,"
        " else the first contract's start, else the day of the first statement about the account",
    ),
    Metric(
        "time_to_first_value",
        Unit.DAYS,
        _time_to_first_value,
        last_active,
        of_life=True,
        means="Days from the beginning (see days_to_activation) to the first use; 0 where use came before",
    ),
)
"""The metrics of an account's beginning."""
