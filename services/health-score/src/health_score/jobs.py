"""The durable timers of health-score: midnights, rebuilds, and room for the weeks to come."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from health_score.application.assessing import CLOSE, REBUILD
from health_score.application.midnight import CloseDays, MakeRoom, Rebuild
from health_score.application.ports import Work
from mainstay.db.due_runner import DueHandler, DueItem
from mainstay.db.work import Transaction

ROOM = "raw-event-weeks"
"""The timer that creates partitions ahead; it has one key, the table."""

ROOM_KEY = "raw_event"

BATCHES: Mapping[str, int] = {REBUILD: 1}
"""A rebuild may take a tenth of a second and holds its account meanwhile: each has a transaction of its own."""


Within = Callable[[Transaction], Work]
"""Gives the stores of a transaction that is open already."""


class Handler(Protocol):
    """A command on what timers name; answers when each that goes on is due next."""

    async def __call__(self, work: Work, keys: Sequence[str], /) -> Mapping[str, datetime]:
        """Do it."""


def handlers(within: Within, close: CloseDays, rebuild: Rebuild, room: MakeRoom) -> Mapping[str, DueHandler]:
    """The handler of each kind of timer."""
    return {CLOSE: _timer(within, close), REBUILD: _timer(within, rebuild), ROOM: _timer(within, room)}


def _timer(within: Within, handle: Handler) -> DueHandler:
    async def due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        return await handle(within(tx), [item.key for item in items])

    return due
