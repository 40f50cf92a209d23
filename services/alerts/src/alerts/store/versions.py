"""Saved versions of documents, in a table of their own for each kind."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Table, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.documents import DocumentVersion


class StoredVersions:
    """The versions in one table, within one transaction."""

    def __init__(self, connection: AsyncConnection, table: Table) -> None:
        self._connection = connection
        self._table = table

    async def revision(self) -> int:
        """Another number whenever a version was saved: versions are only ever added."""
        return int(await self._connection.scalar(select(func.count()).select_from(self._table)) or 0)

    async def lock(self) -> None:
        """Be the only one to save until the transaction ends; reading goes on."""
        await self._connection.execute(text(f"LOCK TABLE {self._table} IN SHARE ROW EXCLUSIVE MODE"))

    async def newest(self) -> Sequence[DocumentVersion]:
        """The newest version of each document, by id."""
        columns = self._table.c
        rows = await self._connection.execute(
            select(self._table).ext(postgresql.distinct_on(columns.id)).order_by(columns.id, columns.version.desc())
        )
        return [_version(row) for row in rows]

    async def latest(self, document_id: str) -> DocumentVersion | None:
        """The newest version of one document."""
        found = await self.versions(document_id, None, 1)
        return found[0] if found else None

    async def version(self, document_id: str, version: int) -> DocumentVersion | None:
        """One version."""
        columns = self._table.c
        wanted = select(self._table).where(columns.id == document_id, columns.version == version)
        row = (await self._connection.execute(wanted)).one_or_none()
        return _version(row) if row is not None else None

    async def versions(self, document_id: str, before: int | None, limit: int) -> Sequence[DocumentVersion]:
        """Up to `limit` versions below a number, newest first."""
        columns = self._table.c
        statement = select(self._table).where(columns.id == document_id)
        if before is not None:
            statement = statement.where(columns.version < before)
        rows = await self._connection.execute(statement.order_by(columns.version.desc()).limit(limit))
        return [_version(row) for row in rows]

    async def add(self, version: DocumentVersion) -> None:
        """Save a version."""
        await self._connection.execute(
            insert(self._table).values(
                id=version.id,
                version=version.version,
                body=version.body,
                saved_at=version.saved_at,
                saved_by=version.saved_by,
                reason=version.reason,
            )
        )


def _version(row: Row[Any]) -> DocumentVersion:
    return DocumentVersion(row.id, row.version, row.body, row.saved_at, row.saved_by, row.reason)
