"""What people do with alerts: take them on, and settle them."""

from collections.abc import Callable

from alerts.application.events import said_of
from alerts.application.ports import OpenWork
from alerts.application.rules import RulesInForce
from alerts.application.telling import Telling
from alerts.domain.alerts import Alert, AlertUnknown, Change, acknowledge, resolve
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

    async def resolve(self, alert_id: str, *, by: str, reason: str | None) -> Alert:
        """Settle an alert; whoever was told of it hears so. Raises `AlertUnknown`."""
        return await self._change(alert_id, lambda alert: resolve(alert, by=by, reason=reason, now=self._clock.now()))

    async def _change(self, alert_id: str, step: Callable[[Alert], Change]) -> Alert:
        async with self._open() as work:
            account_id = await work.alerts.account_of(alert_id)
            accounts = await work.accounts.lock([account_id])
            if account_id not in accounts:
                raise AlertUnknown(alert_id)  # its account was erased this moment
            change = step(await work.alerts.get(alert_id))
            if change.transitions:
                await work.alerts.save([change])
                await self._telling.tell(work, [change], accounts)
                rulebook = await self._rules(work)
                work.publish(*said_of(change, accounts[account_id], rulebook, self._clock.now()))
            return change.alert
