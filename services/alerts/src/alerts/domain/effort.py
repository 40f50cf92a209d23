"""What accounts cost: minutes and spend of touches, by tier and by what accounts are worth.

The classes are those of health-score's load of a CSM: sorted by ARR, the accounts that begin within the first 80 % of a
book's ARR are A, those within 95 % are B, the rest are C.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from alerts.domain.accounts import Account
from mainstay.kernel.money import Money

A_ENDS = Fraction(80, 100)
B_ENDS = Fraction(95, 100)
A, B, C = "A", "B", "C"
WITHOUT_ARR = "none"
OTHER_CURRENCY = "other"
OF_LITTLE_VALUE = frozenset({C, WITHOUT_ARR})


@dataclass(frozen=True, slots=True)
class Touch:
    """A touch that took place: how long it took, in minutes, and what it cost, where that was said."""

    account_id: str
    at: datetime
    minutes: int = 0
    cost: Money | None = None


@dataclass(slots=True)
class Effort:
    """Touches, minutes, and spend by currency."""

    touches: int = 0
    minutes: int = 0
    spend: dict[str, Decimal] = field(default_factory=dict)

    def add(self, touch: Touch) -> None:
        """Count a touch."""
        self.touches += 1
        self.minutes += touch.minutes
        if touch.cost is not None:
            self.spend[touch.cost.currency] = self.spend.get(touch.cost.currency, Decimal()) + touch.cost.amount


def classes(accounts: Iterable[Account]) -> Mapping[str, str]:
    """The class of each account of a book, in the currency that most have ARR in (of equals the first by name)."""
    book = list(accounts)
    counts: dict[str, int] = defaultdict(int)
    for account in book:
        for money in account.arr:
            counts[money.currency] += 1
    currency = min(counts, key=lambda each: (-counts[each], each), default=None)
    amounts = {
        account.id: sum((money.amount for money in account.arr if money.currency == currency), Decimal())
        for account in book
    }
    total, before = Fraction(sum(amounts.values(), Decimal())), Fraction(0)
    others = {account.id for account in book if any(money.amount > 0 for money in account.arr)}
    found: dict[str, str] = {}
    for account_id, amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0])):
        if amount > 0:
            share = before / total
            found[account_id] = A if share < A_ENDS else B if share < B_ENDS else C
            before += Fraction(amount)
        else:
            found[account_id] = OTHER_CURRENCY if account_id in others else WITHOUT_ARR
    return found


def split(touches: Sequence[Touch], key: Callable[[str], str]) -> Mapping[str, Effort]:
    """Effort by what `key` says of each account, in the order of the minutes, most first."""
    found: dict[str, Effort] = defaultdict(Effort)
    for touch in touches:
        found[key(touch.account_id)].add(touch)
    return dict(sorted(found.items(), key=lambda item: (-item[1].minutes, item[0])))


def of_little_value(touches: Sequence[Touch], class_of: Mapping[str, str]) -> tuple[int, int]:
    """(minutes for accounts of little value, all minutes)."""
    little = sum(touch.minutes for touch in touches if class_of.get(touch.account_id) in OF_LITTLE_VALUE)
    return little, sum(touch.minutes for touch in touches)
