"""Takes in what health-score says, so that a window can carry the health of its moment."""

from mainstay.messaging.consuming import Batch
from renewals.application.ports import HealthReport, OpensWork


class RecordHealth:
    """Keep each account's latest health. Repeats and stragglers change nothing."""

    def __init__(self, work: OpensWork) -> None:
        self._work = work

    async def __call__(self, batch: Batch[HealthReport]) -> None:
        """Take in a batch, in one transaction with its positions. Raises `PositionTaken`."""
        async with self._work(batch) as work:
            fresh = await work.first_times([(report.source, report.event_id) for report in batch.messages])
            await work.health.report([r for r in batch.messages if (r.source, r.event_id) in fresh])
