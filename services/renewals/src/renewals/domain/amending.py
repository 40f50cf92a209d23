"""Amendments with a day of their own: price and seats from a day on, renewal by hand, cancellation, assignment.

A day in the past is a correction: what was true then is stated anew, and the ledger keeps what was known before.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from mainstay.kernel.clock import start_of_day
from renewals.domain.contracts import UNCHANGED, AtEnd, Cancellation, Contract, Holder, Kind, Unchanged
from renewals.domain.entering import check, exact, priced
from renewals.domain.errors import (
    LATEST_END,
    ContractOver,
    EffectiveInFuture,
    EffectiveOutsideTerms,
    EndBeforeStart,
    EndOutOfRange,
    GraceOver,
    NotCancelled,
    NotRecurring,
    RenewalStartOutOfRange,
    TermLengthUnknown,
)
from renewals.domain.happenings import Ended, Happening, Renewed
from renewals.domain.schedule import Schedule, schedule
from renewals.domain.terms import Entitlements, Outcome, Step, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From a day to the end of its term, other amounts or seats; `amount` is what a whole term would cost."""

    effective: date
    amount: Decimal | Unchanged = UNCHANGED
    seats: int | Unchanged | None = UNCHANGED
    entitlements: Entitlements | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The next term, agreed by hand. Absent: it begins when this one ends, as long and at the price of terms to come.

    `steps` are the first days of a price schedule with the amount committed from each to the next.
    """

    signed_on: date | None = None
    start: date | None = None
    end: date | None = None
    term_months: int | None = None
    amount: Decimal | None = None
    seats: int | Unchanged | None = UNCHANGED
    entitlements: Entitlements | Unchanged = UNCHANGED
    steps: tuple[tuple[date, Decimal], ...] = ()


def change(contract: Contract, stated: Change) -> Contract:
    """With a change from a day to the end of the term that it lies in; in the latest term, also of those to come.

    Raises `EffectiveOutsideTerms` and `AmountInvalid`.
    """
    day = stated.effective
    term = next((each for each in contract.terms if each.covers(day)), None)
    if term is None:
        raise EffectiveOutsideTerms(contract.id, day)
    amount = UNCHANGED if isinstance(stated.amount, Unchanged) else exact(stated.amount, contract.currency)

    def stepped(step: Step) -> Step:
        changed = replace(
            step,
            seats=step.seats if isinstance(stated.seats, Unchanged) else stated.seats,
            entitlements=step.entitlements if isinstance(stated.entitlements, Unchanged) else stated.entitlements,
        )
        return changed if isinstance(amount, Unchanged) else replace(changed, amount=amount, months=term.months)

    earlier = tuple(step for step in term.steps if step.start < day)
    # A new amount holds to the end of the term; other changes leave the price schedule as it is.
    later = tuple(stepped(step) for step in term.steps if step.start > day) if isinstance(amount, Unchanged) else ()
    holds = stepped(replace(term.shown(day), start=day))
    changed = replace(term, steps=(*earlier, holds, *later))
    amended = replace(contract, terms=tuple(changed if each is term else each for each in contract.terms))
    if term.number != contract.latest.number:
        return amended
    return replace(
        amended,
        amount=contract.amount if isinstance(amount, Unchanged) else amount,
        seats=contract.seats if isinstance(stated.seats, Unchanged) else stated.seats,
        entitlements=contract.entitlements if isinstance(stated.entitlements, Unchanged) else stated.entitlements,
    )


def renew(contract: Contract, stated: Renewal, now: datetime) -> tuple[Contract, Happening]:
    """With the next term as agreed: early, or after the end and within grace. Catch up afterwards.

    An early renewal that begins before the end ends the running term sooner; the renewal still belongs to the end that
    was agreed. A cancellation that is still to come is off. Raises `ContractOver`, `GraceOver`, `NotRecurring` and
    `ContractInvalid`.
    """
    before, today = contract.latest, contract.today(now)
    if contract.kind is not Kind.RECURRING:
        raise NotRecurring(contract.id)
    if before.outcome is Outcome.CANCELLED:
        raise ContractOver(contract.id, str(before.outcome))
    signed = stated.signed_on or today
    if signed > today:
        raise EffectiveInFuture("signed_on", signed, today)
    start = stated.start or before.end_exclusive
    _check_grace(contract, signed, start)
    if start <= before.start:
        raise RenewalStartOutOfRange(start, before.start, before.end_exclusive)
    number = before.number + 1
    calendar, end = _calendar(contract, stated, start, number)
    amount = contract.amount if stated.amount is None else exact(stated.amount, contract.currency)
    seats = contract.seats if isinstance(stated.seats, Unchanged) else stated.seats
    bought = contract.entitlements if isinstance(stated.entitlements, Unchanged) else stated.entitlements
    term = Term(
        number=number,
        start=start,
        end_exclusive=end,
        counted_from=min(calendar.anchor, start),
        amount=amount,
        seats=seats,
        window_opens_on=calendar.window(number, start, end),
        stated_end=stated.end,
        signed_on=signed,
        entitlements=bought,
    )
    term = priced(term, stated.steps, contract.currency)
    renewed = replace(
        before,
        outcome=Outcome.RENEWED,
        closed_at=now,
        due_before=before.expires_before if start < before.expires_before else before.due_before,
        end_exclusive=min(before.end_exclusive, start),
        cancelled_on=None,
    )
    # What was said about the end of the term that is renewed now was said about that one.
    at_end = contract.at_end if contract.cancellation is None else contract.cancellation.at_end
    next_one = replace(
        contract,
        schedule=calendar,
        at_end=AtEnd.CANCEL if at_end is AtEnd.RENEW_ONCE else at_end,
        cancellation=None,
        amount=amount if stated.amount is not None else contract.amount,
        seats=seats,
        entitlements=bought,
        terms=(*contract.terms[:-1], renewed, term),
    )
    check(next_one)
    return next_one, Renewed(renewed, term, now)


def cancel(contract: Contract, now: datetime, reason: str, on: date | None = None) -> tuple[Contract, Ended | None]:
    """Over from a day on, by default today; its dates stay as written. What happened, unless that is still to come.

    On a day in the past, terms that began on it or later never were. On the first day after the running term it is a
    notice that the contract does not go on. Raises `ContractOver` and `EffectiveOutsideTerms`.
    """
    if contract.is_over:
        raise ContractOver(contract.id, str(contract.latest.outcome))
    today = contract.today(now)
    on = on or today
    kept = tuple(term for term in contract.terms if term.start < on) or contract.terms[:1]
    last = kept[-1]
    if last.number != contract.latest.number:  # what followed never was, nor what it changed in this one
        last = replace(last, end_exclusive=last.expires_before, due_before=None, outcome=None, closed_at=None)
    if not last.start <= on <= last.end_exclusive:
        raise EffectiveOutsideTerms(contract.id, on)
    ended = replace(
        contract,
        terms=(*kept[:-1], last),
        at_end=AtEnd.CANCEL,
        cancellation=Cancellation(on, reason, contract.at_end),
    )
    over_at = now if on == today else start_of_day(on, contract.zone)
    if on < last.end_exclusive:
        last = replace(last, cancelled_on=on)
    if on > today:
        return ended.with_latest(last), None
    outcome = Outcome.ENDED if on == last.end_exclusive else Outcome.CANCELLED
    over = replace(last, outcome=outcome, closed_at=now)
    return ended.with_latest(over), Ended(over, over_at, reason)


def reinstate(contract: Contract) -> Contract:
    """As if nobody had cancelled it. Catch up afterwards: it may have come to its end since. Raises `NotCancelled`."""
    if contract.cancellation is None:
        raise NotCancelled(contract.id)
    running = replace(contract.latest, cancelled_on=None, outcome=None, closed_at=None)
    return replace(contract, at_end=contract.cancellation.at_end, cancellation=None).with_latest(running)


def assign(contract: Contract, account_id: str, since: date, today: date) -> Contract:
    """In the hands of another account from a day on, today at the latest. Raises `EffectiveInFuture`."""
    if since > today:
        raise EffectiveInFuture("effective", since, today)
    held = contract.holders or (Holder(contract.account_id, None),)
    earlier = tuple(each for each in held if each.since is None or each.since < since)
    return replace(contract, account_id=account_id, holders=(*earlier, Holder(account_id, since)))


def _check_grace(contract: Contract, signed: date, start: date) -> None:
    """Whether a renewal signed on a day, of a term that begins on another, is in time. Raises `GraceOver`."""
    over = contract.latest.end_exclusive + timedelta(days=contract.grace_days)
    if start > over or (contract.is_over and signed >= over):
        raise GraceOver(contract.id, contract.latest.end_exclusive, contract.grace_days)


def _calendar(contract: Contract, stated: Renewal, start: date, number: int) -> tuple[Schedule, date]:
    """The calendar from the renewed term on, and the first day after that term."""
    present = contract.schedule
    months = stated.term_months or present.term_months
    if stated.end is None:
        if months is None:
            raise TermLengthUnknown
        same = start == contract.latest.end_exclusive and months == present.term_months
        calendar = present if same else Schedule(start, number, months, present.window_days)
        return calendar, calendar.begin(number + 1)
    if stated.end < start:
        raise EndBeforeStart(start, stated.end)
    if stated.end >= LATEST_END:
        raise EndOutOfRange
    end = stated.end + timedelta(days=1)
    calendar = schedule(start, end, stated.term_months, present.window_days)
    if calendar.term_months is None:
        calendar = schedule(start, end, months, present.window_days)
    return replace(calendar, anchor_number=calendar.anchor_number + number - 1), end
