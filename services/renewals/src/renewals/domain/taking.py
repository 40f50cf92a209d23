"""Takes over one difference between a contract and what another system says of it, by the amendment that says it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from renewals.domain import amending, entering
from renewals.domain.contracts import CANCELLED, Amendment, AtEnd, Contract
from renewals.domain.currencies import CurrencyUnknown
from renewals.domain.errors import ContractInvalid, ContractOver, GraceOver, LedgerCannot, NotCancelled, ScheduleInvalid
from renewals.domain.faces import Difference, notice_rule, price_schedule, term_face
from renewals.domain.happenings import Happening
from renewals.domain.schedule import schedule
from renewals.domain.statements import day
from renewals.domain.stating import renewed, steps
from renewals.domain.succeeding import again, reopened
from renewals.domain.terms import Step, Term, entitlements

REFUSALS = (ContractInvalid, ContractOver, CurrencyUnknown, GraceOver, NotCancelled)
"""What the ledger says where it does not take a change."""

FIXED = {
    "account_id": "give it to the other account by an assignment",
    "kind": "cancel it and enter a new one",
    "currency": "cancel it and enter a new one",
    "zone": "cancel it and enter a new one",
    "state": "a contract that was signed is no draft any more: cancel it if it never was",
    "co_terms_with": "cancel it and enter a new one",
    "renews": "cancel it and enter a new one",
}
"""Fields that no amendment changes, with what to do instead."""
AMENDED = {"at_end", "grace_days", "window_days", "term_months", "notice", "next_amount"}


def is_touched(field: str, touched: Collection[str]) -> bool:
    """Whether a person changed a field, or a part of it."""
    return any(each == field or each.startswith(f"{field}.") for each in touched)


def take(
    contract: Contract,
    difference: Difference,
    now: datetime,
    *,
    last_stated: int = 0,
    touched: Collection[str] = (),
    renewed_from: date | None = None,
    by_hand: bool = False,
) -> tuple[Contract, Happening | None]:
    """The contract with the field as the source has it. Catch up afterwards. Raises one of `REFUSALS`.

    `by_hand`: a person decided so, who may also give the contract to the other account, from today on. Terms that
    followed the `last_stated` one by themselves become worth what it is, unless a person `touched` them. Another
    contract renews this one from the day `renewed_from` on.
    """
    field, there = difference.field, difference.there
    if field == "account_id" and by_hand:
        today = contract.today(now)
        return amending.assign(contract, str(there), today, today), None
    if field in FIXED:
        raise LedgerCannot(f"{field} of a contract does not change: {FIXED[field]}")
    if field != "cancelled_on" and contract.is_over and contract.cancellation is not None:
        running, _ = take(amending.reinstate(contract), difference, now, last_stated=last_stated, touched=touched)
        return _cancelled_again(running, contract, now), None
    if renewed_from and (_is_of_the_end(field) or (contract.is_over and field in AMENDED)):
        return _renewed_by_another(contract, difference, now, renewed_from), None
    if field == "next_amount":
        return _later_cost(contract, there, last_stated, touched), None
    if field in AMENDED:
        return _amended(contract, field, there), None
    if field == "cancelled_on":
        running = amending.reinstate(contract) if contract.cancellation else contract
        return (running, None) if there is None else amending.cancel(running, now, CANCELLED, day(there))
    _, number, *part = field.split(".")
    if part:
        return _term_changed(contract, int(number), part[0], there, last_stated=last_stated, touched=touched), None
    if there is None:
        raise LedgerCannot("the source has the term no more: cancel the contract from its first day, if it never was")
    return renewed(contract, there, now)


def _is_of_the_end(field: str) -> bool:
    """Whether it is said by a field where a contract ends, or that it goes on."""
    return field == "cancelled_on" or field.endswith(".end") or (field.startswith("terms.") and field.count(".") == 1)


def _renewed_by_another(contract: Contract, difference: Difference, now: datetime, start: date) -> Contract:
    """With other ends or another term of a contract that another one renews from a day on, and renewed as before."""
    there = difference.there
    is_later = difference.field.count(".") == 1 and there is not None and day(there["start"]) >= start
    if difference.field == "cancelled_on" or is_later:
        raise LedgerCannot(f"another contract renews it from {start} on: correct that one, or cancel it")
    changed, _ = take(reopened(contract), difference, now)
    return again(contract, changed, start, now)


def _cancelled_again(running: Contract, was: Contract, now: datetime) -> Contract:
    """Cancelled as it was: nothing happens by it."""
    assert was.cancellation is not None  # noqa: S101 - it was cancelled
    again, _ = amending.cancel(running, now, was.cancellation.reason, was.cancellation.on)
    return again.with_latest(replace(again.latest, closed_at=was.latest.closed_at))


def _amended(contract: Contract, field: str, there: Any) -> Contract:
    if field == "notice":
        rule = None if there is None else notice_rule(there)
        return _amend(contract, Amendment(notice=rule))
    value: Any = AtEnd(there) if field == "at_end" else there
    if field == "at_end" and contract.cancellation:
        # What would have happened, had nobody cancelled it.
        return replace(contract, cancellation=replace(contract.cancellation, at_end=value))
    return _amend(contract, Amendment(**{field: value}))


def _amend(contract: Contract, change: Amendment) -> Contract:
    return entering.amend(contract, change)


def _term_changed(
    contract: Contract, number: int, part: str, there: Any, *, last_stated: int, touched: Collection[str]
) -> Contract:
    term = contract.terms[number - 1]
    is_latest = number == contract.latest.number
    if part == "start":
        raise LedgerCannot("the first day of a term does not change: cancel the contract and enter a new one")
    if part == "end":
        if not is_latest:
            raise LedgerCannot("the end of a term that another one followed does not change")
        return _priced_to_its_end(
            _ending(contract, day(there)), is_kept=is_touched(f"terms.{number}.price_schedule", touched)
        )
    if part == "price_schedule":
        return _with(contract, repriced(term, steps({part: there}), contract.currency))
    value: Any = Decimal(there) if part == "amount" else entitlements(there) if part == "entitlements" else there
    if is_latest and not contract.is_over and part != "entitlements":
        return _amend(contract, Amendment(**{part: value}))
    contract = amending.change(contract, amending.Change(effective=term.start, **{part: value}))
    if number == last_stated:
        for later in contract.terms[number:]:
            if not is_touched(f"terms.{later.number}.{part}", touched):
                contract = _term_changed(contract, later.number, part, there, last_stated=0, touched=())
    return contract


def _later_cost(contract: Contract, there: Any, last_stated: int, touched: Collection[str]) -> Contract:
    """With another amount of terms to come, and of those that followed by themselves."""
    changed = replace(contract, amount=entering.exact(Decimal(there), contract.currency))
    for later in contract.terms[last_stated:]:
        if last_stated and not is_touched(f"terms.{later.number}.amount", touched):
            changed = _term_changed(changed, later.number, "amount", there, last_stated=0, touched=())
    return changed


def repriced(term: Term, priced: Sequence[tuple[date, Decimal]], currency: str) -> Term:
    """The term with another price schedule (none: the same all the time), and seats and entitlements as they were.

    Raises `ScheduleInvalid` and `AmountInvalid`.
    """
    amount = Decimal(term_face(term)["amount"])
    new = entering.priced(replace(term, amount=amount, steps=()), priced, currency)
    days, bought = {step.start for step in new.steps}, (term.seats, term.entitlements)
    for step in term.steps:
        if bought != (step.seats, step.entitlements):
            days.add(step.start)
        bought = step.seats, step.entitlements
    costs = [(day, new.shown(day), term.shown(day)) for day in sorted(days)]
    return replace(
        new, steps=tuple(Step(day, cost.amount, cost.months, was.seats, was.entitlements) for day, cost, was in costs)
    )


def _with(contract: Contract, term: Term) -> Contract:
    return replace(contract, terms=tuple(term if each.number == term.number else each for each in contract.terms))


def _priced_to_its_end(contract: Contract, *, is_kept: bool) -> Contract:
    """With the last step of a price schedule up to the new end; one that does not fit is off, unless it `is_kept`."""
    term = contract.latest
    present = [(step.start, step.amount) for step in price_schedule(term)]
    try:
        return contract.with_latest(repriced(term, present, contract.currency)) if present else contract
    except ScheduleInvalid:
        if is_kept:
            raise
        return contract.with_latest(repriced(term, (), contract.currency))


def _ending(contract: Contract, end: date) -> Contract:
    """With another last day of the latest term; later ones last as long as it does, where that is whole months."""
    amended = _amend(contract, Amendment(end=end))
    term, months, window = amended.latest, contract.schedule.term_months, contract.schedule.window_days
    counted = schedule(term.start, term.end_exclusive, None, window)
    if counted.term_months is None:
        counted = schedule(term.start, term.end_exclusive, months, window)
    calendar = replace(counted, anchor_number=counted.anchor_number + term.number - 1)
    if term.window_opens_on and term.window_opened_at is None:
        term = replace(term, window_opens_on=calendar.window(term.number, term.start, term.end_exclusive))
    return replace(amended, schedule=calendar).with_latest(term)
