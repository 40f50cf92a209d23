"""What renewals reads: the scores and bands of accounts, and which of them are to be erased."""

from typing import Any

from mainstay.contracts.envelope import Decoder
from mainstay.contracts.health_score import BandChanged, ScoreChanged
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.contracts.topics import HEALTH_EVENTS, PRIVACY_REQUESTS
from mainstay.messaging.consuming import Subscription
from mainstay.messaging.port import Record
from renewals.application.erasure import ObeyErasures
from renewals.application.ports import Health, HealthReport
from renewals.application.recording import RecordHealth

GROUP = "renewals"

_decode = Decoder(ScoreChanged, BandChanged)
_decode_erasure = Decoder(ErasureRequested, SuppressionLifted)


def subscriptions(record_health: RecordHealth, obey: ObeyErasures) -> tuple[Subscription[Any], ...]:
    """Every subscription of the group."""
    return (
        Subscription(HEALTH_EVENTS, group=GROUP, decode=health_report, handle=record_health),
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
