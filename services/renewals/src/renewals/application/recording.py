"""Takes in what health-score says: windows carry the health of their moment, risk is seen, and calls are made anew."""

from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch
from renewals.application.ports import HealthReport, OpensWork


class RecordHealth:
    """Keep each account's latest health. Repeats and stragglers change nothing."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, batch: Batch[HealthReport]) -> None:
        """Take in a batch, in one transaction with its positions. Raises `PositionTaken`."""
        async with self._work(batch) as work:
            fresh = await work.first_times([(report.source, report.event_id) for report in batch.messages])
            new = [r for r in batch.messages if (r.source, r.event_id) in fresh]
            at_work = await work.renewals.at_work_of({report.account_id for report in new})
            before = await work.health.of_accounts(at_work)
            await work.health.report(new)
            after = await work.health.of_accounts(at_work)
            # The open renewals of an account in another band are at risk, or are so no more.
            await work.timers.arm(
                (account_id, health.as_of)
                for account_id, health in after.items()
                if account_id not in before or before[account_id].band != health.band
            )
            # A timer's work, not this one's: it takes the accounts' lock, and many reports at once are one look. What
            # is entered at this very moment does not know the account yet, and looks at its health itself.
            known = await work.accounts.known({report.account_id for report in new})
            now = self._clock.now()
            await work.timers.arm_forecasts((account_id, now) for account_id in known)
