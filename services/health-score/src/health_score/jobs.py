"""The durable timers of health-score: midnights, rebuilds, what expires, the portfolio anew, new series, and room."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from health_score.application.assessing import CLOSE, REBUILD
from health_score.application.customs import BUILD, BuildSeries
from health_score.application.deciding import OVERRIDE_ENDS, EndOverrides
from health_score.application.midnight import CloseDays, MakeRoom, Rebuild
from health_score.application.ports import Work
from health_score.application.rescoring import RESCORE, Rescore
from health_score.application.studies import STUDY, RunStudies, StudyWork
from mainstay.db.due_runner import DueHandler, DueItem
from mainstay.db.work import Transaction

ROOM = "raw-event-weeks"
"""The timer that creates partitions ahead; it has one key, the table."""

ROOM_KEY = "raw_event"

BATCHES: Mapping[str, int] = {REBUILD: 1, RESCORE: 1, BUILD: 1}
"""These may take a tenth of a second and hold accounts meanwhile: each has a transaction of its own."""


Within = Callable[[Transaction], Work]
"""Gives the stores of a transaction that is open already."""


class Handler(Protocol):
    """A command on what timers name; answers when each that goes on is due next."""

    async def __call__(self, work: Work, keys: Sequence[str], /) -> Mapping[str, datetime]:
        """Do it."""


def handlers(
    within: Within,
    close: CloseDays,
    rebuild: Rebuild,
    room: MakeRoom,
    overrides: EndOverrides,
    rescore: Rescore,
    build: BuildSeries,
) -> Mapping[str, DueHandler]:
    """The handler of each kind of timer."""
    return {
        CLOSE: _timer(within, close),
        REBUILD: _timer(within, rebuild),
        ROOM: _timer(within, room),
        OVERRIDE_ENDS: _timer(within, overrides),
        RESCORE: _timer(within, rescore),
        BUILD: _timer(within, build),
    }


def study_handlers(within: Callable[[Transaction], StudyWork], studies: RunStudies) -> Mapping[str, DueHandler]:
    """The handler of studies. They have a runner of their own, so that no midnight waits for a step."""

    async def due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        return await studies.step(within(tx), [item.key for item in items])

    return {STUDY: due}


def _timer(within: Within, handle: Handler) -> DueHandler:
    async def due(tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        return await handle(within(tx), [item.key for item in items])

    return due
