"""What every client sends, and how it must be found in the log."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from mainstay.contracts.envelope import Event

ONE_BY_ONE = 3_000
"""Events of a client that sends each in a request of its own, where something is killed; undisturbed it is 10,000."""
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a product; `number` is sent as a property."""

    number: int
    account: str
    user: str
    name: str
    at: datetime


def uses(count: int = 10_000) -> list[Use]:
    """Uses of 97 accounts by 1,009 users, some seconds apart; every user is of one account."""
    return [
        Use(
            number,
            account=f"acme-{number % 1_009 % 97}",
            user=f"user-{number % 1_009}",
            name=f"Action_{number % 20}",
            at=FIRST + timedelta(seconds=37 * number),
        )
        for number in range(count)
    ]


def found(events: Iterable[Event[Any]]) -> Counter[Use]:
    """The uses that the log holds, each with how often consumers would count it: once for an event id."""
    distinct = {(event.source, event.id): event for event in events}
    return Counter(
        Use(
            number=msgspec.json.decode(event.data.properties)["number"],
            account=event.data.account_id,
            user=event.data.user_id,
            name=event.data.event,
            at=event.data.occurred_at,
        )
        for event in distinct.values()
    )


def assert_each_counts_once(sent: Collection[Use], events: Collection[Event[Any]]) -> None:
    """Every use is there, as it was sent, and nothing else."""
    assert found(events) == Counter(sent)
