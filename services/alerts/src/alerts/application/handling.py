"""What people do with alerts: take them on, put them off, give them to somebody, judge them, and settle them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from alerts.application.delivery_ports import Delivery, Notification
from alerts.application.events import said_of
from alerts.application.ports import OpenWork, Work
from alerts.application.rules import RulesInForce
from alerts.application.telling import Telling, may_have_arrived
from alerts.domain.alerts import Alert, AlertUnknown, Change, Notice, acknowledge, resolve, returns, snooze
from alerts.domain.deliveries import DeliveryState, delivery_id, repeated_id
from alerts.domain.handling import Feedback, Outcome, assign, comment_on, judge
from alerts.domain.muting import Mute
from mainstay.kernel.clock import Clock


class HandleAlerts:
    """Acknowledge and resolve; doing either twice is doing it once."""

    def __init__(self, open_work: OpenWork, rules: RulesInForce, telling: Telling, clock: Clock) -> None:
        self._open = open_work
        self._rules = rules
        self._telling = telling
        self._clock = clock

    async def acknowledge(self, alert_id: str, *, by: str, comment: str | None) -> Alert:
        """Take an alert on. Raises `AlertUnknown`, `AlertResolvedAlready`."""
        return await self._change(
            alert_id, lambda alert: acknowledge(alert, by=by, comment=comment, now=self._clock.now())
        )

    async def resolve(self, alert_id: str, *, by: str, reason: str | None, outcome: Outcome | None = None) -> Alert:
        """Settle an alert; whoever was told of it hears so. Raises `AlertUnknown`."""
        return await self._change(
            alert_id, lambda alert: resolve(alert, by=by, reason=reason, now=self._clock.now(), outcome=outcome)
        )

    async def assign(self, alert_id: str, *, to: str | None, by: str, comment: str | None) -> Alert:
        """Give an alert to somebody, or (None) back to whoever has the account.

        Raises `AlertUnknown`, `AlertResolvedAlready`.
        """
        return await self._change(
            alert_id, lambda alert: assign(alert, to=to, by=by, comment=comment, now=self._clock.now())
        )

    async def comment(self, alert_id: str, *, by: str, comment: str) -> Alert:
        """Say something about an alert. Raises `AlertUnknown`, `NothingSaid`."""
        return await self._change(
            alert_id, lambda alert: comment_on(alert, by=by, comment=comment, now=self._clock.now())
        )

    async def judge(self, alert_id: str, *, feedback: Feedback, by: str, comment: str | None) -> Alert:
        """Say whether an alert was right. Raises `AlertUnknown`."""
        return await self._change(
            alert_id, lambda alert: judge(alert, feedback=feedback, by=by, comment=comment, now=self._clock.now())
        )

    async def snooze(self, alert_id: str, *, until: datetime, by: str, comment: str | None) -> Alert:
        """Tell nobody of an alert until an instant. Raises `AlertUnknown`, `AlertResolvedAlready`, `SnoozeOver`."""
        return await self._change(
            alert_id, lambda alert: snooze(alert, until=until, by=by, comment=comment, now=self._clock.now())
        )

    async def _change(self, alert_id: str, step: Callable[[Alert], Change]) -> Alert:
        async with self._open() as work:
            account_id = await work.alerts.account_of(alert_id)
            accounts = await work.accounts.lock([account_id])
            if account_id not in accounts:
                raise AlertUnknown(alert_id)  # its account was erased this moment
            change = step(await work.alerts.get(alert_id))
            if change.transitions:
                await work.alerts.save([change])
                if change.alert.snoozed_until is not None and not change.alert.is_resolved:
                    await work.snoozes.arm(account_id, alert_id, change.alert.snoozed_until)
                    await work.deliveries.wake(Mute.SNOOZE, self._clock.now(), account_ids=[account_id])
                await self._telling.tell(work, [change], accounts)
                rulebook = await self._rules(work)
                work.publish(*said_of(change, accounts[account_id], rulebook, self._clock.now()))
            return change.alert


class Snoozes:
    """Snoozes that come to their end, in a transaction that is open."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work, due: Sequence[tuple[str, str]]) -> None:
        """Alerts that are open still return: whoever heard of them before hears again, the others hear at last."""
        now = self._clock.now()
        accounts = await work.accounts.lock({account_id for account_id, _ in due})
        for account_id, alert_id in due:
            if account_id not in accounts:
                continue
            alert = await work.alerts.get(alert_id)
            change = returns(alert, now=now)
            if not change.transitions or alert.snoozed_until is None:
                continue
            await work.alerts.save([change])
            told = (await work.deliveries.of_alerts([alert_id])).get(alert_id, ())
            heard = {(each.channel_id, each.person_id): each for each in told if may_have_arrived(each)}
            notification = Notification(
                repeated_id(alert_id, Notice.RETURNED, alert.snoozed_until.isoformat()),
                Notice.RETURNED,
                now,
                alert_id,
                account_id,
            )
            await work.deliveries.add(
                [notification],
                [
                    Delivery(
                        id=delivery_id(notification.id, each.channel_id, each.person_id),
                        notification_id=notification.id,
                        channel_id=each.channel_id,
                        state=DeliveryState.PENDING,
                        created_at=now,
                        next_attempt_at=now,
                        person_id=each.person_id,
                        through=each.through,
                        policy=each.policy,
                        grouped=each.grouped,
                    )
                    for each in heard.values()
                ],
            )
