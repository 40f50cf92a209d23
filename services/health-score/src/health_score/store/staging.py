"""Where a batch of raw events lands first: a temporary table of the connection, filled by COPY.

Arrays would do without, but asyncpg asks each of their elements whether it is a list itself, which took a sixth of all
CPU time of consumption.
"""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.engine import copy_rows

STAGED: Final = "staged_event"

COLUMNS: Final = (
    "event_id",
    "source",
    "account_no",
    "user_no",
    "feature_no",
    "event",
    "occurred_at",
    "received_at",
    "properties",
)

_INSTANT: Final = "TIMESTAMPTZ 'epoch' + {} * INTERVAL '1 microsecond'"
STORED: Final = (
    *COLUMNS[:6],
    _INSTANT.format("occurred_at"),
    _INSTANT.format("received_at"),
    "convert_from(properties, 'UTF8')",
)
"""The columns as they are stored. Instants are staged as microseconds since 1970, which asyncpg encodes in a fifth of
the time, and properties as the bytes that came, which nobody decodes before."""

_EXISTS = text(f"SELECT to_regclass('pg_temp.{STAGED}') IS NOT NULL")

_CREATE = text(
    f"CREATE TEMPORARY TABLE {STAGED} (event_id text, source text, account_no integer, user_no integer,"
    " feature_no integer, event text, occurred_at bigint, received_at bigint, properties bytea)"
    " ON COMMIT DELETE ROWS"
)

_EMPTY = text(f"DELETE FROM pg_temp.{STAGED}")

_KNOWN: Final = "health_score.staged_event"


class Staging:
    """What one transaction stages; it goes with the transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._is_used = False

    async def put(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Put rows with `COLUMNS` in the place of what was staged before."""
        known = (await self._connection.get_raw_connection()).info
        if self._is_used:
            await self._connection.execute(_EMPTY)
        elif _KNOWN not in known:
            if (await self._connection.execute(_EXISTS)).scalar_one():
                known[_KNOWN] = True
            else:  # this transaction may roll back, so it is not remembered yet
                await self._connection.execute(_CREATE)
        self._is_used = True
        await copy_rows(self._connection, STAGED, COLUMNS, rows)
