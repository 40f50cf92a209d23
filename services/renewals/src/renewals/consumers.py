"""What renewals reads: scores, bands and records of accounts, what they use, and which of them are to be erased."""

from datetime import UTC, date
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType

from mainstay.contracts.envelope import Decoder
from mainstay.contracts.facts import EntitlementFact
from mainstay.contracts.health_score import AccountChanged, BandChanged, ScoreChanged
from mainstay.contracts.ingest import AccountFact
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.contracts.topics import ACCOUNT_EVENTS, CUSTOMER_SIGNALS, HEALTH_EVENTS, PRIVACY_REQUESTS
from mainstay.messaging.consuming import Subscription
from mainstay.messaging.port import Record
from renewals.application.erasure import ObeyErasures
from renewals.application.expansion import ConsumptionStated, RecordSignals, TeamStated
from renewals.application.inputs import AccountGroup, RecordGroups
from renewals.application.ports import Health, HealthReport
from renewals.application.recording import RecordHealth
from renewals.domain.consumption import Reading, Said
from renewals.domain.ownership import Assignment

T = TypeVar("T")

GROUP = "renewals"

_decode = Decoder(ScoreChanged, BandChanged)
_decode_account = Decoder(AccountChanged)
_decode_signal = Decoder(EntitlementFact, AccountFact)
_decode_erasure = Decoder(ErasureRequested, SuppressionLifted)


def subscriptions(
    record_health: RecordHealth, record_groups: RecordGroups, record_signals: RecordSignals, obey: ObeyErasures
) -> tuple[Subscription[Any], ...]:
    """Every subscription of the group."""
    return (
        Subscription(HEALTH_EVENTS, group=GROUP, decode=health_report, handle=record_health),
        Subscription(ACCOUNT_EVENTS, group=GROUP, decode=account_group, handle=record_groups),
        Subscription(CUSTOMER_SIGNALS, group=GROUP, decode=signal, handle=record_signals),
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
        tuple(Assignment(each.role, each.person, each.since, each.until) for each in said.team),
        said.industry,
    )


def signal(record: Record) -> ConsumptionStated | TeamStated | None:
    """What a record says an account uses, or is part of; None for other events. Raises `UnreadableEvent`."""
    event = _decode_signal(record)
    if event is None:
        return None
    said: EntitlementFact | AccountFact = event.data
    if isinstance(said, AccountFact):
        parent = said.parent_account_id
        if parent is UNSET or parent is None or parent == said.account_id:
            return None
        return TeamStated(said.account_id, str(parent), said.occurred_at.astimezone(UTC), event.source, event.id)
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
