"""Telling people: a notification for each notice, and a delivery for each way that it goes.

A notification is written down whatever becomes of it, so its id never depends on the order of events. A delivery that
is not needed any more is `suppressed` with the reason: nobody needs to hear that something began which is over.
Whether somebody can be told now is looked at when the delivery is due (`gating`), not here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from alerts.application.delivery_ports import Delivery, Notification
from alerts.application.people_ports import Escalation, MuteOnRecord
from alerts.application.ports import Work
from alerts.application.routing import BY_FILTER, Router, Target, Where, accounts_of, groups, window
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change, Notice, Step
from alerts.domain.deliveries import DeliveryState, delivery_id, notification_id
from alerts.domain.moments import Ending
from alerts.domain.muting import Mute
from alerts.domain.routing import About
from mainstay.kernel.clock import Clock

UNKNOWN_ACCOUNT_WAIT = timedelta(seconds=5)
"""How long a message waits for the account's record, which comes on another topic, when none has arrived yet."""

OVERTAKEN = "overtaken: the alert was resolved before this was sent"
IN_PERSON = "the account's owner hears by mail in person"
SUPERSEDED = "superseded: the message about the worse alert says it"

_log = structlog.get_logger(__name__)


class Telling:
    """Decides who is told of what; the delivery itself happens later, outside the transaction."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    async def tell(self, work: Work, changes: Sequence[Change], accounts: Mapping[str, Account]) -> None:
        """Write down the notifications of changes and their deliveries. The accounts' rows are locked."""
        now = self._clock.now()
        await self._end_escalations(work, changes, now)
        if not any(change.notices for change in changes):
            return
        openings = [change.alert for change in changes if Notice.OPENED in change.notices]
        endings = [change.alert for change in changes if Notice.RESOLVED in change.notices]
        if openings:
            await self._tell_the_beginning(work, openings, accounts, now)
        if endings:
            await self._tell_the_end(work, endings, now)

    async def tell_now_known(self, work: Work, alerts: Sequence[Alert], accounts: Mapping[str, Account]) -> None:
        """The records of accounts have come: whoever they name hears of what is open, besides those who have heard."""
        going_on = [alert for alert in alerts if alert.told and not alert.is_resolved]
        if not going_on:
            return
        found = await self._tell_the_beginning(work, going_on, accounts, self._clock.now())
        # what was to go to the owner's mailbox, whoever that would be, is not needed where they are mailed in person
        twice = {alert.id: where.mailboxes for alert, where in found if where.mailboxes}
        if twice:
            told = await work.deliveries.of_alerts(list(twice))
            await work.deliveries.settle(
                [
                    replace(each, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=IN_PERSON)
                    for alert_id, mailboxes in twice.items()
                    for each in told.get(alert_id, ())
                    if each.state is DeliveryState.PENDING and each.channel_id in mailboxes
                ]
            )

    async def _tell_the_beginning(
        self, work: Work, alerts: Sequence[Alert], accounts: Mapping[str, Account], now: datetime
    ) -> Sequence[tuple[Alert, Where]]:
        standing = await self._router.standing(work, now)
        found = [
            (alert, await self._router.where(standing, About.of(alert, accounts[alert.account_id]), alert))
            for alert in alerts
        ]
        waiting = (
            await work.deliveries.windows(accounts_of(alerts), now)
            if any(groups(target) for _, where in found for target in where.targets)
            else {}
        )
        opened: list[Delivery] = []
        for alert, where in found:
            for target in where.targets:
                account = accounts[alert.account_id]
                goes_at = window(target, account.id, now, waiting) if groups(target) else now
                if groups(target):
                    waiting = {**waiting, (account.id, target.channel.id, target.person_id): goes_at}
                opened.append(_opening(alert, target, account, goes_at, now))
        await work.deliveries.add([_notification(alert, Notice.OPENED, now) for alert in alerts], opened)
        await work.pools.give(standing.pools.given)
        if standing.routing.is_saved:  # without a routing nobody was named who would have to be found
            await self._remember_unreached(work, found, now)
        await work.escalations.begin([each for alert, where in found if (each := _escalation(alert, where, now))])
        return found

    async def _remember_unreached(self, work: Work, found: Sequence[tuple[Alert, Where]], now: datetime) -> None:
        """Whom the routing names and nobody reaches is on record; an error where nobody else hears either."""
        mutes = []
        for alert, where in found:
            if not where.unreached:
                continue
            reason = "; ".join(f"{each.receiver}: {each.reason}" for each in where.unreached)
            mutes.append(
                MuteOnRecord(notification_id(alert.id, Notice.OPENED), None, Mute.NO_RECEIVER, reason[:2_000], now)
            )
            log = _log.warning if where.targets else _log.error
            log("an alert does not reach everybody it is for", alert=alert.id, account=alert.account_id, reason=reason)
        await work.silences.remember(mutes)

    async def _tell_the_end(self, work: Work, alerts: Sequence[Alert], now: datetime) -> None:
        """Whoever was told, or may have been told, that it goes on hears that it is over: once."""
        told = await work.deliveries.of_alerts([alert.id for alert in alerts])
        overtaken: list[Delivery] = []
        resolutions: dict[str, Delivery] = {}
        for alert in alerts:
            for message in told.get(alert.id, ()):
                if message.state is DeliveryState.PENDING:
                    overtaken.append(
                        replace(message, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=OVERTAKEN)
                    )
                if may_have_arrived(message):
                    resolution = _resolution(alert, message, now)
                    resolutions.setdefault(resolution.id, resolution)
        await work.deliveries.settle(overtaken)
        await work.deliveries.add(
            [_notification(alert, Notice.RESOLVED, now) for alert in alerts], list(resolutions.values())
        )

    async def _end_escalations(self, work: Work, changes: Sequence[Change], now: datetime) -> None:
        for because, steps in (
            ("acknowledged", {Step.ACKNOWLEDGED}),
            ("resolved", {Step.RESOLVED, Step.WITHDRAWN}),
        ):
            over = [change.alert.id for change in changes if any(each.step in steps for each in change.transitions)]
            if over:
                await work.escalations.end(over, because, now)


