"""Silences, and the record of what was muted."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.people_ports import MuteOnRecord
from alerts.domain.routing import Match
from alerts.domain.silences import Silence, SilenceUnknown
from alerts.store.people_tables import mute, silence


class SilenceStore:
    """Silences, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Silence) -> None:
        """Store a new silence."""
        values = {name: getattr(new, name) for name in asdict(new) if name != "match"}
        await self._connection.execute(insert(silence).values(matchers=msgspec.to_builtins(new.match), **values))

    async def active(self, now: datetime) -> Sequence[Silence]:
        """Those that mute at an instant."""
        rows = await self._connection.execute(
            select(silence).where(silence.c.starts_at <= now, silence.c.ends_at > now)
        )
        return [to_silence(row) for row in rows]

    async def lock(self, silence_id: str) -> Silence:
        """One silence, locked. Raises `SilenceUnknown`."""
        row = (
            await self._connection.execute(select(silence).where(silence.c.id == silence_id).with_for_update())
        ).one_or_none()
        if row is None:
            raise SilenceUnknown(silence_id)
        return to_silence(row)

    async def end(self, silence_id: str, at: datetime, by: str) -> None:
        """A silence ends at an instant."""
        await self._connection.execute(
            update(silence).where(silence.c.id == silence_id).values(ends_at=at, ended_by=by)
        )

    async def page(self, *, ended: bool | None, now: datetime, after: Any, limit: int) -> Sequence[Silence]:
        """Silences, the newest first; those that are over, those that are not, or (None) all."""
        statement = select(silence).order_by(silence.c.created_at.desc(), silence.c.id.desc()).limit(limit)
        if ended is not None:
            statement = statement.where(silence.c.ends_at <= now if ended else silence.c.ends_at > now)
        if after is not None:
            statement = statement.where(tuple_(silence.c.created_at, silence.c.id) < after)
        return [to_silence(row) for row in await self._connection.execute(statement)]

    async def remember(self, mutes: Iterable[MuteOnRecord]) -> None:
        """Put on record why somebody was not told."""
        rows = [asdict(one) for one in mutes]
        if rows:
            await self._connection.execute(insert(mute), rows)


def to_silence(row: Row[Any]) -> Silence:
    """The silence in a row."""
    return Silence(
        id=row.id,
        match=msgspec.convert(row.matchers, Match),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
        ended_by=row.ended_by,
    )
