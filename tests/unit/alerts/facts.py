"""Builders of observations, in the words of the tests."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from alerts.domain.observations import BandEntered, BecameActive, Observation, TermClosed, WentSilent, WindowOpened
from alerts.domain.words import Band
from mainstay.kernel.money import Money

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def band(before: str | None, now: str, *, hours: float, event: str | None = None, account: str = "acme") -> Observation:
    """The account went from one band to another, so many hours after the start."""
    previous = None if before is None else Band(before)
    fact = BandEntered(Band(now), previous, {"red": 41, "yellow": 60, "green": 88}.get(now), "usage fell 64 %")
    return Observation(account, event or f"{before}-{now}-{hours}", at(hours), fact)


def silent(last: date, *, hours: float, account: str = "acme") -> Observation:
    return Observation(account, f"silent-{hours}", at(hours), WentSilent(last, 9))


def active(last: date, *, hours: float, account: str = "acme") -> Observation:
    return Observation(account, f"active-{hours}", at(hours), BecameActive(last))


def window(term: str = "t1", *, hours: float, health: str | None = "green", account: str = "acme") -> Observation:
    fact = WindowOpened(
        contract_id="c1",
        term_id=term,
        ends_before=date(2026, 6, 1),
        amount=Money(Decimal("12000.00"), "EUR"),
        seats=40,
        band=Band(health) if health else None,
        score=88 if health else None,
    )
    return Observation(account, f"window-{term}-{hours}", at(hours), fact)


def closed(term: str = "t1", *, hours: float, renewed: bool = True, account: str = "acme") -> Observation:
    reason = "The term was renewed." if renewed else "The term ended: churned."
    fact = TermClosed("c1", term, renewed=renewed, reason=reason)
    return Observation(account, f"closed-{term}-{hours}", at(hours), fact)
