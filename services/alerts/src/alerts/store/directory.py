"""Versions of people, teams and routing."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.directory_ports import ROUTING, Kind, Version
from alerts.domain.people import Person, Team
from alerts.domain.routing import Routing
from alerts.store.people_tables import directory_version

FORMS: dict[Kind, Any] = {Kind.PERSON: Person, Kind.TEAM: Team, Kind.ROUTING: Routing}
"""What the body of each kind is made into."""


class StoredDirectory:
    """The directory, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def revision(self) -> int:
        """Another number whenever something was saved: versions are only ever added."""
        return int(await self._connection.scalar(select(func.max(directory_version.c.number))) or 0)

    async def lock(self) -> None:
        """Be the only one to save until the transaction ends; reading goes on."""
        await self._connection.execute(text(f"LOCK TABLE {directory_version} IN SHARE ROW EXCLUSIVE MODE"))

    async def newest(self) -> tuple[Sequence[Version[Person]], Sequence[Version[Team]]]:
        """The newest version of each person and team, those deleted included."""
        rows = (
            await self._connection.execute(
                select(directory_version)
                .ext(postgresql.distinct_on(directory_version.c.kind, directory_version.c.id))
                .where(directory_version.c.kind != Kind.ROUTING)
                .order_by(directory_version.c.kind, directory_version.c.id, directory_version.c.version.desc())
            )
        ).all()
        return (
            [_version(row) for row in rows if row.kind == Kind.PERSON],
            [_version(row) for row in rows if row.kind == Kind.TEAM],
        )

    async def routing(self) -> Version[Routing] | None:
        """The newest version of the routing."""
        return await self.latest(Kind.ROUTING, ROUTING)

    async def latest(self, kind: Kind, document_id: str) -> Version[Any] | None:
        """The newest version of one document."""
        found = await self.versions(kind, document_id, None, 1)
        return found[0] if found else None

    async def versions(self, kind: Kind, document_id: str, before: int | None, limit: int) -> Sequence[Version[Any]]:
        """Up to `limit` versions below a number, newest first."""
        statement = select(directory_version).where(
            directory_version.c.kind == kind, directory_version.c.id == document_id
        )
        if before is not None:
            statement = statement.where(directory_version.c.version < before)
        rows = await self._connection.execute(statement.order_by(directory_version.c.version.desc()).limit(limit))
        return [_version(row) for row in rows]

    async def add(self, kind: Kind, version: Version[Any]) -> None:
        """Save a version."""
        await self._connection.execute(
            insert(directory_version).values(
                kind=kind.value,
                id=version.id,
                version=version.version,
                body=None if version.what is None else msgspec.to_builtins(version.what),
                saved_at=version.saved_at,
                saved_by=version.saved_by,
                reason=version.reason,
            )
        )


def _version(row: Row[Any]) -> Version[Any]:
    what = None if row.body is None else msgspec.convert(row.body, FORMS[Kind(row.kind)])
    return Version(row.id, row.version, what, row.saved_at, row.saved_by, row.reason)
