"""The end of a snooze: the alert is back, and whoever was told of it hears so."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from alerts.application.ports import Delivery, Notification, Subject, Work
from alerts.application.telling import may_have_arrived
from alerts.domain.alerts import Alert, AlertUnknown, Notice, returns
from alerts.domain.deliveries import DeliveryState, delivery_id, notification_id, repeated_id
from mainstay.kernel.clock import Clock

_log = structlog.get_logger(__name__)


class ReturnAlerts:
    """Brings alerts back whose snooze is over; one that was snoozed anew, or resolved, stays as it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def look_again(self, work: Work, things: Collection[Subject]) -> None:
        """Look at (account, alert) pairs, in a transaction that is open."""
        now = self._clock.now()
        accounts = await work.accounts.lock({account_id for account_id, _ in things})
        for account_id, alert_id in sorted(things):
            if account_id not in accounts:
                continue
            try:
                alert = await work.alerts.get(alert_id)
            except AlertUnknown:
                continue  # erased meanwhile
            change = returns(alert, now=now)
            if not change.transitions:
                continue
            await work.alerts.save([change])
            told = await self._tell(work, alert, now)
            _log.info("snooze over", alert=alert.id, account=account_id, told=told)

    async def _tell(self, work: Work, alert: Alert, now: datetime) -> int:
        """Whoever was told, or may have been told, that it began hears that it is back."""
        opening = notification_id(alert.id, Notice.OPENED)
        openings: Sequence[Delivery] = (await work.deliveries.of([opening])).get(opening, ())
        until = alert.snoozed_until or now
        back = Notification(
            repeated_id(alert.id, Notice.RETURNED, until.isoformat()),
            Notice.RETURNED.value,
            now,
            alert.id,
            alert.account_id,
        )
        heard = [one for one in openings if may_have_arrived(one)]
        await work.deliveries.add([back], [_again(one, back.id, now) for one in heard])
        return len(heard)


def _again(opening: Delivery, notification: str, now: datetime) -> Delivery:
    return replace(
        opening,
        id=delivery_id(notification, opening.channel_id),
        notification_id=notification,
        state=DeliveryState.PENDING,
        created_at=now,
        attempts=0,
        attempts_before=0,
        next_attempt_at=now,
        delivered_at=None,
        error=None,
        unclear=False,
        route_at_send=False,
        trial=False,
        digest_id=None,
    )
