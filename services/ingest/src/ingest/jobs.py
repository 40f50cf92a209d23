"""The durable timers of ingest: what time does to what was set aside, asked for, or left unfinished."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from ingest.application import quarantine as aside
from ingest.application.erasing import OVERDUE, SWEEP, LookForOverdue, Sweep, Work
from ingest.application.identities import REPLAY_PEOPLE
from ingest.application.replaying import ExpireKept, ReplayMarked, ReplayPeople, SweepWaiting
from ingest.application.watching import SOURCE_RETENTION, SOURCE_WATCH, ForgetOldCounts, Watching, WatchSources
from mainstay.db.due_runner import DueHandler, DueItem
from mainstay.db.errors import is_transient
from mainstay.db.work import Transaction, Transactions
from mainstay.kernel.clock import Clock

AGAIN_AFTER = 1.0
"""Seconds until a database that was away is asked again."""
STANDING_KEY = "all"
"""The key of timers that there is one of."""

Within = Callable[[Transaction], Work]
"""Gives the stores of a transaction that is open already."""


def erasures(within: Within, sweep: Sweep, overdue: LookForOverdue) -> Mapping[str, DueHandler]:
    """The timers of erasures."""

    async def sweep_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        for item in items:
            await sweep(within(tx), item.key, item.payload)
        return {}

    async def overdue_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        looked_at = {item.key: await overdue(within(tx), item.key) for item in items}
        return {key: again for key, again in looked_at.items() if again is not None}

    return {SWEEP: sweep_due, OVERDUE: overdue_due}


def quarantine(
    within: Callable[[Transaction], aside.Work],
    *,
    people: ReplayPeople,
    marked: ReplayMarked,
    sweep: SweepWaiting,
    expire: ExpireKept,
) -> Mapping[str, DueHandler]:
    """The timers of quarantine."""

    async def people_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        again = await people(within(tx), [item.payload for item in items])
        return {} if again is None else {item.key: again for item in items}

    async def marked_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        again = await marked(within(tx))
        return {} if again is None else {item.key: again for item in items}

    async def sweep_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        again = await sweep(within(tx))
        return {item.key: again for item in items}

    async def expiry_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        again = await expire(within(tx))
        return {item.key: again for item in items}

    return {
        REPLAY_PEOPLE: people_due,
        aside.REPLAY_MARKED: marked_due,
        aside.SWEEP: sweep_due,
        aside.EXPIRE: expiry_due,
    }


def sources(
    within: Callable[[Transaction], Watching], watch: WatchSources, forget: ForgetOldCounts
) -> Mapping[str, DueHandler]:
    """The timers of sources."""

    async def watch_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        return await watch(within(tx), [item.key for item in items])

    async def retention_due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        again = await forget(within(tx))
        return {item.key: again for item in items}

    return {SOURCE_WATCH: watch_due, SOURCE_RETENTION: retention_due}


class StandingTimers:
    """Arms, once, the timers that go on for ever; an armed one stays as it is."""

    def __init__(self, transactions: Transactions, clock: Clock, kinds: Sequence[str]) -> None:
        self._transactions, self._clock, self._kinds = transactions, clock, kinds

    async def arm(self) -> None:
        """Arm those that are not."""
        async with self._transactions() as tx:
            for kind in sorted(self._kinds):
                await tx.due.arm(kind, STANDING_KEY, self._clock.now())

    async def run(self, stopping: asyncio.Event) -> None:
        """Arm them, however long the database is away."""
        while not stopping.is_set():
            try:
                await self.arm()
            except Exception as error:
                if not is_transient(error):
                    raise
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), AGAIN_AFTER)
            else:
                await stopping.wait()
