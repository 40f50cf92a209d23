"""Connections of the embedded log to PostgreSQL, and its failures in the port's own words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from mainstay.messaging.port import LogUnavailable

CONNECT_WITHIN = timedelta(seconds=5)
ANSWER_WITHIN = timedelta(seconds=10)

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What a database that is away, restarting or not migrated raises; time-outs are OSErrors."""


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Turn a failure of the database into `LogUnavailable`."""
    try:
        yield
    except FAILURES as error:
        raise LogUnavailable(why(error)) from error


def why(error: BaseException) -> str:
    """The reason of a failure in one line."""
    if isinstance(error, (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)):
        return f"the event log's tables are not there: run its migrations ({error})"
    return f"PostgreSQL: {type(error).__name__}: {error}".splitlines()[0]


async def _leave_as_is(_connection: Any) -> None:
    """Nothing is set on a connection outside a transaction, so there is nothing to reset, and no round trip for it."""


class Connections:
    """Short work shares a small pool; the appender and the watcher hold a connection each."""

    def __init__(self, url: str, client_name: str) -> None:
        """`url` is postgresql://user:password@host:port/db, or …/db?host=/folder/of/the/socket."""
        self._options: dict[str, Any] = {
            "dsn": url.replace("postgresql+asyncpg://", "postgresql://", 1),
            "timeout": CONNECT_WITHIN.total_seconds(),
            "command_timeout": ANSWER_WITHIN.total_seconds(),
            "server_settings": {"application_name": client_name, "jit": "off"},
        }
        self._pool: Any = None

    async def open(self) -> None:
        """Make the pool; connects when it is first used."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(min_size=0, max_size=4, reset=_leave_as_is, **self._options)

    async def close(self) -> None:
        """Close every connection of the pool; waits at most a second for those in use."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(1):
                    await pool.close()
            except FAILURES:
                pool.terminate()

    async def dedicated(self) -> Any:
        """A new connection that is the caller's to close."""
        return await asyncpg.connect(**self._options)

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Any]:
        """A connection of the pool."""
        if self._pool is None:
            raise LogUnavailable("the log is not started, or closed")
        async with self._pool.acquire(timeout=CONNECT_WITHIN.total_seconds()) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[Any]:
        """A transaction on a connection of the pool; unless `durable`, a crash of the server may lose it."""
        async with self.borrowed() as connection, connection.transaction():
            if not durable:
                await connection.execute("SET LOCAL synchronous_commit = off")
            yield connection
