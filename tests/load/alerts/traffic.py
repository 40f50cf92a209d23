"""What the benchmarks say to alerts: rules of many kinds, accounts, and what happens to their health."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import AccountChanged, AccountValue, BandChanged, ScorecardRef, ScoreChanged

CARD = ScorecardRef("default", 1)
SENTENCES = {"title": "$account needs a look", "text": "It is what the rule says.", "next_steps": ["Look at it."]}
TIERS = ("gold", "silver", "bronze")


def rules(count: int) -> Iterator[dict[str, Any]]:
    """So many rules about scores and bands: of ten, four on a level, three on a drop, one on the band, two in CEL."""
    for number in range(count):
        rule: dict[str, Any] = {"id": f"bench-{number}", "category": "risk", **SENTENCES}
        match number % 10:
            case 0 | 1 | 2 | 3:
                low = 5 + number % 30
                rule |= {"kind": "metric-threshold", "when": {"metric": "health_score", "is": "below"}}
                rule |= {"levels": {"warning": low + 10, "critical": low}, "for": f"{1 + number % 12}h"}
            case 4 | 5 | 6:
                lost = 40 + number % 20
                rule |= {"kind": "score-drop", "when": {"days": 1 + number % 28}}
                rule |= {"levels": {"warning": lost, "critical": lost + 20}}
            case 7:
                rule |= {"kind": "band-worsened", "severity": {"red": "critical", "yellow": "warning"}}
            case _:
                rule |= {"kind": "cel", "when": {"warning": f"health_score < {number % 20} && account_tier == 'gold'"}}
        yield rule


def account(name: str, at: datetime) -> Event[AccountChanged]:
    """An account's record."""
    worth = AccountValue(arr=(MoneyData(Decimal("12000.00"), "EUR"),))
    record = AccountChanged(
        name, 1, at, name=name.title(), owner="ann@example.com", tier=TIERS[len(name) % 3], zone="UTC", value=worth
    )
    return Event(f"{name} is there", "bench", at, record)


def fell(name: str, at: datetime) -> Event[BandChanged]:
    """An account that was green is red."""
    said = BandChanged(name, at, "red", "green", 41, 80, 1.0, CARD, "Fewer people use it.")
    return Event(f"{name} fell", "bench", at, said)


def moved(name: str, at: datetime, score: int, before: int) -> Event[ScoreChanged]:
    """An account's score is another."""
    return Event(f"{name} {at.isoformat()}", "bench", at, ScoreChanged(name, at, score, before, "yellow", 1.0, CARD))
