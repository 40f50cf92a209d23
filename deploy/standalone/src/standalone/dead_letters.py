"""Dead letters from the command line: what a consumer group has put aside, and sending it round again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import MetaData

from mainstay.db.engine import Database
from mainstay.db.tables import kit_tables
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, Record
from mainstay.messaging.redrive import redrive, waiting
from standalone.claim import as_running
from standalone.database import current_url, repeatable
from standalone.settings import StandaloneSettings

GROUPS: Final = {"health-score": "health_score", "alerts": "alerts", "renewals": "renewals"}
"""Consumer group -> the schema that holds its offsets."""


class UnknownGroup(Exception):
    """There is no consumer group of that name."""

    def __init__(self, group: str) -> None:
        super().__init__(f"There is no consumer group {group}; there are {', '.join(GROUPS)}")


@dataclass(frozen=True, slots=True)
class _Desk:
    """What reading and redriving a group's dead letters needs."""

    log: EventLog
    positions: OffsetStore
    transactions: Transactions

    async def settle(self, batch: Batch[Any]) -> None:
        """Commit the steps of a batch that has no messages."""
        async with self.transactions(batch):
            pass


async def waiting_letters(settings: StandaloneSettings, group: str, limit: int) -> Sequence[Record]:
    """The oldest records that wait in a group's dead-letter topic. Raises `UnknownGroup` and `DatabaseAway`."""
    with repeatable(settings):
        async with _desk(settings, group) as desk:
            return await waiting(desk.log, group, desk.positions, limit=limit)


async def redrive_letters(settings: StandaloneSettings, group: str, up_to: int | None) -> int:
    """Append a group's dead letters to their own topics again; answers how many. Raises like `waiting_letters`."""
    with repeatable(settings):
        async with _desk(settings, group) as desk:
            return await redrive(desk.log, group, desk.positions, desk.settle, up_to=up_to)


def described(letter: Record) -> tuple[str, str, str, str]:
    """For people: where the record stood, its account, when it was put aside, and why."""
    stood = f"{letter.header('dead-letter-topic')}/{letter.header('dead-letter-partition')}"
    at = f"{letter.appended_at:%Y-%m-%d %H:%M:%S}"
    return f"{stood} @ {letter.header('dead-letter-offset')}", letter.key, at, letter.header("dead-letter-reason") or ""


@asynccontextmanager
async def _desk(settings: StandaloneSettings, group: str) -> AsyncIterator[_Desk]:
    if group not in GROUPS:
        raise UnknownGroup(group)
    url = current_url(settings)
    settings = as_running(settings)
    database = Database(url, application_name="mainstay", pool_size=2)
    log = open_log(settings.event_log_url or url, client_name="mainstay")
    try:
        await log.start()
        tables = kit_tables(MetaData(schema=GROUPS[group]))
        yield _Desk(log, OffsetStore(database, tables), Transactions(database, tables, clock=SystemClock()))
    finally:
        await log.close()
        await database.close()
