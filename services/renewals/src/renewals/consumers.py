"""What renewals reads: scores, bands and records of accounts, what is said of customers, and who is to be erased."""

from typing import Any

from mainstay.contracts.envelope import Decoder
from mainstay.contracts.health_score import AccountChanged, BandChanged, ScoreChanged
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.contracts.topics import ACCOUNT_EVENTS, CUSTOMER_SIGNALS, HEALTH_EVENTS, PRIVACY_REQUESTS
from mainstay.messaging.consuming import Subscription
from mainstay.messaging.port import Record
from renewals.application.erasure import ObeyErasures
from renewals.application.inputs import AccountGroup, RecordGroups
from renewals.application.ports import Health, HealthReport
from renewals.application.recording import RecordHealth
from renewals.application.signals import HearSignals
from renewals.domain.ownership import Assignment
from renewals.signals_reading import customer_signal

GROUP = "renewals"

_decode = Decoder(ScoreChanged, BandChanged)
_decode_account = Decoder(AccountChanged)
_decode_erasure = Decoder(ErasureRequested, SuppressionLifted)


def subscriptions(
    record_health: RecordHealth, record_groups: RecordGroups, hear_signals: HearSignals, obey: ObeyErasures
) -> tuple[Subscription[Any], ...]:
    """Every subscription of the group. A contract takes long to compare, so signals come a hundred at a time."""
    return (
        Subscription(HEALTH_EVENTS, group=GROUP, decode=health_report, handle=record_health),
        Subscription(ACCOUNT_EVENTS, group=GROUP, decode=account_group, handle=record_groups),
        Subscription(CUSTOMER_SIGNALS, group=GROUP, decode=customer_signal, handle=hear_signals, up_to=100),
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
