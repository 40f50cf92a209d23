"""Reconciling a contract with what another system says of it: what differs, what is taken over, and what is not.

A difference is taken over by the amendment that says it. What a person changed here since the source and the ledger
last agreed stays, and so does what no amendment can say: these are conflicts, for a person to decide.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.kernel.clock import day_of
from renewals.domain import amending, entering
from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import CANCELLED, Amendment, AtEnd, Contract, Kind
from renewals.domain.currencies import CurrencyUnknown
from renewals.domain.entering import NewContract
from renewals.domain.errors import (
    EARLIEST_START,
    LATEST_END,
    ContractInvalid,
    ContractOver,
    GraceOver,
    LedgerCannot,
    NotCancelled,
    StartOutOfRange,
)
from renewals.domain.faces import Face, face, last_day_of, notice_face, notice_rule, stated_term, term_face
from renewals.domain.happenings import Happening
from renewals.domain.notice import CountedFrom, NoticeRule, Roll
from renewals.domain.schedule import schedule
from renewals.domain.statements import CANCELLED as STATE_CANCELLED
from renewals.domain.statements import DRAFT, ENDED, StatedContract, day

REFUSALS = (ContractInvalid, ContractOver, CurrencyUnknown, GraceOver, NotCancelled)
"""What the ledger says where it does not take a change."""

_FIXED = {
    "account_id": "give it to the other account by an assignment",
    "kind": "cancel it and enter a new one",
    "currency": "cancel it and enter a new one",
    "zone": "cancel it and enter a new one",
    "state": "a contract that was signed is no draft any more: cancel it if it never was",
}
_AMENDED = {"at_end", "grace_days", "window_days", "term_months", "notice"}
_WITHDRAWABLE = {"window_days", "cancelled_on"}


class ConflictKind(StrEnum):
    """Why a difference was not taken over."""

    CHANGED_HERE = "changed_here"
    """A person changed the field here since the source and the ledger last agreed."""
    LEDGER_REFUSES = "ledger_refuses"
    """No amendment can say it, or the one that does is refused."""
    ENTERED_BY_HAND = "entered_by_hand"
    """A contract that a person entered carries the external id."""
    OTHER_SOURCE = "other_source"
    """Another source states the contract that carries the external id."""
    NOT_ENTERED = "not_entered"
    """The contract is not known here, and cannot be entered as it was stated."""
    DRAFT = "draft"
    """The contract is not signed yet, and is not entered before."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, as it is here and as the source has it; a term that is missing on a side is None there."""

    field: str
    here: Any
    there: Any


