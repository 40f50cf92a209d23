"""Erasing people and accounts: who it was goes, what was counted stays."""

from collections.abc import Sequence

import structlog

from health_score.application.announcing import SOURCE
from health_score.application.ports import ErasedAccount, OpenWork, Work
from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import AccountChanged
from mainstay.contracts.privacy import ErasureConfirmed, ErasureRequested, SuppressionLifted
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.messaging.consuming import Batch

NAME = "health-score"

Asked = ErasureRequested | SuppressionLifted

_log = structlog.get_logger(__name__)


class ObeyErasures:
    """Do what ingest asks about a subject, in one transaction with the offset, and confirm it.

    What is asked once more has nothing left to erase and confirms zero.
    """

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._work = open_work
        self._clock = clock

    async def __call__(self, batch: Batch[Event[Asked]]) -> None:
        """Handle what is asked, in its order."""
        async with self._work(batch) as work:
            fresh: Sequence[Event[Asked]] = await work.first_times(batch.messages)
            for event in fresh:
                match event.data:
                    case ErasureRequested():
                        await self._erase(work, event.data)
                    case SuppressionLifted():
                        await work.erased.lift(event.data.kind, event.data.subject)

    async def _erase(self, work: Work, asked: ErasureRequested) -> None:
        now = self._clock.now()
        await work.erased.remember(asked.kind, asked.subject, asked.erasure_id, now)
        if asked.kind == "user":
            done = await work.erased.erase_user(asked.subject, now)
        else:
            done, accounts = await work.erased.erase_account(asked.subject, now)
            work.publish([_tombstone(account) for account in accounts])
        confirmed = ErasureConfirmed(asked.erasure_id, asked.subject, NAME, now, done.erased, done.pseudonymised)
        work.publish([Event(new_id(now), SOURCE, now, confirmed)])
        _log.info("erased", erasure=asked.erasure_id, kind=asked.kind, rows=done.erased, kept=done.pseudonymised)


def _tombstone(account: ErasedAccount) -> Event[AccountChanged]:
    """The account's record with nothing in it: whoever has a projection of it empties that too."""
    at = account.erased_at
    return Event(new_id(at), SOURCE, at, AccountChanged(account.id, account.sequence, at))
