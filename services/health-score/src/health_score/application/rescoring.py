"""Scoring the whole portfolio anew, after another scorecard is in force: in batches, by durable timers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from health_score.application.assessing import Assessor
from health_score.application.ports import Work
from mainstay.kernel.clock import Clock

RESCORE = "rescore"
"""The timer of a part of the portfolio; its key is the part's number."""

PARTS = 2
"""So many processes may share the work."""

BATCH = 250
"""Accounts of one transaction. They are locked meanwhile, a fifth of a second or so."""


async def begin_rescoring(work: Work, at: datetime) -> None:
    """Have every account scored anew from now on; a re-scoring under way begins again."""
    for part in range(PARTS):  # the timers first: whoever runs one has it before it looks how far it is
        await work.due.set(RESCORE, str(part), at)
    await work.rescoring.begin(PARTS, at)


class Rescore:
    """Score the next accounts of a part; goes on until none is left."""

    def __init__(self, assessor: Assessor, clock: Clock) -> None:
        self._assess = assessor
        self._clock = clock

    async def __call__(self, work: Work, keys: Sequence[str]) -> Mapping[str, datetime]:
        """Score a batch of each part; those that go on are due again at once."""
        at = self._clock.now()
        going_on = {}
        for key in keys:
            account_ids = await work.rescoring.take(int(key), PARTS, BATCH, at)
            if account_ids:
                accounts = await work.accounts.lock(account_ids)
                # A dirty one waits for its rebuild, which scores by the same cards.
                due = [account for account in accounts.values() if account.dirty_from is None]
                await self._assess(work, due, at, listens=False)
                going_on[key] = at
        return going_on
