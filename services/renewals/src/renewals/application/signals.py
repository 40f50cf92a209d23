"""Hears what is said of customers: contracts as other systems have them, and what is bought and used."""

from mainstay.messaging.consuming import Batch
from renewals.application.expansion import ConsumptionStated, FindNeeds, TeamStated
from renewals.application.ports import OpensWork
from renewals.application.reconciling import ReconcileContracts
from renewals.domain.statements import Statement


class HearSignals:
    """Keep what is used, compare contracts with the ledger, then look where more is needed.

    Repeats and stragglers change nothing.
    """

    def __init__(self, work: OpensWork, reconcile: ReconcileContracts, find_needs: FindNeeds) -> None:
        self._work = work
        self._reconcile = reconcile
        self._find_needs = find_needs

    async def __call__(self, batch: Batch[Statement | ConsumptionStated | TeamStated]) -> None:
        """Take in a batch, in one transaction with its positions. Raises `PositionTaken`."""
        async with self._work(batch) as work:
            fresh = await work.first_times([(each.source, each.event_id) for each in batch.messages])
            said = [each for each in batch.messages if (each.source, each.event_id) in fresh]
            noted = await self._find_needs.note(work, [each for each in said if not isinstance(each, Statement)])
            await self._reconcile.take(work, [each for each in said if isinstance(each, Statement)])
            await self._find_needs.look(work, noted)
