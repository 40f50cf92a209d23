"""What renewals reads: scores, bands and records of accounts, contracts as other systems have them, and erasures."""

from typing import Any

from msgspec import UNSET

from mainstay.contracts.envelope import Decoder
from mainstay.contracts.facts import ContractFact, ContractTerm
from mainstay.contracts.health_score import AccountChanged, BandChanged, ScoreChanged
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.contracts.topics import ACCOUNT_EVENTS, CUSTOMER_SIGNALS, HEALTH_EVENTS, PRIVACY_REQUESTS
from mainstay.messaging.consuming import Subscription
from mainstay.messaging.port import Record
from renewals.application.calendars import known_zone
from renewals.application.erasure import ObeyErasures
from renewals.application.inputs import AccountGroup, RecordGroups
from renewals.application.ports import Health, HealthReport
from renewals.application.reconciling import ReconcileContracts
from renewals.application.recording import RecordHealth
from renewals.domain.statements import Statement, Value

GROUP = "renewals"
MOST_DIGITS, MOST_DECIMALS = 30, 30
"""Of an amount that is looked at; the ledger takes fewer."""

_decode = Decoder(ScoreChanged, BandChanged)
_decode_account = Decoder(AccountChanged)
_decode_contract = Decoder(ContractFact)
_decode_erasure = Decoder(ErasureRequested, SuppressionLifted)


def subscriptions(
    record_health: RecordHealth, record_groups: RecordGroups, obey: ObeyErasures, reconcile: ReconcileContracts
) -> tuple[Subscription[Any], ...]:
    """Every subscription of the group."""
    return (
        Subscription(HEALTH_EVENTS, group=GROUP, decode=health_report, handle=record_health),
        Subscription(ACCOUNT_EVENTS, group=GROUP, decode=account_group, handle=record_groups),
        Subscription(CUSTOMER_SIGNALS, group=GROUP, decode=contract_statement, handle=reconcile, up_to=100),
        Subscription(PRIVACY_REQUESTS, group=GROUP, decode=_decode_erasure, handle=obey, up_to=1),
    )


def health_report(record: Record) -> HealthReport | None:
    """What a record says about an account's health; None for other events. Raises `UnreadableEvent`."""
    event = _decode(record)
    if event is None:
        return None
    said: ScoreChanged | BandChanged = event.data
    health = Health(score=said.score, band=said.band, coverage=said.coverage, as_of=said.occurred_at)
    return HealthReport(said.account_id, health, event.source, event.id)


def account_group(record: Record) -> AccountGroup | None:
    """What a record says an account is; None for other events. Raises `UnreadableEvent`."""
    event = _decode_account(record)
    if event is None:
        return None
    said: AccountChanged = event.data
    return AccountGroup(
        said.account_id,
        said.sequence,
        said.occurred_at,
        said.segment,
        said.tier,
        said.owner,
        event.source,
        event.id,
    )


class UnusableFact(ValueError):
    """A contract's amounts are not in its currency, or its zone is none."""


def contract_statement(record: Record) -> Statement | None:
    """What a record says of a contract; None for other facts. Raises `UnreadableEvent`, `UnusableFact`."""
    event = _decode_contract(record)
    if event is None:
        return None
    said: ContractFact = event.data
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


def _term(term: ContractTerm, currency: str) -> dict[str, Value]:
    if term.amount.currency != currency:
        raise UnusableFact(f"the contract is in {currency}, a term's amount in {term.amount.currency}")
    amount = term.amount.amount
    # Written out, an exponent of a million has a million digits.
    if not amount.is_finite() or not -MOST_DECIMALS <= amount.adjusted() <= MOST_DIGITS:
        raise UnusableFact("a term's amount is no number, or far too large or small")
    return {
        "start": term.starts_on.isoformat(),
        "end": term.ends_on.isoformat(),
        "amount": f"{amount:f}",
        "seats": term.seats,
    }
