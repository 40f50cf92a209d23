"""Wakes the relay after a commit, so that events leave at once; without it they leave with the next poll."""

import asyncio
import logging
from datetime import timedelta

import asyncpg

from mainstay.db.engine import CONNECT_WITHIN, Database, asyncpg_dsn
from mainstay.db.tables import KitTables

AT_MOST_EVERY = timedelta(milliseconds=20)
"""50 hints a second. A NOTIFY inside each transaction would serialise the commits of the whole cluster."""

_log = logging.getLogger(__name__)


def channel(tables: KitTables) -> str:
    """The NOTIFY channel of a service's outbox."""
    return f"{tables.outbox.schema}.outbox"


class Hint:
    """Sends NOTIFY on a connection of its own, after commits, at most 50 times a second. Losing one loses nothing."""

    def __init__(self, database: Database, tables: KitTables) -> None:
        self._dsn = asyncpg_dsn(database.url)
        self._application_name = f"{database.application_name} hint"
        self._channel = channel(tables)
        self._connection: asyncpg.Connection | None = None
        self._again = False
        self._closed = False
        self._sending: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have a hint sent soon; never waits and never fails."""
        if self._closed:
            return
        self._again = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send())

    async def close(self) -> None:
        """Stop sending, for good, and disconnect."""
        self._closed = True
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close(timeout=1)
            self._connection = None

    async def _send(self) -> None:
        while self._again:
            self._again = False
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(
                        self._dsn,
                        timeout=CONNECT_WITHIN.total_seconds(),
                        command_timeout=CONNECT_WITHIN.total_seconds(),
                        server_settings={"application_name": self._application_name},
                    )
                await self._connection.execute("SELECT pg_notify($1, '')", self._channel)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.debug("a hint was lost; the relay polls", extra={"reason": str(error)})
            await asyncio.sleep(AT_MOST_EVERY.total_seconds())
