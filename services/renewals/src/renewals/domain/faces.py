"""A contract, and what a source says of one, by field: as both are compared, kept and shown.

Values are as JSON has them: days `YYYY-MM-DD`, amounts as decimal text. Terms are `terms.<number>.<field>`.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from renewals.domain.civil import ONE_DAY, add_months
from renewals.domain.contracts import Contract
from renewals.domain.entering import exact
from renewals.domain.errors import AmountInvalid, EndMissing
from renewals.domain.notice import CountedFrom, NoticeRule, NoticeUnit, Roll
from renewals.domain.statements import day
from renewals.domain.terms import Term

Face: TypeAlias = dict[str, Any]


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
    return {
        "start": term.start.isoformat(),
        "end": (term.expires_before - ONE_DAY).isoformat(),
        "amount": f"{amount:f}",
        "seats": term.shown(term.last_day).seats,
    }


def stated_term(term: Mapping[str, Any], currency: str) -> Face:
    """A term that was stated, by the same fields."""
    amount = Decimal(str(term["amount"]))
    with suppress(AmountInvalid):  # it differs then, and is refused when it is to be taken over
        amount = exact(amount, currency)
    found = {"start": term["start"], "end": last_day_of(term).isoformat(), "amount": f"{amount:f}"}
    return {**found, "seats": term["seats"]} if "seats" in term else found


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
