"""The operator's versioned documents: every version saved is kept, and none is ever changed."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.document_ports import StoredDocument

_COLUMNS = "kind, id, version, body::text AS body, digest, saved_at, saved_by"

_SAVE = text(
    "INSERT INTO health_score.document (kind, id, version, body, digest, saved_at, saved_by)"
    " VALUES (:kind, :id, :version, CAST(:body AS jsonb), :digest, :at, :by)"
)
_LATEST = text(
    f"SELECT {_COLUMNS} FROM health_score.document WHERE kind = :kind AND id = :id ORDER BY version DESC LIMIT 1"
)
_VERSION = text(f"SELECT {_COLUMNS} FROM health_score.document WHERE kind = :kind AND id = :id AND version = :version")
_VERSIONS = text(f"SELECT {_COLUMNS} FROM health_score.document WHERE kind = :kind AND id = :id ORDER BY version DESC")
_VERSIONS_BEFORE = text(
    f"SELECT {_COLUMNS} FROM health_score.document WHERE kind = :kind AND id = :id"
    " AND (CAST(:before AS int) IS NULL OR version < :before) ORDER BY version DESC LIMIT :limit"
)
_ALL = text(
    f"SELECT DISTINCT ON (id) {_COLUMNS} FROM health_score.document WHERE kind = :kind ORDER BY id, version DESC"
)
_DIGESTS = text(
    "SELECT DISTINCT ON (kind) kind, version, digest FROM health_score.document WHERE kind = ANY(:kinds)"
    " ORDER BY kind, version DESC"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('health_score.document'))")


class Documents:
    """The documents, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        """Be the only one to write documents, or to put them in force, until the transaction ends."""
        await self._connection.execute(_LOCK)

    async def save(
        self, kind: str, id_: str, body: Any, *, by: str, at: datetime, after_version: int = 0
    ) -> StoredDocument:
        """Save a document as its next version; the same as the latest one is not saved again. Answers what is kept.

        Versions up to `after_version` are taken by others.
        """
        await self.lock()  # two writers would take the same number
        document, digest = canonical(body)
        latest = await self.latest(kind, id_)
        if latest is not None and latest.digest == digest:
            return latest
        version = max(latest.version if latest else 0, after_version) + 1
        stored = StoredDocument(kind, id_, version, document, digest, at, by)
        await self._connection.execute(
            _SAVE,
            {
                "kind": kind,
                "id": id_,
                "version": version,
                "body": document.decode(),
                "digest": digest,
                "at": at,
                "by": by,
            },
        )
        return stored

    async def latest(self, kind: str, id_: str) -> StoredDocument | None:
        """The newest version of a document."""
        return _stored((await self._connection.execute(_LATEST, {"kind": kind, "id": id_})).one_or_none())

    async def version(self, kind: str, id_: str, version: int) -> StoredDocument | None:
        """One version of a document."""
        names = {"kind": kind, "id": id_, "version": version}
        return _stored((await self._connection.execute(_VERSION, names)).one_or_none())

    async def versions(self, kind: str, id_: str) -> Sequence[StoredDocument]:
        """Every version of a document, newest first."""
        rows = await self._connection.execute(_VERSIONS, {"kind": kind, "id": id_})
        return [stored for row in rows if (stored := _stored(row)) is not None]

    async def versions_before(self, kind: str, id_: str, before: int | None, limit: int) -> Sequence[StoredDocument]:
        """Up to `limit` versions of a document below a number, newest first."""
        names = {"kind": kind, "id": id_, "before": before, "limit": limit}
        rows = await self._connection.execute(_VERSIONS_BEFORE, names)
        return [stored for row in rows if (stored := _stored(row)) is not None]

    async def all(self, kind: str) -> Sequence[StoredDocument]:
        """The newest version of each document of a kind, by id."""
        rows = await self._connection.execute(_ALL, {"kind": kind})
        return [stored for row in rows if (stored := _stored(row)) is not None]

    async def digests(self, kinds: Collection[str]) -> Mapping[str, str]:
        """The digest of the newest version of each kind that has one document; kinds without one are left out."""
        rows = await self._connection.execute(_DIGESTS, {"kinds": sorted(kinds)})
        return {row.kind: f"{row.version} {row.digest}" for row in rows}


def canonical(body: Any) -> tuple[bytes, str]:
    """A document as JSON with sorted members, and its SHA-256 in hex: equal documents have equal digests."""
    document = msgspec.json.encode(body, order="sorted")
    return document, hashlib.sha256(document).hexdigest()


def _stored(row: Row[Any] | None) -> StoredDocument | None:
    if row is None:
        return None
    return StoredDocument(row.kind, row.id, row.version, row.body.encode(), row.digest, row.saved_at, row.saved_by)
