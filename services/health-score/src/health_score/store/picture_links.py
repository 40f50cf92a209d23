"""Links to pictures: who made them, until when they open, and whether they were revoked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.pictures import Link

_ADD: Final = text(
    "INSERT INTO health_score.picture_link (link_id, account_no, created_at, created_by, expires_at)"
    " VALUES (:link_id, :account_no, :created_at, :created_by, :expires_at)"
)
_STANDING: Final = text(
    "SELECT link_id, created_at, created_by, expires_at FROM health_score.picture_link"
    " WHERE account_no = :account_no AND revoked_at IS NULL AND expires_at > :now ORDER BY created_at, link_id"
)
_REVOKE: Final = text(
    "UPDATE health_score.picture_link SET revoked_at = coalesce(revoked_at, :now)"
    " WHERE account_no = :account_no AND link_id = :link_id"
)
STANDS: Final = text(
    "SELECT EXISTS (SELECT FROM health_score.picture_link p JOIN health_score.account a USING (account_no)"
    " WHERE p.link_id = :link_id AND a.account_id = :account_id AND p.revoked_at IS NULL AND p.expires_at > :now)"
)


class PictureLinks:
    """The links, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, account_no: int, link: Link) -> None:
        """Keep a link."""
        await self._connection.execute(
            _ADD,
            {
                "link_id": link.link_id,
                "account_no": account_no,
                "created_at": link.created_at,
                "created_by": link.created_by,
                "expires_at": link.expires_at,
            },
        )

    async def standing(self, account_no: int, now: datetime) -> Sequence[Link]:
        """An account's links that stand, oldest first."""
        rows = await self._connection.execute(_STANDING, {"account_no": account_no, "now": now})
        return [Link(*row) for row in rows]

    async def revoke(self, account_no: int, link_id: str, now: datetime) -> bool:
        """End a link; False where the account has none of that id."""
        done = await self._connection.execute(_REVOKE, {"account_no": account_no, "link_id": link_id, "now": now})
        return bool(done.rowcount)
