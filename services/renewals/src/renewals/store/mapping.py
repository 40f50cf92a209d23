"""Contracts and terms as rows, and as the snapshots that revisions keep: by hand, both ways."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping

from renewals.domain.contracts import AtEnd, Cancellation, Contract, Holder, Kind, Predecessor
from renewals.domain.notice import CountedFrom, NoticeRule, NoticeUnit, Roll
from renewals.domain.schedule import Schedule
from renewals.domain.terms import Outcome, Step, Term, entitlements


def contract_row(of: Contract) -> dict[str, Any]:
    """A contract's row, without its terms and without who entered it."""
    return {
        "id": of.id,
        "account_id": of.account_id,
        "external_id": of.external_id,
        "kind": of.kind.value,
        "currency": of.currency,
        "zone": of.zone.key,
        "anchor": of.schedule.anchor,
        "anchor_number": of.schedule.anchor_number,
        "term_months": of.schedule.term_months,
        "window_days": of.schedule.window_days,
        "at_end": of.at_end.value,
        "amount": of.amount,
        "seats": of.seats,
        "entitlements": dict(of.entitlements),
        "grace_days": of.grace_days,
        "notice": None
        if of.notice is None
        else {
            "amount": of.notice.amount,
            "unit": of.notice.unit.value,
            "counted_from": of.notice.counted_from.value,
            "roll": of.notice.roll.value,
            "holidays": of.notice.holidays,
        },
        "holders": [{"account_id": each.account_id, "since": _plain(each.since)} for each in of.holders],
        "predecessor": None
        if of.predecessor is None
        else {
            "contract_id": of.predecessor.contract_id,
            "expires_before": _plain(of.predecessor.expires_before),
            "served_before": _plain(of.predecessor.served_before),
        },
        "co_term_of": of.co_term_of,
        "cancellation": None
        if of.cancellation is None
        else {
            "on": _plain(of.cancellation.on),
            "reason": of.cancellation.reason,
            "at_end": of.cancellation.at_end.value,
        },
    }


def contract_of(row: Mapping[str, Any] | RowMapping, terms: Sequence[Term]) -> Contract:
    """The contract in a row."""
    notice, predecessor, cancellation = row["notice"], row["predecessor"], row["cancellation"]
    return Contract(
        id=row["id"],
        account_id=row["account_id"],
        external_id=row["external_id"],
        kind=Kind(row["kind"]),
        currency=row["currency"],
        zone=ZoneInfo(row["zone"]),
        schedule=Schedule(row["anchor"], row["anchor_number"], row["term_months"], row["window_days"]),
        at_end=AtEnd(row["at_end"]),
        amount=row["amount"],
        seats=row["seats"],
        terms=tuple(terms),
        entitlements=entitlements(row["entitlements"]),
        grace_days=row["grace_days"],
        notice=notice
        and NoticeRule(
            notice["amount"],
            NoticeUnit(notice["unit"]),
            CountedFrom(notice["counted_from"]),
            Roll(notice["roll"]),
            notice["holidays"],
        ),
        holders=tuple(Holder(each["account_id"], _day(each["since"])) for each in row["holders"]),
        predecessor=predecessor
        and Predecessor(
            predecessor["contract_id"],
            date.fromisoformat(predecessor["expires_before"]),
            date.fromisoformat(predecessor["served_before"]),
        ),
        co_term_of=row["co_term_of"],
        cancellation=cancellation
        and Cancellation(date.fromisoformat(cancellation["on"]), cancellation["reason"], AtEnd(cancellation["at_end"])),
    )


def term_row(contract_id: str, of: Term) -> dict[str, Any]:
    """A term's row."""
    return {
        "contract_id": contract_id,
        "number": of.number,
        "start": of.start,
        "end_exclusive": of.end_exclusive,
        "counted_from": of.counted_from,
        "stated_end": of.stated_end,
        "amount": of.amount,
        "seats": of.seats,
        "window_opens_on": of.window_opens_on,
        "window_opened_at": of.window_opened_at,
        "outcome": of.outcome.value if of.outcome else None,
        "closed_at": of.closed_at,
        "steps": [
            {
                "start": _plain(step.start),
                "amount": _plain(step.amount),
                "months": str(step.months),
                "seats": step.seats,
                "entitlements": dict(step.entitlements),
            }
            for step in of.steps
        ],
        "due_before": of.due_before,
        "cancelled_on": of.cancelled_on,
        "signed_on": of.signed_on,
        "is_rolling": of.is_rolling,
        "entitlements": dict(of.entitlements),
    }


def term_of(row: Mapping[str, Any] | RowMapping, prefix: str = "") -> Term:
    """The term in a row whose columns carry a prefix."""
    outcome = row[f"{prefix}outcome"]
    return Term(
        number=row[f"{prefix}number"],
        start=row[f"{prefix}start"],
        end_exclusive=row[f"{prefix}end_exclusive"],
        counted_from=row[f"{prefix}counted_from"],
        stated_end=row[f"{prefix}stated_end"],
        amount=row[f"{prefix}amount"],
        seats=row[f"{prefix}seats"],
        window_opens_on=row[f"{prefix}window_opens_on"],
        window_opened_at=row[f"{prefix}window_opened_at"],
        outcome=Outcome(outcome) if outcome else None,
        closed_at=row[f"{prefix}closed_at"],
        steps=tuple(
            Step(
                date.fromisoformat(step["start"]),
                Decimal(step["amount"]),
                Fraction(step["months"]),
                step["seats"],
                entitlements(step["entitlements"]),
            )
            for step in row[f"{prefix}steps"]
        ),
        due_before=row[f"{prefix}due_before"],
        cancelled_on=row[f"{prefix}cancelled_on"],
        signed_on=row[f"{prefix}signed_on"],
        is_rolling=row[f"{prefix}is_rolling"],
        entitlements=entitlements(row[f"{prefix}entitlements"]),
    )


_DAYS = ("anchor", "start", "end_exclusive", "counted_from", "stated_end", "window_opens_on", "due_before")
_DAYS_TOO = ("cancelled_on", "signed_on")
_INSTANTS = ("window_opened_at", "closed_at")


def snapshot_of(contract: Contract) -> dict[str, Any]:
    """Everything about a contract as JSON: its row, and its terms' rows."""
    rows = [term_row(contract.id, term) for term in contract.terms]
    return {**_written(contract_row(contract)), "terms": [_written(row) for row in rows]}


def contract_in(snapshot: Mapping[str, Any]) -> Contract:
    """The contract in a snapshot."""
    return contract_of(_read(snapshot), [term_of(_read(row)) for row in snapshot["terms"]])


def _written(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: _plain(value) for column, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | datetime) else value


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(row)
    for column in {*_DAYS, *_DAYS_TOO} & found.keys():
        found[column] = _day(found[column])
    for column in {*_INSTANTS} & found.keys():
        found[column] = datetime.fromisoformat(found[column]) if found[column] else None
    found["amount"] = Decimal(found["amount"])
    return found


def _day(stated: str | None) -> date | None:
    return date.fromisoformat(stated) if stated else None
