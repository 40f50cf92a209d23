"""What an account is worth: ARR by currency, the seats it bought, and the next date on which a term ends."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from mainstay.kernel.money import Money
from renewals.domain.contracts import Contract, Kind
from renewals.domain.terms import rounded


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

    Terms count on the days they run, in their own zone; ARR is rounded once, when it is added up. One-time contracts
    bring seats, and neither ARR nor a date.
    """
    arr: dict[str, Fraction] = {}
    seats: list[int] = []
    ends: list[date] = []
    for contract in contracts:
        today = contract.today(now)
        recurring = contract.kind is Kind.RECURRING
        if recurring and not contract.is_over:
            ends.append(contract.latest.end_exclusive)
        for term in contract.terms:
            running = term.on(today)
            if running is None:
                continue
            if running.seats is not None:
                seats.append(running.seats)
            if recurring:
                arr[contract.currency] = arr.get(contract.currency, Fraction(0)) + running.annual
    return AccountValue(
        arr=tuple(rounded(arr[currency], currency) for currency in sorted(arr)),
        seats=sum(seats) if seats else None,
        next_renewal_on=min(ends, default=None),
    )
