"""What alerts says to the log, in its contract's shapes."""

from datetime import datetime
from typing import Any

from alerts.domain.accounts import Account
from alerts.domain.alerts import Change, Step
from alerts.domain.messages import text_of, title_of
from alerts.domain.rules import Rulebook
from mainstay.contracts.alerts import AlertAcknowledged, AlertOpened, AlertResolved, DeliveryFailed
from mainstay.contracts.envelope import Event, encode
from mainstay.kernel.ids import new_id
from mainstay.messaging.port import Outgoing

SOURCE = "mainstay/alerts"


def said_of(
    change: Change, account: Account, rulebook: Rulebook, now: datetime, traceparent: str | None = None
) -> list[Outgoing]:
    """The records for an alert's transitions, in their order."""
    alert, records = change.alert, []
    for transition in change.transitions:
        match transition.step:
            case Step.OPENED:
                rule = rulebook.named(alert.rule)
                words = (title_of(alert, account, rule), text_of(alert, account, rule))
                data: Any = AlertOpened(
                    account_id=alert.account_id,
                    alert_id=alert.id,
                    rule=alert.rule,
                    severity=alert.severity.value,
                    occurred_at=alert.opened_at,
                    reason=": ".join(word for word in words if word),
                    quiet=transition.quiet,
                    caused_by=(alert.opened_by,),
                )
            case Step.ACKNOWLEDGED:
                data = AlertAcknowledged(alert.account_id, alert.id, transition.occurred_at, transition.by or "")
            case Step.RESOLVED | Step.WITHDRAWN:
                data = AlertResolved(
                    alert.account_id, alert.id, transition.occurred_at, alert.reason or "", transition.by
                )
            case Step.SEEN_AGAIN | Step.SNOOZED | Step.RETURNED | Step.ESCALATED:
                continue
        records.append(record_of(data, now, traceparent))
    return records


def delivery_failed(
    account_id: str, alert_id: str, delivery_id: str, channel_id: str, reason: str, now: datetime
) -> Outgoing:
    """The record for a delivery that is given up."""
    return record_of(DeliveryFailed(account_id, alert_id, delivery_id, channel_id, now, reason), now)


def record_of(data: Any, now: datetime, traceparent: str | None = None) -> Outgoing:
    """An event of this service, ready for the outbox."""
    return encode(Event(new_id(now), SOURCE, now, data, traceparent))
