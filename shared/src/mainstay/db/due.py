"""Durable timers: rows that are due at an instant. `mainstay.db.due_runner` does what they say."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.tables import KitTables


class Due:
    """The timers, within one transaction."""

    def __init__(self, connection: AsyncConnection, tables: KitTables) -> None:
        self._connection = connection
        self._due = tables.due

    async def arm(self, kind: str, key: str, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Arm a timer unless it is armed; an armed one keeps its instant and payload."""
        await self._insert(kind, [(key, at)], payload)

    async def arm_many(self, kind: str, items: Iterable[tuple[str, datetime]]) -> None:
        """Arm each (key, instant) unless armed."""
        await self._insert(kind, sorted(dict(items).items()), None)

    async def set(self, kind: str, key: str, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Arm a timer, or move it. Waits for a runner that has it in hand."""
        await self._connection.execute(
            text(
                f"INSERT INTO {self._due} (kind, key, due_at, payload)"
                " VALUES (:kind, :key, :at, CAST(:payload AS jsonb)) ON CONFLICT (kind, key) DO UPDATE"
                " SET due_at = excluded.due_at, payload = excluded.payload, attempts = 0"
            ),
            {"kind": kind, "key": key, "at": at, "payload": _json(payload)},
        )

    async def cancel(self, kind: str, key: str) -> None:
        """Disarm a timer, armed or not. Waits for a runner that has it in hand."""
        await self._connection.execute(
            text(f"DELETE FROM {self._due} WHERE kind = :kind AND key = :key"), {"kind": kind, "key": key}
        )

    async def _insert(
        self, kind: str, items: Sequence[tuple[str, datetime]], payload: Mapping[str, Any] | None
    ) -> None:
        if not items:
            return
        await self._connection.execute(
            text(
                f"INSERT INTO {self._due} (kind, key, due_at, payload)"
                " SELECT CAST(:kind AS text), key, due_at, CAST(:payload AS jsonb)"
                " FROM unnest(CAST(:keys AS text[]), CAST(:instants AS timestamptz[])) AS t (key, due_at)"
                " ON CONFLICT DO NOTHING"
            ),
            {
                "kind": kind,
                "payload": _json(payload),
                "keys": [key for key, _ in items],
                "instants": [at for _, at in items],
            },
        )


def _json(payload: Mapping[str, Any] | None) -> str:
    return msgspec.json.encode(payload or {}).decode()
