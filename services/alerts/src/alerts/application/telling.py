"""Telling people: a notification for each notice, and a delivery for each channel that takes it.

A notification is written down whatever becomes of it, so its id never depends on the order of events. A delivery that
is not needed any more is `suppressed` with the reason: nobody needs to hear that something began which is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.application.ports import Delivery, Notification, Work
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change, Notice
from alerts.domain.channels import Channel
from alerts.domain.deliveries import DeliveryState, delivery_id, notification_id
from alerts.domain.moments import Ending
from mainstay.kernel.clock import Clock

UNKNOWN_ACCOUNT_WAIT = timedelta(seconds=5)
"""How long a message waits for the account's record, which comes on another topic, when none has arrived yet."""

OVERTAKEN = "overtaken: the alert was resolved before this was sent"
SUPERSEDED = "superseded: the message about the worse alert says it"


class Telling:
    """Decides who is told of what; the delivery itself happens later, outside the transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def tell(self, work: Work, changes: Sequence[Change], accounts: Mapping[str, Account]) -> None:
        """Write down the notifications of changes and their deliveries. The accounts' rows are locked."""
        if not any(change.notices for change in changes):
            return
        now = self._clock.now()
        openings = [change.alert for change in changes if Notice.OPENED in change.notices]
        endings = [change.alert for change in changes if Notice.RESOLVED in change.notices]
        if openings:
            channels = await work.channels.active()
            opened = [
                delivery
                for alert in openings
                for channel in channels
                if (delivery := _opening(alert, channel, accounts[alert.account_id], now))
            ]
            await work.deliveries.add([_notification(alert, Notice.OPENED, now) for alert in openings], opened)
        if endings:
            await self._tell_the_end(work, endings, now)

    async def _tell_the_end(self, work: Work, alerts: Sequence[Alert], now: datetime) -> None:
        """Whoever was told, or may have been told, that it began hears that it is over."""
        openings = await work.deliveries.of([notification_id(alert.id, Notice.OPENED) for alert in alerts])
        overtaken: list[Delivery] = []
        resolutions: list[Delivery] = []
        for alert in alerts:
            for opening in openings.get(notification_id(alert.id, Notice.OPENED), ()):
                if opening.state is DeliveryState.PENDING:
                    overtaken.append(
                        replace(opening, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=OVERTAKEN)
                    )
                if may_have_arrived(opening):
                    resolutions.append(_resolution(alert, opening, now))
        await work.deliveries.settle(overtaken)
        await work.deliveries.add([_notification(alert, Notice.RESOLVED, now) for alert in alerts], resolutions)


def may_have_arrived(opening: Delivery) -> bool:
    """Whether a channel got a message, or may have: an attempt that ended without a clear answer can have arrived."""
    match opening.state:
        case DeliveryState.DELIVERED | DeliveryState.DELIVERING:
            return True
        case DeliveryState.PENDING | DeliveryState.FAILED:
            return opening.unclear
        case DeliveryState.SUPPRESSED:
            return False


def _notification(alert: Alert, notice: Notice, now: datetime) -> Notification:
    return Notification(notification_id(alert.id, notice), notice.value, now, alert.id, alert.account_id)


def _opening(alert: Alert, channel: Channel, account: Account, now: datetime) -> Delivery | None:
    if not channel.filter.takes(alert.category, alert.severity):
        return None
    if account.is_known and not channel.filter.takes_owner(account.owner):
        return None
    notification = notification_id(alert.id, Notice.OPENED)
    delivery = Delivery(
        id=delivery_id(notification, channel.id),
        notification_id=notification,
        channel_id=channel.id,
        state=DeliveryState.PENDING,
        created_at=now,
        next_attempt_at=now if account.is_known else now + UNKNOWN_ACCOUNT_WAIT,
        route_at_send=not account.is_known,
    )
    if alert.is_resolved:
        return replace(delivery, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=OVERTAKEN)
    return delivery


def _resolution(alert: Alert, opening: Delivery, now: datetime) -> Delivery:
    notification = notification_id(alert.id, Notice.RESOLVED)
    delivery = Delivery(
        id=delivery_id(notification, opening.channel_id),
        notification_id=notification,
        channel_id=opening.channel_id,
        state=DeliveryState.PENDING,
        created_at=now,
        next_attempt_at=now,
    )
    if alert.resolution == Ending.SUPERSEDED:
        return replace(delivery, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=SUPERSEDED)
    return delivery
