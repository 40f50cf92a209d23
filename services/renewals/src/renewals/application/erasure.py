"""Erasing accounts from renewals: contracts and figures stay, under a pseudonym that no timer wakes.

Of a customer's people renewals holds nothing, so the erasure of a user is confirmed with zero.
"""

import structlog

from mainstay.contracts.envelope import Event
from mainstay.contracts.privacy import ErasureConfirmed, ErasureRequested, SuppressionLifted
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.messaging.consuming import Batch
from mainstay.service.subjects import ACCOUNT
from renewals.application.announcing import SOURCE
from renewals.application.ports import Done, OpensWork, Work

NAME = "renewals"

Asked = ErasureRequested | SuppressionLifted

_log = structlog.get_logger(__name__)


class ObeyErasures:
    """Do what ingest asks about a subject, in one transaction with the offset, and confirm it."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, batch: Batch[Event[Asked]]) -> None:
        """Handle what is asked, in its order."""
        async with self._work(batch) as work:
            fresh = await work.first_times([(event.source, event.id) for event in batch.messages])
            for event in batch.messages:
                if (event.source, event.id) not in fresh:
                    continue
                match event.data:
                    case ErasureRequested():
                        await self._erase(work, event.data)
                    case SuppressionLifted():
                        await work.erased.lift(event.data.kind, event.data.subject)

    async def _erase(self, work: Work, asked: ErasureRequested) -> None:
        now, done = self._clock.now(), Done(0, 0)
        if asked.kind == ACCOUNT:
            await work.erased.remember(asked.kind, asked.subject, asked.erasure_id, now)
            done = await work.erased.erase_account(asked.subject, asked.erasure_id, now)
        confirmed = ErasureConfirmed(asked.erasure_id, asked.subject, NAME, now, done.erased, done.pseudonymised)
        work.say(Event(new_id(now), SOURCE, now, confirmed))
        _log.info("erased", erasure=asked.erasure_id, kind=asked.kind, rows=done.erased, kept=done.pseudonymised)
