"""Enters a contract as another system has it, and reads what that says in the words of the ledger."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.kernel.clock import day_of
from renewals.domain import amending, entering
from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import CANCELLED, UNCHANGED, AtEnd, Contract, Kind
from renewals.domain.entering import NewContract
from renewals.domain.errors import EARLIEST_START, LATEST_END, LedgerCannot, StartOutOfRange
from renewals.domain.faces import has_end, last_day_of, notice_face, notice_rule
from renewals.domain.happenings import Happening
from renewals.domain.notice import CountedFrom, NoticeRule, Roll
from renewals.domain.statements import CANCELLED as STATE_CANCELLED
from renewals.domain.statements import ENDED, StatedContract, day
from renewals.domain.succeeding import check_alike
from renewals.domain.terms import entitlements


def enter(
    contract_id: str, external_id: str, said: StatedContract, now: datetime, lead: Contract | None = None
) -> Contract:
    """A contract that was unknown, with all the terms that were stated; those that are over are history.

    `lead` is the contract that it co-terms with. Raises `ContractInvalid`, `CurrencyUnknown`, `GraceOver`.
    """
    if not said.terms:
        raise LedgerCannot("no term was stated")
    first, *later = said.terms
    fields = said.fields
    kind, currency = Kind(str(fields["kind"])), str(fields["currency"])
    at_end = at_term_end(said)
    months = fields.get("term_months")
    notice = notice_of(None, said)
    costs = fields.get("next_amount")
    next_amount = None if costs is None else Decimal(str(costs))
    new = NewContract(
        account_id=str(fields["account_id"]),
        kind=kind,
        currency=currency,
        zone=ZoneInfo(str(fields.get("zone") or "UTC")),
        start=day(first["start"]),
        end=None if lead else last_day_of(first),
        term_months=None if months is None else int(months),
        amount=Decimal(str(first["amount"])),
        seats=_count(first.get("seats")),
        at_end=AtEnd.CANCEL if later else AtEnd(at_end) if at_end else None,
        window_days=_count(fields.get("window_days")),
        external_id=external_id,
        grace_days=_count(fields.get("grace_days")) or 0,
        notice=notice_rule(notice) if notice else None,
        entitlements=entitlements(first.get("entitlements")),
        steps=steps(first),
        next_amount=next_amount,
    )
    if lead:
        if has_end(first):
            raise LedgerCannot("a contract that co-terms with another takes its first end from it")
        check_alike(lead, new.account_id, kind, currency)
        new = replace(entering.co_terming(new, lead), co_terms_with=lead.id)
    contract = entering.enter(contract_id, new, now)
    for term in later:
        contract, _ = renewed(contract, term, now)
    if later:
        if next_amount is not None:
            contract = replace(contract, amount=entering.exact(next_amount, currency))
        usual = AtEnd.RENEW if kind is Kind.RECURRING and contract.schedule.term_months else AtEnd.CANCEL
        contract = replace(contract, at_end=AtEnd(at_end) if at_end else usual)
        entering.check(contract)
        contract = entering.past(contract, now)
    if (on := cancelled_on(contract, said, now)) is not None and not contract.is_over:
        contract, _ = amending.cancel(contract, now, CANCELLED, day(on))
    return contract


def at_term_end(said: StatedContract) -> str | None:
    """What is to happen when the last term runs out, as the source has it."""
    stated = said.fields.get("at_end")
    return AtEnd.CANCEL.value if said.state == ENDED else None if stated is None else str(stated)


def cancelled_on(contract: Contract, said: StatedContract, now: datetime) -> str | None:
    """The first day without the contract, as the source has it: the day on which it first said that it is cancelled."""
    if (stated := said.fields.get("cancelled_on")) is not None:
        return str(stated)
    if said.state != STATE_CANCELLED or said.since is None:
        return None
    known = min(day_of(said.since, contract.zone), contract.today(now))
    return max(known, contract.terms[0].start).isoformat()


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def notice_of(present: NoticeRule | None, said: StatedContract) -> dict[str, Any] | None:
    """The rule as stated; of what was not stated, as it is here."""
    fields = said.fields
    if fields.get("notice_amount") is None:
        return None
    usual = {"counted_from": CountedFrom.LAST_DAY.value, "roll": Roll.NONE.value, "holidays": None}
    here = {**usual, **(notice_face(present) if present else {})}
    stated = {name: fields.get(f"notice_{name}") for name in ("amount", "unit", "counted_from", "roll", "holidays")}
    return {**here, **{name: value for name, value in stated.items() if value is not None}}


def renewed(contract: Contract, term: Mapping[str, Any], now: datetime) -> tuple[Contract, Happening]:
    """With the next term as it was stated; agreed before it began, where that is past."""
    start = day(term["start"])
    if not EARLIEST_START <= start < LATEST_END:
        raise StartOutOfRange
    stated = amending.Renewal(
        signed_on=min(contract.today(now), start - ONE_DAY),
        start=start,
        end=last_day_of(term),
        amount=Decimal(str(term["amount"])),
        seats=_count(term.get("seats")),
        entitlements=entitlements(term["entitlements"]) if "entitlements" in term else UNCHANGED,
        steps=steps(term),
    )
    return amending.renew(contract, stated, now)


def steps(term: Mapping[str, Any]) -> tuple[tuple[date, Decimal], ...]:
    """The price schedule of a stated term."""
    return tuple((day(step["start"]), Decimal(str(step["amount"]))) for step in term.get("price_schedule") or ())
