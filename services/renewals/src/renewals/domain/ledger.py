"""What a contract says in the ledger: who pays how much on which days, which terms expire, which of them are renewed.

A line is true in valid time; the store keeps since when, and until when, it was believed (recorded time).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import Contract, Holder, Kind
from renewals.domain.terms import Entitlements, Stretch, Term

ARR_PLACES = 24
"""Decimals of ARR in the ledger. Sums are rounded to 12 before they are compared, so thirds add up to one again."""


class LineKind(StrEnum):
    """What a line says."""

    RUNS = "runs"
    """A recurring contract is worth so much a year on these days."""
    SERVED = "served"
    """A one-time contract is served on these days."""
    DUE = "due"
    """A term of so much a year expires with this day."""
    RENEWED = "renewed"
    """The term that expires with this day goes on with so much a year."""
    HELD = "held"
    """The account has the contract on these days; said only of contracts that changed hands."""


@dataclass(frozen=True, slots=True)
class Line:
    """One statement, of the half-open civil days `[start, end_exclusive)` in the contract's zone.

    `amount` is committed for `months` months and `arr` is what that is in a year, to `ARR_PLACES` decimals.
    `grace_days` is how long after `end_exclusive` what follows is no gap; `continues` says that there was none before.
    """

    kind: LineKind
    term: int
    account_id: str
    start: date
    end_exclusive: date
    currency: str
    amount: Decimal
    months: Fraction
    arr: Decimal
    seats: int | None = None
    entitlements: Entitlements = ()
    grace_days: int = 0
    continues: bool = False


def lines(contract: Contract) -> frozenset[Line]:
    """Everything that the ledger holds of a contract, as it is known now."""
    found = list(_runs(contract))
    if contract.kind is Kind.RECURRING:
        found += _expiries(contract)
    if contract.holders:
        found += _held(contract)
    return frozenset(found)


def annual(arr: Fraction) -> Decimal:
    """ARR as the ledger keeps it; without zeros at its end, which would make every sum longer."""
    digits = f"{round(arr * 10**ARR_PLACES):0{ARR_PLACES + 1}d}"
    return Decimal(f"{digits[:-ARR_PLACES]}.{digits[-ARR_PLACES:]}".rstrip("0").rstrip("."))


def _runs(contract: Contract) -> Iterator[Line]:
    recurring = contract.kind is Kind.RECURRING
    reached = contract.predecessor.served_before if contract.predecessor else None
    for term in contract.terms:
        for stretch in term.stretches():
            # Days between a term and its renewal within grace are no gap: they count as renewed already.
            is_late = reached is not None and stretch.start == term.start and reached < stretch.start
            start = reached if is_late and reached is not None else stretch.start
            continues = reached is not None
            for holder, since, until in _spans(contract, start, stretch.end_exclusive):
                yield Line(
                    kind=LineKind.RUNS if recurring else LineKind.SERVED,
                    term=term.number,
                    account_id=holder.account_id,
                    start=since,
                    end_exclusive=until,
                    currency=contract.currency,
                    amount=stretch.amount,
                    months=stretch.months,
                    arr=annual(stretch.annual) if recurring else Decimal(0),
                    seats=stretch.seats,
                    entitlements=stretch.entitlements,
                    grace_days=contract.grace_days,
                    continues=continues or since > start,
                )
            reached = stretch.end_exclusive


def _expiries(contract: Contract) -> Iterator[Line]:
    if contract.predecessor:
        first = next(contract.terms[0].stretches(), None)
        if first:
            yield _at_expiry(contract, LineKind.RENEWED, contract.terms[0], contract.predecessor.expires_before, first)
    for place, term in enumerate(contract.terms):
        if term.is_rolling or (term.cancelled_on and term.cancelled_on < term.expires_before):
            continue  # evergreen goes on without being renewed; what was cancelled sooner never came to its end
        *_, last = term.stretches()
        yield _at_expiry(contract, LineKind.DUE, term, term.expires_before, last)
        following = contract.terms[place + 1] if place + 1 < len(contract.terms) else None
        renewed = next(following.stretches(), None) if following else None
        if renewed:
            yield _at_expiry(contract, LineKind.RENEWED, term, term.expires_before, renewed)


def _at_expiry(contract: Contract, kind: LineKind, term: Term, expires_before: date, worth: Stretch) -> Line:
    last_day = expires_before - ONE_DAY
    holder, *_ = next(_spans(contract, last_day, expires_before))
    return Line(
        kind=kind,
        term=term.number,
        account_id=holder.account_id,
        start=last_day,
        end_exclusive=expires_before,
        currency=contract.currency,
        amount=worth.amount,
        months=worth.months,
        arr=annual(worth.annual),
        seats=worth.seats,
    )


def _held(contract: Contract) -> Iterator[Line]:
    for holder, since, until in _spans(contract, date.min, date.max):
        yield Line(
            kind=LineKind.HELD,
            term=0,
            account_id=holder.account_id,
            start=since,
            end_exclusive=until,
            currency=contract.currency,
            amount=Decimal(0),
            months=Fraction(1),
            arr=Decimal(0),
        )


def _spans(contract: Contract, start: date, end_exclusive: date) -> Iterator[tuple[Holder, date, date]]:
    """Who had the contract on which of the days."""
    held = contract.holders or (Holder(contract.account_id, None),)
    for holder, until in zip(held, [*(each.since or date.min for each in held[1:]), date.max], strict=True):
        first, last = max(start, holder.since or date.min), min(end_exclusive, until)
        if first < last:
            yield holder, first, last
