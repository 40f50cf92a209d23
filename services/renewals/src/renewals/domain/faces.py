"""A contract, and what a source says of one, by field: as both are compared, kept and shown.

Values are as JSON has them: days `YYYY-MM-DD`, amounts as decimal text. Terms are `terms.<number>.<field>`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from renewals.domain.civil import ONE_DAY, add_months, months_between
from renewals.domain.contracts import Contract
from renewals.domain.entering import exact
from renewals.domain.errors import AmountInvalid, EndMissing
from renewals.domain.notice import CountedFrom, NoticeRule, NoticeUnit, Roll
from renewals.domain.statements import day
from renewals.domain.terms import Step, Term

Face: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, as it is here and as the source has it; a term that is missing on a side is None there."""

    field: str
    here: Any
    there: Any


def face(contract: Contract) -> Face:
    """The contract by field."""
    cancelled, notice = contract.cancellation, contract.notice
    found: dict[str, Any] = {
        "account_id": contract.account_id,
        "kind": contract.kind.value,
        "currency": contract.currency,
        "zone": contract.zone.key,
        "term_months": contract.schedule.term_months,
        "at_end": (cancelled.at_end if cancelled else contract.at_end).value,
        "grace_days": contract.grace_days,
        "window_days": contract.schedule.window_days,
        "notice": notice and notice_face(notice),
        "next_amount": f"{contract.amount:f}",
        "renews": contract.predecessor and contract.predecessor.contract_id,
        "co_terms_with": contract.co_term_of,
        "cancelled_on": cancelled and cancelled.on.isoformat(),
    }
    for term in contract.terms:
        for name, value in term_face(term).items():
            found[f"terms.{term.number}.{name}"] = value
    return found


def field_of(contract: Contract, field: str) -> Any:
    """One field of the face, or a whole term (`terms.2`)."""
    if field == "state":
        return "signed"
    found = face(contract)
    parts = {name.removeprefix(f"{field}."): found[name] for name in found if name.startswith(f"{field}.")}
    return parts or found.get(field)


def term_face(term: Term) -> Face:
    """A term by field; `end` is its last day as agreed."""
    # A change from a day on states what a whole term costs; the steps of a price schedule add up to what it does.
    changes = [step for step in term.steps if step.months == term.months]
    amount = changes[-1].amount if changes else term.amount
    last = term.shown(term.last_day)
    return {
        "start": term.start.isoformat(),
        "end": (term.expires_before - ONE_DAY).isoformat(),
        "amount": f"{amount:f}",
        "seats": last.seats,
        "entitlements": dict(last.entitlements),
        "price_schedule": [
            {"start": step.start.isoformat(), "amount": f"{step.amount:f}"} for step in price_schedule(term)
        ],
    }


def price_schedule(term: Term) -> tuple[Step, ...]:
    """The steps of a term's price; none where it costs the same all the time."""
    found: list[Step] = []
    for step in term.steps:
        if step.months == term.months:
            continue  # from here on the whole term costs so much
        before = found[-1] if found else None
        # What changes within a step, such as seats, repeats what the step costs.
        if (
            before is None
            or (before.amount, before.months) != (step.amount, step.months)
            or months_between(term.counted_from, before.start, step.start) == before.months
        ):
            found.append(step)
    return tuple(found)


def stated_term(term: Mapping[str, Any], currency: str) -> Face:
    """A term that was stated, by the same fields."""
    found: Face = {"start": term["start"]}
    if has_end(term):
        found["end"] = last_day_of(term).isoformat()
    found["amount"] = stated_amount(term["amount"], currency)
    found |= {name: term[name] for name in ("seats", "entitlements") if name in term}
    if "price_schedule" in term:
        steps = [{**step, "amount": stated_amount(step["amount"], currency)} for step in term["price_schedule"]]
        found["price_schedule"] = steps if len(steps) > 1 else []  # one step is the amount
    return found


def stated_amount(amount: object, currency: str) -> str:
    """An amount that was stated, as a face has it."""
    decimal = Decimal(str(amount))
    with suppress(AmountInvalid):  # it differs then, and is refused when it is to be taken over
        decimal = exact(decimal, currency)
    return f"{decimal:f}"


def has_end(term: Mapping[str, Any]) -> bool:
    """Whether it was stated how long a term lasts: one that co-terms with another has its end from that."""
    return term.get("end") is not None or term.get("months") is not None


def last_day_of(term: Mapping[str, Any]) -> date:
    """The last day of a stated term. Raises `EndMissing`."""
    if term.get("end") is not None:
        return day(term["end"])
    if term.get("months") is None:
        raise EndMissing
    return add_months(day(term["start"]), int(term["months"])) - ONE_DAY


def notice_face(rule: NoticeRule) -> Face:
    """A notice rule by field."""
    return {
        "amount": rule.amount,
        "unit": rule.unit.value,
        "counted_from": rule.counted_from.value,
        "roll": rule.roll.value,
        "holidays": rule.holidays,
    }


def notice_rule(stated: Mapping[str, Any]) -> NoticeRule:
    """The rule that a face shows."""
    return NoticeRule(
        amount=int(stated["amount"]),
        unit=NoticeUnit(stated["unit"]),
        counted_from=CountedFrom(stated["counted_from"]),
        roll=Roll(stated["roll"]),
        holidays=stated["holidays"],
    )
