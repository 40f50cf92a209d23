"""Giving accounts to other owners: a fair spread, and the load that it makes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from alerts.domain.accounts import Account
from alerts.domain.pools import points_of

MOST_MOVES = 5_000
"""Accounts that are given away at once."""


class ReassignmentUnknown(LookupError):
    """There is no reassignment with that id."""

    def __init__(self, reassignment_id: str) -> None:
        super().__init__(f"no reassignment has the id {reassignment_id}")


@dataclass(frozen=True, slots=True)
class Move:
    """An account goes from one owner to another."""

    account_id: str
    to: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Reassignment:
    """Accounts that are given away together, on a day; `moved` of them have been."""

    id: str
    moves: tuple[Move, ...]
    effective_on: date
    reason: str
    created_at: datetime
    created_by: str
    moved: int = 0
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """What somebody has: accounts, ARR by currency, open alerts and tasks, and points, by which accounts are spread."""

    accounts: int = 0
    arr: Mapping[str, Decimal] | None = None
    open_alerts: int = 0
    points: int = 0
    tasks: int = 0


def book_of(accounts: Iterable[Account], open_alerts: Mapping[str, int], tasks: Mapping[str, int]) -> Book:
    """The book that accounts make; alerts and tasks are by account."""
    mine = list(accounts)
    arr: dict[str, Decimal] = {}
    for account in mine:
        for money in account.arr:
            arr[money.currency] = arr.get(money.currency, Decimal()) + money.amount
    return Book(
        accounts=len(mine),
        arr=dict(sorted(arr.items())),
        open_alerts=sum(open_alerts.get(account.id, 0) for account in mine),
        points=sum(points_of(account) for account in mine),
        tasks=sum(tasks.get(account.id, 0) for account in mine),
    )


def spread(accounts: Sequence[Account], to: Sequence[str], points: Mapping[str, int]) -> Sequence[Move]:
    """Who gets which account, so that everybody ends with as much as can be, in points (`pools.points_of`).

    `points` is what those who get something have already. The heaviest account goes first, each to whoever has least
    then; of equals the first named. An account that somebody of them has stays theirs, whoever else would get it.
    """
    have = {person: points.get(person, 0) for person in to}
    moves = []
    for account in sorted(accounts, key=lambda account: (-points_of(account), account.id)):
        if account.owner in have:
            continue
        person = min(to, key=lambda each: (have[each], to.index(each)))
        have[person] += points_of(account)
        moves.append(Move(account.id, person, account.owner))
    return sorted(moves, key=lambda move: move.account_id)
