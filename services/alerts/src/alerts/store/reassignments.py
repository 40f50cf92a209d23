"""Reassignments and their timers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, func, insert, select, tuple_, update

from alerts.application.reading import After
from alerts.domain.accounts import Account
from alerts.domain.reassignments import Move, Reassignment, ReassignmentUnknown
from alerts.domain.routing import Match
from alerts.store.accounts import to_account
from alerts.store.people_tables import reassignment
from alerts.store.tables import account, alert
from mainstay.db.work import Transaction

REASSIGN_DUE: Final = "reassign"
"""The kind of the timer. Its key is the reassignment's id."""


class ReassignmentStore:
    """Reassignments, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._due = transaction.due

    async def begin(self, new: Reassignment, at: datetime) -> None:
        """Store a new one, and arm its timer."""
        await self._connection.execute(
            insert(reassignment).values(
                id=new.id,
                created_at=new.created_at,
                created_by=new.created_by,
                reason=new.reason,
                effective_on=new.effective_on,
                moves=msgspec.to_builtins(new.moves),
                moved=new.moved,
                finished_at=new.finished_at,
            )
        )
        await self._due.arm(REASSIGN_DUE, new.id, at)

    async def lock(self, reassignment_id: str) -> Reassignment:
        """One reassignment, locked. Raises `ReassignmentUnknown`."""
        row = (
            await self._connection.execute(
                select(reassignment).where(reassignment.c.id == reassignment_id).with_for_update()
            )
        ).one_or_none()
        if row is None:
            raise ReassignmentUnknown(reassignment_id)
        return _to_reassignment(row)

    async def save(self, changed: Reassignment) -> None:
        """Store how far one is."""
        await self._connection.execute(
            update(reassignment)
            .where(reassignment.c.id == changed.id)
            .values(moved=changed.moved, finished_at=changed.finished_at)
        )

    async def page(self, after: After | None, limit: int) -> Sequence[Reassignment]:
        """Reassignments, the newest first."""
        statement = select(reassignment).order_by(reassignment.c.created_at.desc(), reassignment.c.id.desc())
        if after is not None:
            statement = statement.where(tuple_(reassignment.c.created_at, reassignment.c.id) < after)
        return [_to_reassignment(row) for row in await self._connection.execute(statement.limit(limit))]

    async def open_alerts(self, account_ids: Collection[str]) -> Mapping[str, int]:
        """How many alerts of each account are open."""
        rows = await self._connection.execute(
            select(alert.c.account_id, func.count().label("open"))
            .where(alert.c.account_id == func.any(sorted(account_ids)), alert.c.state != "resolved")
            .group_by(alert.c.account_id)
        )
        return {row.account_id: row.open for row in rows}

    async def matching(self, match: Match, limit: int) -> Sequence[Account]:
        """Accounts that are meant, by id; of a match only what says something about accounts counts."""
        statement = select(account).where(account.c.sequence > 0).order_by(account.c.account_id).limit(limit)
        for column, values in (
            (account.c.account_id, match.accounts),
            (account.c.owner, match.owners),
            (account.c.tier, match.tiers),
            (account.c.segment, match.segments),
            (account.c.stage, match.stages),
        ):
            if values:
                statement = statement.where(column == func.any(sorted(values)))
        return [to_account(row) for row in await self._connection.execute(statement)]


def _to_reassignment(row: Row[Any]) -> Reassignment:
    return Reassignment(
        id=row.id,
        moves=tuple(msgspec.convert(row.moves, list[Move])),
        effective_on=row.effective_on,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
        moved=row.moved,
        finished_at=row.finished_at,
    )
