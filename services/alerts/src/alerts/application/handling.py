"""What people do with alerts: take them on, put them off, give them to somebody, judge them, and settle them."""

from collections.abc import Callable
from datetime import datetime

from alerts.application.events import said_of
from alerts.application.ports import OpenWork
from alerts.application.rules import RulesInForce
from alerts.application.telling import Telling
from alerts.domain.alerts import Alert, AlertUnknown, Change, acknowledge, resolve, snooze
from alerts.domain.handling import Feedback, Outcome, assign, comment_on, judge
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

    async def snooze(self, alert_id: str, *, until: datetime, by: str, comment: str | None) -> Alert:
        """Nobody is told of an alert until an instant; then it is back.

        Raises `AlertUnknown`, `AlertResolvedAlready`, `SnoozeOver`.
        """
        return await self._change(
            alert_id, lambda alert: snooze(alert, until=until, by=by, comment=comment, now=self._clock.now())
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
                    await work.timers.snoozes({(account_id, alert_id): change.alert.snoozed_until})
                await self._telling.tell(work, [change], accounts)
                rulebook = await self._rules(work)
                work.publish(*said_of(change, accounts[account_id], rulebook, self._clock.now()))
            return change.alert
