"""What alerts says: alerts that opened, were acknowledged or resolved; deliveries that failed; accounts given away."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from mainstay.contracts.topics import ALERT_EVENTS
from mainstay.messaging.port import Topic


class AlertOpened(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alert opened. `quiet` says that it lay too far in the past to tell anybody."""

    TYPE: ClassVar[str] = "mainstay.alert.opened.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    rule: str
    severity: str
    occurred_at: datetime
    reason: str
    quiet: bool = False
    caused_by: tuple[str, ...] = ()


class AlertAcknowledged(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody took an alert on."""

    TYPE: ClassVar[str] = "mainstay.alert.acknowledged.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    occurred_at: datetime
    by: str


class AlertResolved(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alert came to its end: `by` a person, or null when its condition passed."""

    TYPE: ClassVar[str] = "mainstay.alert.resolved.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    occurred_at: datetime
    reason: str
    by: str | None = None


class DeliveryFailed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A notification could not be delivered, and will not be tried again."""

    TYPE: ClassVar[str] = "mainstay.alert.delivery_failed.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    alert_id: str
    delivery_id: str
    channel_id: str
    occurred_at: datetime
    reason: str


class AccountReassigned(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody gave an account to another owner, from `effective_on` on: health-score, whose record it is, obeys.

    `reassignment_id` is the same for all accounts that were moved together.
    """

    TYPE: ClassVar[str] = "mainstay.account.reassigned.v1"
    TOPIC: ClassVar[Topic] = ALERT_EVENTS

    account_id: str
    occurred_at: datetime
    owner: str
    effective_on: date
    reassignment_id: str
    by: str
    reason: str
    previous_owner: str | None = None


EVENTS = (AlertOpened, AlertAcknowledged, AlertResolved, DeliveryFailed, AccountReassigned)
