"""Reads what customer-signals says: contracts as other systems have them, and what is bought and used."""

from datetime import UTC, date
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.facts import ContractFact, ContractTerm, EntitlementFact
from mainstay.contracts.ingest import AccountFact
from mainstay.messaging.port import Record
from renewals.application.calendars import known_zone
from renewals.application.expansion import ConsumptionStated, TeamStated
from renewals.domain.consumption import Reading, Said
from renewals.domain.statements import Statement, Value

MOST_DIGITS, MOST_DECIMALS = 30, 30
"""Of an amount that is looked at; the ledger takes fewer."""

T = TypeVar("T")

_decode = Decoder(ContractFact, EntitlementFact, AccountFact)


class UnusableFact(ValueError):
    """A contract's amounts are not in its currency, or its zone is none."""


def customer_signal(record: Record) -> Statement | ConsumptionStated | TeamStated | None:
    """What a record says of a contract, of what an account uses, or whose part it is; None for other facts.

    Raises `UnreadableEvent` and `UnusableFact`.
    """
    event = _decode(record)
    match event:
        case None:
            return None
        case Event(data=ContractFact()):
            return _contract(event)
        case Event(data=EntitlementFact()):
            return _consumption(event)
        case _:
            return _team(event)


def _team(event: Event[AccountFact]) -> TeamStated | None:
    said = event.data
    parent = said.parent_account_id
    if parent is UNSET or parent is None or parent == said.account_id:
        return None
    return TeamStated(said.account_id, str(parent), said.occurred_at.astimezone(UTC), event.source, event.id)


def _consumption(event: Event[EntitlementFact]) -> ConsumptionStated:
    said = event.data
    at = said.occurred_at.astimezone(UTC)

    def stated(value: T | UnsetType | None) -> Said[T] | None:
        return None if isinstance(value, UnsetType) else Said(value, at, event.id)

    starts_on: Said[date] | None = stated(said.starts_on)
    reading = Reading(
        day=at.date(), used=stated(_exact(said.used)), bought=stated(_exact(said.bought)), starts_on=starts_on
    )
    return ConsumptionStated(said.account_id, said.metric, reading, event.source, event.id)


def _exact(quantity: float | UnsetType | None) -> Decimal | UnsetType | None:
    """A quantity as it was written."""
    return Decimal(repr(quantity)).normalize() if isinstance(quantity, float | int) else quantity


def _contract(event: Event[ContractFact]) -> Statement:
    said = event.data
    fields: dict[str, Value] = {"account_id": said.account_id, "kind": said.kind, "currency": said.currency}
    if said.zone is not UNSET:
        fields["zone"] = said.zone if said.zone is None else _zone(said.zone)
    if said.at_end is not UNSET:
        fields["at_end"] = said.at_end
    if said.state is not UNSET:
        fields["state"] = said.state
    if said.notice is not UNSET:
        fields["notice_amount"] = said.notice.amount if said.notice else None
        fields["notice_unit"] = said.notice.unit if said.notice else None
    if said.predecessor_id is not UNSET:
        fields["renews"] = said.predecessor_id
    if said.next_amount is not UNSET:
        fields["next_amount"] = _amount(said.next_amount, said.currency) if said.next_amount else None
    return Statement(
        source=event.source,
        external_id=said.contract_id,
        occurred_at=said.occurred_at,
        event_id=event.id,
        fields=fields,
        terms=None if said.terms is UNSET else [_term(term, said.currency) for term in said.terms],
    )


def _zone(name: str) -> str:
    try:
        return known_zone(name)
    except ValueError as error:
        raise UnusableFact(str(error)) from None


def _term(term: ContractTerm, currency: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "start": term.starts_on.isoformat(),
        "end": term.ends_on.isoformat(),
        "amount": _amount(term.amount, currency),
        "seats": term.seats,
    }
    if term.entitlements is not UNSET:
        found["entitlements"] = dict(term.entitlements)
    if term.price_schedule is not UNSET:
        found["price_schedule"] = [
            {"start": step.starts_on.isoformat(), "amount": _amount(step.amount, currency)}
            for step in term.price_schedule
        ]
    return found


def _amount(stated: MoneyData, currency: str) -> str:
    if stated.currency != currency:
        raise UnusableFact(f"the contract is in {currency}, an amount of it in {stated.currency}")
    amount = stated.amount
    # Written out, an exponent of a million has a million digits.
    if not amount.is_finite() or not -MOST_DECIMALS <= amount.adjusted() <= MOST_DIGITS:
        raise UnusableFact("an amount is no number, or far too large or small")
    return f"{amount:f}"
