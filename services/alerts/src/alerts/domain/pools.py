"""Fair shares of a pool's work: who gets the next alert, by what everybody has open already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from alerts.domain.accounts import Account

ARR_OF_A_POINT = Decimal(10_000)
MOST_POINTS = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What somebody of a pool has open, in points, and when they got something last (None: never)."""

    points: int = 0
    last_at: datetime | None = None


def points_of(account: Account) -> int:
    """What an alert of an account weighs: 1, and 1 more for each full 10,000 of ARR, at most 10.

    The amount is that of the account's largest currency as it stands: weights need no rate of exchange.
    """
    largest = max((money.amount for money in account.arr), default=Decimal(0))
    return min(MOST_POINTS, 1 + int(max(largest, Decimal(0)) // ARR_OF_A_POINT))


def next_of(members: Sequence[str], loads: Mapping[str, Load]) -> str | None:
    """Who of the members that are there has the least open; of those, who has waited longest; then by id."""

    def order(member: str) -> tuple[int, datetime, str]:
        load = loads.get(member, Load())
        return load.points, load.last_at or datetime.min.replace(tzinfo=UTC), member

    return min(members, key=order, default=None)
