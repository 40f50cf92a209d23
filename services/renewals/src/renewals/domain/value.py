"""What an account is worth: ARR by currency, the seats it bought, and the next date on which a term ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from mainstay.kernel.money import Money
from renewals.domain.contracts import Contract, Kind


@dataclass(frozen=True, slots=True)
class AccountValue:
    """ARR has one amount a currency, by code; `seats` is None where no running term states any.

    `next_renewal_on` is the first day after the earliest recurring term that has no successor.
    """

    arr: tuple[Money, ...] = ()
    seats: int | None = None
    next_renewal_on: date | None = None


def value_of(contracts: Iterable[Contract], now: datetime) -> AccountValue:
    """An account's value at an instant, from its contracts, caught up.

    Terms count on the days they run, in their own zone. One-time contracts bring seats, and neither ARR nor a date.
    """
    arr: dict[str, Money] = {}
    seats: list[int] = []
    ends: list[date] = []
    for contract in contracts:
        today = contract.today(now)
        recurring = contract.kind is Kind.RECURRING
        if recurring and not contract.is_over:
            ends.append(contract.latest.end_exclusive)
        for term in contract.terms:
            if not term.covers(today):
                continue
            if term.seats is not None:
                seats.append(term.seats)
            if recurring:
                amount = term.arr(contract.currency)
                arr[contract.currency] = arr[contract.currency] + amount if contract.currency in arr else amount
    return AccountValue(
        arr=tuple(arr[currency] for currency in sorted(arr)),
        seats=sum(seats) if seats else None,
        next_renewal_on=min(ends, default=None),
    )