@dataclass(frozen=True, slots=True)
class Conflict:
    """A difference that was not taken over, and why."""

    kind: ConflictKind
    difference: Difference
    detail: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A contract after what could be taken over was, what happened to its terms by that, and what is left."""

    contract: Contract
    happened: tuple[Happening, ...]
    conflicts: tuple[Conflict, ...]


def enter(contract_id: str, external_id: str, said: StatedContract, now: datetime) -> Contract:
    """A contract that was unknown, with all the terms that were stated; those that are over are history.

    Raises `ContractInvalid`, `CurrencyUnknown`, `GraceOver`.
    """
    if not said.terms:
        raise LedgerCannot("no term was stated")
    first, *later = said.terms
    fields = said.fields
    kind, currency = Kind(str(fields["kind"])), str(fields["currency"])
    at_end = _at_term_end(said)
    months = fields.get("term_months")
    notice = _notice(None, said)
    new = NewContract(
        account_id=str(fields["account_id"]),
        kind=kind,
        currency=currency,
        zone=ZoneInfo(str(fields.get("zone") or "UTC")),
        start=day(first["start"]),
        end=last_day_of(first),
        term_months=None if months is None else int(months),
        amount=Decimal(str(first["amount"])),
        seats=_seats(first),
        at_end=AtEnd.CANCEL if later else AtEnd(at_end) if at_end else None,
        window_days=_count(fields.get("window_days")),
        external_id=external_id,
        grace_days=_count(fields.get("grace_days")) or 0,
        notice=notice_rule(notice) if notice else None,
    )
    contract = entering.enter(contract_id, new, now)
    for term in later:
        contract, _ = _renewed(contract, term, now)
    if later:
        usual = AtEnd.RENEW if kind is Kind.RECURRING and contract.schedule.term_months else AtEnd.CANCEL
        contract = replace(contract, at_end=AtEnd(at_end) if at_end else usual)
        entering.check(contract)
        contract = entering.past(contract, now)
    if (on := _cancelled_on(contract, said, now)) is not None and not contract.is_over:
        contract, _ = amending.cancel(contract, now, CANCELLED, day(on))
    return contract


def differences(
    contract: Contract, said: StatedContract, now: datetime, *, terms_taken: int = 0
) -> Iterator[Difference]:
    """What differs, in the order in which it is to be taken over.

    `terms_taken` is how many terms the source ever had of the contract: one that it has no more is a difference too.
    """
    here, asked = face(contract), _asked(contract, said, now)
    if said.state == DRAFT:
        yield Difference("state", "signed", DRAFT)
    is_back = asked.get("cancelled_on", here["cancelled_on"]) is None
    if is_back:  # a cancellation that is off lets the terms go on, so it comes first
        yield from _differing(here, asked, ["cancelled_on"])
    yield from _differing(here, asked, [field for field in asked if field in _FIXED])
    if asked.get("currency", contract.currency) == contract.currency:
        yield from _differing(here, asked, [field for field in asked if field.startswith("terms.")])
        for number, term in enumerate(said.terms, start=1):
            if number > len(contract.terms) and not _is_cut_off(contract, term):
                yield Difference(f"terms.{number}", None, stated_term(term, contract.currency))
        for number in range(len(said.terms) + 1, min(terms_taken, len(contract.terms)) + 1):
            yield Difference(f"terms.{number}", term_face(contract.terms[number - 1]), None)
    if asked.get("at_end") == AtEnd.RENEW_ONCE and _has_renewed_once(contract, said):
        del asked["at_end"]
    yield from _differing(here, asked, [field for field in asked if field in _AMENDED])
    if not is_back:
        yield from _differing(here, asked, ["cancelled_on"])


def _differing(here: Face, asked: Face, fields: Collection[str]) -> Iterator[Difference]:
    for field in fields:
        if field in asked and here.get(field) != asked[field]:
            yield Difference(field, here.get(field), asked[field])


def reconcile(
    contract: Contract, said: StatedContract, touched: Collection[str], now: datetime, *, terms_taken: int = 0
) -> Reconciled:
    """Take over what differs; what a person `touched` (fields of the face) and what the ledger refuses is left."""
    happened, conflicts, taken = list[Happening](), dict[str, Conflict](), set[str]()
    # A cancellation that is off brings back terms that it had cut off, so look again until nothing is left.
    while found := [
        each for each in differences(contract, said, now, terms_taken=terms_taken) if each.field not in conflicts
    ]:
        for each in found:
            if is_touched(each.field, touched):
                why = "changed here since the source last agreed"
                conflicts[each.field] = Conflict(ConflictKind.CHANGED_HERE, each, why)
                continue
            if each.field in taken:
                why = "the ledger cannot hold it as it was stated"
                conflicts[each.field] = Conflict(ConflictKind.LEDGER_REFUSES, each, why)
                continue
            try:
                contract, happening = take(contract, each, now, last_stated=len(said.terms), touched=touched)
            except REFUSALS as refused:
                conflicts[each.field] = Conflict(ConflictKind.LEDGER_REFUSES, each, str(refused))
                continue
            taken.add(each.field)
            happened += [happening] if happening else []
            if each.field == "cancelled_on":
                break  # all else is to be looked at again, with the terms that go on, or do not
    return Reconciled(contract, tuple(happened), tuple(conflicts.values()))


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
    by_hand: bool = False,
) -> tuple[Contract, Happening | None]:
    """The contract with the field as the source has it. Catch up afterwards. Raises one of `REFUSALS`.

    `by_hand`: a person decided so, who may also give the contract to the other account, from today on. Terms that
    followed the `last_stated` one by themselves become worth what it is, unless a person `touched` them.
    """
    field, there = difference.field, difference.there
    if field == "account_id" and by_hand:
        today = contract.today(now)
        return amending.assign(contract, str(there), today, today), None
    if field in _FIXED:
        raise LedgerCannot(f"{field} of a contract does not change: {_FIXED[field]}")
    if field != "cancelled_on" and contract.is_over and contract.cancellation is not None:
        running, _ = take(amending.reinstate(contract), difference, now, last_stated=last_stated, touched=touched)
        return _cancelled_again(running, contract, now), None
    if field in _AMENDED:
        return _amended(contract, field, there), None
    if field == "cancelled_on":
        running = amending.reinstate(contract) if contract.cancellation else contract
        if there is None:
            return running, None
        return amending.cancel(running, now, CANCELLED, day(there))
    _, number, *part = field.split(".")
    if not part:
        if there is None:
            raise LedgerCannot(
                "the source has the term no more: cancel the contract from its first day, if it never was"
            )
        return _renewed(contract, there, now)
    return _term_changed(contract, int(number), part[0], there, last_stated=last_stated, touched=touched), None


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
        return _ending(contract, day(there))
    changes: dict[str, Any] = {part: Decimal(there) if part == "amount" else there}
    if is_latest and not contract.is_over:
        return _amend(contract, Amendment(**changes))
    contract = amending.change(contract, amending.Change(effective=term.start, **changes))
    if number == last_stated:
        for later in contract.terms[number:]:
            if not is_touched(f"terms.{later.number}.{part}", touched):
                contract = _term_changed(contract, later.number, part, there, last_stated=0, touched=())
    return contract


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


def _renewed(contract: Contract, term: Mapping[str, Any], now: datetime) -> tuple[Contract, Happening]:
    """With the next term; agreed before it began, where that is past."""
    start = day(term["start"])
    if not EARLIEST_START <= start < LATEST_END:
        raise StartOutOfRange
    stated = amending.Renewal(
        signed_on=min(contract.today(now), start - ONE_DAY),
        start=start,
        end=last_day_of(term),
        amount=Decimal(str(term["amount"])),
        seats=_seats(term),
    )
    return amending.renew(contract, stated, now)


def _asked(contract: Contract, said: StatedContract, now: datetime) -> Face:
    """What was said, by the fields of the face; what was withdrawn and cannot be is left as it is."""
    fields = said.fields
    asked: Face = {
        name: value
        for name, value in fields.items()
        if not name.startswith("notice_") and (value is not None or name in _WITHDRAWABLE)
    }
    if at_end := _at_term_end(said):
        asked["at_end"] = at_end
    if "notice_amount" in fields:
        asked["notice"] = _notice(contract.notice, said)
    asked.pop("cancelled_on", None)
    if said.state is not None or "cancelled_on" in fields:
        is_over = contract.is_over and contract.cancellation is None
        if not is_over:
            asked["cancelled_on"] = _cancelled_on(contract, said, now)
    for number, term in enumerate(said.terms[: len(contract.terms)], start=1):
        for name, value in stated_term(term, contract.currency).items():
            asked[f"terms.{number}.{name}"] = value
    return asked


def _at_term_end(said: StatedContract) -> str | None:
    stated = said.fields.get("at_end")
    return AtEnd.CANCEL.value if said.state == ENDED else None if stated is None else str(stated)


def _has_renewed_once(contract: Contract, said: StatedContract) -> bool:
    """Whether the contract renewed once, as was stated, and ends by that."""
    return contract.at_end is AtEnd.CANCEL and len(contract.terms) > len(said.terms)


def _cancelled_on(contract: Contract, said: StatedContract, now: datetime) -> str | None:
    """The first day without the contract, as the source has it: the day on which it first said that it is cancelled."""
    if (stated := said.fields.get("cancelled_on")) is not None:
        return str(stated)
    if said.state != STATE_CANCELLED or said.since is None:
        return None
    known = min(day_of(said.since, contract.zone), contract.today(now))
    return max(known, contract.terms[0].start).isoformat()


def _is_cut_off(contract: Contract, term: Mapping[str, Any]) -> bool:
    """Whether a stated term would have begun only after the contract was cancelled."""
    return contract.cancellation is not None and day(term["start"]) >= contract.cancellation.on


def _seats(term: Mapping[str, Any]) -> int | None:
    return _count(term.get("seats"))


def _count(value: Any) -> int | None:
    return None if value is None else int(value)


def _notice(present: NoticeRule | None, said: StatedContract) -> dict[str, Any] | None:
    """The rule as stated; of what was not stated, as it is here."""
    fields = said.fields
    if fields.get("notice_amount") is None:
        return None
    usual = {"counted_from": CountedFrom.LAST_DAY.value, "roll": Roll.NONE.value, "holidays": None}
    here = {**usual, **(notice_face(present) if present else {})}
    stated = {name: fields.get(f"notice_{name}") for name in ("amount", "unit", "counted_from", "roll", "holidays")}
    return {**here, **{name: value for name, value in stated.items() if value is not None}}
