"""Builders for the tests of renewals: a contract in a line."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from renewals.domain.contracts import Contract, Kind
from renewals.domain.entering import NewContract, enter
from renewals.domain.happenings import Happening


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def stated(start: str, *, end: str | None = None, zone: str = "UTC", amount: str = "1200", **other: Any) -> NewContract:
    facts = {"account_id": "acme", "kind": Kind.RECURRING, "currency": "EUR", **other}
    return NewContract(
        start=day(start),
        end=day(end) if end else None,
        zone=ZoneInfo(zone),
        amount=Decimal(amount),
        **facts,
    )


def entered(start: str, *, now: str | None = None, **facts: Any) -> Contract:
    """A contract entered at the given instant, by default on its first day."""
    return enter("c1", stated(start, **facts), at(now or start))


def story(happened: tuple[Happening, ...]) -> list[tuple[str, int, str]]:
    """What happened, to which term, on which instant: short enough to compare."""
    return [(type(h).__name__, h.term.number, f"{h.occurred_at:%Y-%m-%dT%H:%M}") for h in happened]
