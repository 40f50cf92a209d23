"""Sources and tracking plans in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.domain.policy import Action
from ingest.domain.sources import PlannedEvent, Source, SourceSettings, VersionDiffers
from mainstay.db.engine import Database
from mainstay.db.work import Transactions
from mainstay.web.keys import list_keys

_PLANNED = "source_id, event, action, schema, version, updated_at, updated_by"


class SourceStore:
    """What the application calls `Sources` and `Plans`."""

    def __init__(self, database: Database, transactions: Transactions) -> None:
        self._database, self._transactions = database, transactions

    async def revision(self) -> int:
        """A number that moves with each change of a source or a plan."""
        async with self._database.engine.connect() as connection:
            return await _revision(connection)

    async def everything(self) -> tuple[int, Sequence[Source], Sequence[PlannedEvent]]:
        """All sources and plans, and the revision at which they stood."""
        async with self._database.engine.connect() as connection:
            revision = await _revision(connection)  # first: a change in between is read again
            sources = await connection.execute(text("SELECT * FROM ingest.source"))
            planned = await connection.execute(text(f"SELECT {_PLANNED} FROM ingest.planned_event"))
            return revision, [_source(row) for row in sources], [_planned(row) for row in planned]

    async def labels(self) -> Mapping[str, bool]:
        """Every source that is described, named by a key in force or seen; and whether it is described."""
        keyed = {key.source for key in await list_keys(self._database) if key.revoked_at is None}
        async with self._database.engine.connect() as connection:
            seen = set((await connection.execute(text("SELECT source_id FROM ingest.seen_source"))).scalars())
            described = set((await connection.execute(text("SELECT source_id FROM ingest.source"))).scalars())
        return {label: label in described for label in keyed | seen | described}

    async def sources(self, ids: Sequence[str]) -> Mapping[str, Source]:
        """Those of the sources that are described."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT * FROM ingest.source WHERE source_id = ANY(:ids)"), {"ids": list(ids)}
            )
            return {row.source_id: _source(row) for row in rows}

    async def replace(
        self, source_id: str, settings: SourceSettings, *, expected: int | None, at: datetime, by: str
    ) -> Source:
        """Describe a source anew; `expected` is the version that is to be replaced. Raises `VersionDiffers`."""
        async with self._transactions() as tx:
            await _move(tx.connection)
            before = await tx.connection.scalar(
                text("SELECT version FROM ingest.source WHERE source_id = :id"), {"id": source_id}
            )
            if expected is not None and expected != before:
                raise VersionDiffers(before)
            rows = await tx.connection.execute(
                text(
                    "INSERT INTO ingest.source AS s (source_id, settings, version, updated_at, updated_by)"
                    " VALUES (:id, CAST(:settings AS jsonb), 1, :at, :by) ON CONFLICT (source_id) DO UPDATE SET"
                    " settings = excluded.settings, version = s.version + 1, updated_at = excluded.updated_at,"
                    " updated_by = excluded.updated_by RETURNING *"
                ),
                {"id": source_id, "settings": msgspec.json.encode(settings).decode(), "at": at, "by": by},
            )
            return _source(rows.one())

    async def planned(self, source_id: str, event: str) -> PlannedEvent | None:
        """One event of a plan."""
        async with self._database.engine.connect() as connection:
            row = (
                await connection.execute(
                    text(f"SELECT {_PLANNED} FROM ingest.planned_event WHERE source_id = :id AND event = :event"),
                    {"id": source_id, "event": event},
                )
            ).one_or_none()
        return None if row is None else _planned(row)

    async def plan_page(
        self, source_id: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> Sequence[PlannedEvent]:
        """Planned events by (source, event), after one of them."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    f"SELECT {_PLANNED} FROM ingest.planned_event"
                    " WHERE (CAST(:id AS text) IS NULL OR source_id = :id)"
                    " AND (source_id, event) > (:after_source, :after_event) ORDER BY source_id, event LIMIT :limit"
                ),
                {
                    "id": source_id,
                    "after_source": after[0] if after else "",
                    "after_event": after[1] if after else "",
                    "limit": limit,
                },
            )
            return [_planned(row) for row in rows]

    async def plan(
        self,
        source_id: str,
        event: str,
        action: Action,
        schema: Mapping[str, Any],
        *,
        expected: int | None,
        at: datetime,
        by: str,
    ) -> PlannedEvent:
        """Put an event into a plan, or replace it there. Raises `VersionDiffers`."""
        async with self._transactions() as tx:
            await _move(tx.connection)
            before = await tx.connection.scalar(
                text("SELECT version FROM ingest.planned_event WHERE source_id = :id AND event = :event"),
                {"id": source_id, "event": event},
            )
            if expected is not None and expected != before:
                raise VersionDiffers(before)
            rows = await tx.connection.execute(
                text(
                    f"INSERT INTO ingest.planned_event AS p ({_PLANNED})"
                    " VALUES (:id, :event, :action, CAST(:schema AS jsonb), 1, :at, :by)"
                    " ON CONFLICT (source_id, event) DO UPDATE SET action = excluded.action,"
                    " schema = excluded.schema, version = p.version + 1, updated_at = excluded.updated_at,"
                    f" updated_by = excluded.updated_by RETURNING {_PLANNED}"
                ),
                {
                    "id": source_id,
                    "event": event,
                    "action": action.value,
                    "schema": msgspec.json.encode(schema).decode(),
                    "at": at,
                    "by": by,
                },
            )
            return _planned(rows.one())

    async def unplan(self, source_id: str, event: str) -> bool:
        """Take an event out of a plan; False where it was not in it."""
        async with self._transactions() as tx:
            await _move(tx.connection)
            gone = await tx.connection.execute(
                text("DELETE FROM ingest.planned_event WHERE source_id = :id AND event = :event"),
                {"id": source_id, "event": event},
            )
            return bool(gone.rowcount)

    async def count_planned(self, source_id: str) -> int:
        """How many events the plan of a source has."""
        async with self._database.engine.connect() as connection:
            found: int = await connection.scalar(
                text("SELECT count(*) FROM ingest.planned_event WHERE source_id = :id"), {"id": source_id}
            )
            return found


async def _revision(connection: AsyncConnection) -> int:
    found: int = (await connection.execute(text("SELECT revision FROM ingest.policy_revision"))).scalar_one()
    return found


async def _move(connection: AsyncConnection) -> None:
    """Move the revision; its row also keeps changes one after the other."""
    await connection.execute(text("UPDATE ingest.policy_revision SET revision = revision + 1"))


def _source(row: Row[Any]) -> Source:
    settings = msgspec.convert(row.settings, SourceSettings)
    return Source(row.source_id, settings, row.version, row.updated_at, row.updated_by)


def _planned(row: Row[Any]) -> PlannedEvent:
    return PlannedEvent(
        row.source_id,
        row.event,
        Action(row.action),
        row.schema,
        row.version,
        row.updated_at,
        row.updated_by,
    )
