"""Erasing accounts from alerts: nothing of an erased account stays, and nobody is told of it any more.

Of a customer's people alerts holds the id of contacts with a role, their role, and whether they left.
"""

import structlog

from alerts.application.events import record_of
from alerts.application.ports import OpenWork, Work
from alerts.application.watching import Heard
from mainstay.contracts.privacy import ErasureConfirmed, ErasureRequested, SuppressionLifted
from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch
from mainstay.service.subjects import ACCOUNT

NAME = "alerts"

Asked = ErasureRequested | SuppressionLifted

_log = structlog.get_logger(__name__)


class ObeyErasures:
    """Do what ingest asks about a subject, in one transaction with the offset, and confirm it."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def __call__(self, batch: Batch[Heard[Asked]]) -> None:
        """Handle what is asked, in its order."""
        async with self._open(batch) as work:
            new = await work.first_times([(heard.source, heard.event_id) for heard in batch.messages])
            for heard in batch.messages:
                if (heard.source, heard.event_id) not in new:
                    continue
                match heard.what:
                    case ErasureRequested():
                        await self._erase(work, heard.what)
                    case SuppressionLifted():
                        await work.erased.lift(heard.what.kind, heard.what.subject)

    async def _erase(self, work: Work, asked: ErasureRequested) -> None:
        now = self._clock.now()
        await work.erased.remember(asked.kind, asked.subject, asked.erasure_id, now)
        if asked.kind == ACCOUNT:
            rows = await work.erased.erase_account(asked.subject)
        else:
            rows = await work.erased.erase_contact(asked.subject)
        work.publish(record_of(ErasureConfirmed(asked.erasure_id, asked.subject, NAME, now, rows), now))
        _log.info("erased", erasure=asked.erasure_id, kind=asked.kind, rows=rows)
