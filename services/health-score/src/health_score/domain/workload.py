"""What the accounts of a CSM cost in touches, time and money, and whether it goes where the value is."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from mainstay.kernel.money import Money

NOT_HELD = frozenset({"planned", "postponed", "cancelled"})
"""Results of a touchpoint that took nobody's time."""


class ArrClass(StrEnum):
    """ABC classes of a book of accounts: from the largest ARR down, A makes the first 80 %, B up to 95 %, C the rest.

    `none` has no ARR, `other_currency` has some, but none in the currency that the classes are made in.
    """

    A = "a"
    B = "b"
    C = "c"
    NONE = "none"
    OTHER_CURRENCY = "other_currency"


A_ENDS, B_ENDS = Fraction(80, 100), Fraction(95, 100)

OF_LITTLE_VALUE = frozenset({ArrClass.C, ArrClass.NONE})


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """A touch of a customer as it is known now. `minutes` None: nobody said."""

    account_no: int
    at: datetime
    minutes: int | None = None
    cost: Money | None = None
    is_internal: bool = False
    result: str | None = None

    @property
    def took_place(self) -> bool:
        """Whether it did, as far as anybody said; one that nobody answered did."""
        return self.result not in NOT_HELD


@dataclass(frozen=True, slots=True)
class Owners:
    """Who had an account, as facts say: (from when, who), rising; and who has it now."""

    stated: tuple[tuple[datetime, str | None], ...]
    present: str | None

    def at(self, instant: datetime) -> tuple[str | None, bool]:
        """The owner at an instant, and whether that is known.

        Before the first statement it is taken for the first one stated, without any for the present one.
        """
        place = bisect_right(self.stated, instant, key=lambda step: step[0])
        if place:
            return self.stated[place - 1][1], True
        return (self.stated[0][1] if self.stated else self.present), False


@dataclass(slots=True)
class Effort:
    """What touches took. `touches` are with the customer, `internal` ones about it; minutes and cost are of both."""

    touches: int = 0
    unanswered: int = 0
    internal: int = 0
    minutes: int = 0
    without_minutes: int = 0
    cost: dict[str, Decimal] = field(default_factory=dict)

    def count(self, touchpoint: Touchpoint) -> None:
        """Add one that took place."""
        if touchpoint.is_internal:
            self.internal += 1
        else:
            self.touches += 1
            self.unanswered += touchpoint.result == "no_answer"
        if touchpoint.minutes is None:
            self.without_minutes += 1
        else:
            self.minutes += touchpoint.minutes
        if touchpoint.cost is not None:
            currency = touchpoint.cost.currency
            self.cost[currency] = self.cost.get(currency, Decimal()) + touchpoint.cost.amount


def classes(arr: Mapping[int, Sequence[Money]], currency: str | None) -> dict[int, ArrClass]:
    """The class of each account (by number) in a book. Where an account begins within the book's ARR decides."""
    amounts = {
        number: sum((money.amount for money in moneys if money.currency == currency), Decimal())
        for number, moneys in arr.items()
    }
    total = Fraction(sum(amounts.values(), Decimal()))
    found: dict[int, ArrClass] = {}
    before = Fraction(0)
    for number, amount in sorted(amounts.items(), key=lambda item: (-item[1], item[0])):
        if amount > 0:
            share = before / total
            found[number] = ArrClass.A if share < A_ENDS else ArrClass.B if share < B_ENDS else ArrClass.C
            before += Fraction(amount)
        else:
            found[number] = ArrClass.OTHER_CURRENCY if any(m.amount > 0 for m in arr[number]) else ArrClass.NONE
    return found


def main_currency(arr: Mapping[int, Sequence[Money]]) -> str | None:
    """The currency that most accounts of a book have ARR in; of equals the first by name."""
    counts: dict[str, int] = {}
    for moneys in arr.values():
        for money in moneys:
            counts[money.currency] = counts.get(money.currency, 0) + 1
    return min(counts, key=lambda currency: (-counts[currency], currency), default=None)
