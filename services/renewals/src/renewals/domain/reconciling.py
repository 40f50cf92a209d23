"""Reconciling a contract with what another system says of it: what differs, what is taken over, and what is not.

A difference is taken over by the amendment that says it. What a person changed here since the source and the ledger
last agreed stays, and so does what no amendment can say: these are conflicts, for a person to decide.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from renewals.domain.contracts import AtEnd, Contract
from renewals.domain.faces import Difference, Face, face, stated_amount, stated_term, term_face
from renewals.domain.happenings import Happening
from renewals.domain.statements import DRAFT, StatedContract, day
from renewals.domain.stating import at_term_end, cancelled_on, notice_of
from renewals.domain.taking import AMENDED, FIXED, REFUSALS, is_touched, take

_WITHDRAWABLE = {"window_days", "cancelled_on", "renews"}


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
    PREDECESSOR_UNKNOWN = "predecessor_unknown"
    """The contract that this one renews is not known here: it is waited for."""
    DRAFT = "draft"
    """The contract is not signed yet, and is not entered before."""


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


def differences(
    contract: Contract,
    said: StatedContract,
    now: datetime,
    *,
    terms_taken: int = 0,
    renewed_from: date | None = None,
) -> Iterator[Difference]:
    """What differs, in the order in which it is to be taken over.

    `terms_taken` is how many terms the source ever had of the contract: one that it has no more is a difference too.
    What is to happen at the end is settled where another contract renews this one, from the day `renewed_from` on.
    That this one renews another is no difference before it does: see `application.linking`.
    """
    here, asked = face(contract), _asked(contract, said, now)
    if here["renews"] is None:
        asked.pop("renews", None)
    if renewed_from is not None:
        _settle_the_end(asked, renewed_from)
    if said.state == DRAFT:
        yield Difference("state", "signed", DRAFT)
    is_back = asked.get("cancelled_on", here["cancelled_on"]) is None
    if is_back:  # a cancellation that is off lets the terms go on, so it comes first
        yield from _differing(here, asked, ["cancelled_on"])
    yield from _differing(here, asked, [field for field in asked if field in FIXED])
    if asked.get("currency", contract.currency) == contract.currency:
        yield from _differing(here, asked, [field for field in asked if field.startswith("terms.")])
        yield from _missing(contract, said, terms_taken)
    if asked.get("at_end") == AtEnd.RENEW_ONCE and _has_renewed_once(contract, said):
        del asked["at_end"]
    yield from _differing(here, asked, [field for field in asked if field in AMENDED])
    if not is_back:
        yield from _differing(here, asked, ["cancelled_on"])


def _settle_the_end(asked: Face, renewed_from: date) -> None:
    """Leave out what is settled where another contract renews this one: only a cancellation before that is news."""
    asked.pop("at_end", None)
    start = renewed_from.isoformat()
    if (asked.get("cancelled_on") or start) >= start:
        asked.pop("cancelled_on", None)


def _missing(contract: Contract, said: StatedContract, terms_taken: int) -> Iterator[Difference]:
    """Terms that only the source has, or has no more."""
    for number, term in enumerate(said.terms, start=1):
        if number > len(contract.terms) and not _is_cut_off(contract, term):
            yield Difference(f"terms.{number}", None, stated_term(term, contract.currency))
    for number in range(len(said.terms) + 1, min(terms_taken, len(contract.terms)) + 1):
        yield Difference(f"terms.{number}", term_face(contract.terms[number - 1]), None)


def _differing(here: Face, asked: Face, fields: Collection[str]) -> Iterator[Difference]:
    for field in fields:
        if field in asked and here.get(field) != asked[field]:
            yield Difference(field, here.get(field), asked[field])


def reconcile(
    contract: Contract,
    said: StatedContract,
    touched: Collection[str],
    now: datetime,
    *,
    terms_taken: int = 0,
    renewed_from: date | None = None,
) -> Reconciled:
    """Take over what differs; what a person `touched` (fields of the face) and what the ledger refuses is left."""
    happened, conflicts, taken = list[Happening](), dict[str, Conflict](), set[str]()
    # A cancellation that is off brings back terms that it had cut off, so look again until nothing is left.
    while found := [
        each
        for each in differences(contract, said, now, terms_taken=terms_taken, renewed_from=renewed_from)
        if each.field not in conflicts
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
                contract, happening = take(
                    contract, each, now, last_stated=len(said.terms), touched=touched, renewed_from=renewed_from
                )
            except REFUSALS as refused:
                conflicts[each.field] = Conflict(ConflictKind.LEDGER_REFUSES, each, str(refused))
                continue
            taken.add(each.field)
            happened += [happening] if happening else []
            if each.field == "cancelled_on":
                break  # all else is to be looked at again, with the terms that go on, or do not
    return Reconciled(contract, tuple(happened), tuple(conflicts.values()))


def _asked(contract: Contract, said: StatedContract, now: datetime) -> Face:
    """What was said, by the fields of the face; what was withdrawn and cannot be is left as it is."""
    fields = said.fields
    asked: Face = {
        name: value
        for name, value in fields.items()
        if not name.startswith("notice_") and (value is not None or name in _WITHDRAWABLE)
    }
    if at_end := at_term_end(said):
        asked["at_end"] = at_end
    if "notice_amount" in fields:
        asked["notice"] = notice_of(contract.notice, said)
    if "next_amount" in asked:
        asked["next_amount"] = stated_amount(asked["next_amount"], contract.currency)
    if contract.is_over:
        asked.pop("next_amount", None)  # there is none to come
    asked.pop("cancelled_on", None)
    if said.state is not None or "cancelled_on" in fields:
        is_over = contract.is_over and contract.cancellation is None
        if not is_over:
            asked["cancelled_on"] = cancelled_on(contract, said, now)
    for number, term in enumerate(said.terms[: len(contract.terms)], start=1):
        for name, value in stated_term(term, contract.currency).items():
            asked[f"terms.{number}.{name}"] = value
    return asked


def _has_renewed_once(contract: Contract, said: StatedContract) -> bool:
    """Whether the contract renewed once, as was stated, and ends by that."""
    return contract.at_end is AtEnd.CANCEL and len(contract.terms) > len(said.terms)


def _is_cut_off(contract: Contract, term: Mapping[str, Any]) -> bool:
    """Whether a stated term would have begun only after the contract was cancelled."""
    return contract.cancellation is not None and day(term["start"]) >= contract.cancellation.on
