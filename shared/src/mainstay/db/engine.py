"""The way to PostgreSQL: one pool a process, and COPY inside its transactions."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Table, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

CONNECT_WITHIN = timedelta(seconds=5)
COMMAND_WITHIN = timedelta(seconds=60)
IDLE_IN_TRANSACTION = timedelta(seconds=30)
"""After this time the server ends the session of a process that was stopped inside a transaction, with its locks."""


def sqlalchemy_url(url: str) -> URL:
    """A postgresql:// URL for SQLAlchemy's asyncpg dialect. `?host=/folder` (a Unix socket) and `?port=` are kept."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def asyncpg_dsn(url: str) -> str:
    """The same URL for asyncpg itself, with the password in clear."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Database:
    """A pool of connections to the one database; the first is made when first used.

    `pool_size` bounds the connections; who finds none free waits.
    """

    def __init__(
        self, url: str, *, application_name: str, pool_size: int = 5, command_within: timedelta = COMMAND_WITHIN
    ) -> None:
        self.url = url
        self.application_name = application_name
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=10,
            json_serializer=lambda value: msgspec.json.encode(value).decode(),
            json_deserializer=msgspec.json.decode,
            connect_args={
                "timeout": CONNECT_WITHIN.total_seconds(),
                "command_timeout": command_within.total_seconds(),
                "server_settings": {
                    "application_name": application_name,
                    "jit": "off",
                    "idle_in_transaction_session_timeout": str(int(IDLE_IN_TRANSACTION.total_seconds() * 1000)),
                },
            },
        )

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()

    async def healthy(self) -> str | None:
        """None when the database answers, else the reason in one line."""
        try:
            async with self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return f"the database does not answer: {type(error).__name__}"
        return None


async def copy_rows(
    connection: AsyncConnection, table: Table | str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """COPY rows into a table, inside the connection's transaction. Values of jsonb columns are JSON text.

    Raises asyncpg's own errors, not SQLAlchemy's.
    """
    driver, schema, name = await _copying(connection, table)
    await driver.copy_records_to_table(name, schema_name=schema, columns=columns, records=rows)


async def copy_binary(
    connection: AsyncConnection, table: Table | str, columns: Sequence[str], chunks: Iterable[bytes]
) -> None:
    """The same of rows in PostgreSQL's binary COPY format, from its signature to its trailer, in pieces of any size."""
    driver, schema, name = await _copying(connection, table)
    await driver.copy_to_table(name, schema_name=schema, columns=columns, source=_each(chunks), format="binary")


async def _copying(connection: AsyncConnection, table: Table | str) -> tuple[Any, str | None, str]:
    """The connection of asyncpg, and the table's schema and name.

    SQLAlchemy begins its transaction with the first statement of its own; a COPY before that would survive the
    rollback, so one is executed first where none was.
    """
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if not driver.is_in_transaction():
        await connection.execute(text("SELECT 1"))
    if isinstance(table, Table):
        return driver, table.schema, table.name
    schema, _, name = table.rpartition(".")
    return driver, schema or None, name


async def _each(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