def may_have_arrived(opening: Delivery) -> bool:
    """Whether a channel got a message, or may have: an attempt that ended without a clear answer can have arrived."""
    match opening.state:
        case DeliveryState.DELIVERED | DeliveryState.DELIVERING:
            return True
        case DeliveryState.PENDING | DeliveryState.FAILED:
            return opening.unclear
        case DeliveryState.SUPPRESSED:
            return False


def to_target(notification: str, target: Target, at: datetime, now: datetime) -> Delivery:
    """A delivery on its way to a target."""
    return Delivery(
        id=delivery_id(notification, target.channel.id, target.person_id),
        notification_id=notification,
        channel_id=target.channel.id,
        state=DeliveryState.PENDING,
        created_at=now,
        next_attempt_at=at,
        person_id=target.person_id,
        through=target.through or None,
        policy=target.routed.quiet_hours.value,
        grouped=groups(target),
    )


def _notification(alert: Alert, notice: Notice, now: datetime) -> Notification:
    return Notification(notification_id(alert.id, notice), notice.value, now, alert.id, alert.account_id)


def _opening(alert: Alert, target: Target, account: Account, goes_at: datetime, now: datetime) -> Delivery:
    delivery = to_target(notification_id(alert.id, Notice.OPENED), target, goes_at, now)
    if not account.is_known:
        # whether a channel takes an owner's alerts is asked when there is a record to ask
        by_filter = target.person_id is None and target.through == BY_FILTER
        delivery = replace(delivery, next_attempt_at=max(goes_at, now + UNKNOWN_ACCOUNT_WAIT), route_at_send=by_filter)
    if alert.is_resolved:
        return replace(delivery, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=OVERTAKEN)
    return delivery


def _resolution(alert: Alert, opening: Delivery, now: datetime) -> Delivery:
    notification = notification_id(alert.id, Notice.RESOLVED)
    delivery = Delivery(
        id=delivery_id(notification, opening.channel_id, opening.person_id),
        notification_id=notification,
        channel_id=opening.channel_id,
        state=DeliveryState.PENDING,
        created_at=now,
        next_attempt_at=now,
        person_id=opening.person_id,
        through=opening.through,
        policy=opening.policy,
        grouped=opening.grouped,
    )
    if alert.resolution == Ending.SUPERSEDED:
        return replace(delivery, state=DeliveryState.SUPPRESSED, next_attempt_at=None, error=SUPERSEDED)
    return delivery


def _escalation(alert: Alert, where: Where, now: datetime) -> Escalation | None:
    steps = next((each.escalation for each in where.routed if each.escalation), ())
    if not steps or alert.is_resolved:
        return None
    due = now + timedelta(minutes=steps[0].after_minutes)
    return Escalation(alert.id, alert.account_id, steps, 0, due)
