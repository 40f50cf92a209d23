"""Links to calendars, and what stands in them, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.agendas import CalendarLink, LinkUnknown, Recorded
from renewals.domain.contracts import Contract, Kind
from renewals.store.mapping import contract_in
from renewals.store.source_tables import calendar_link
from renewals.store.tables import account, account_group, contract, contract_revision, term

MOST_REVISIONS = 5_000
"""Former states that are looked at; a calendar of which more changed within weeks forgets some cancelled entries."""


class CalendarStore:
    """The links, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, link: CalendarLink) -> None:
        """Keep a link. Waits for others that are being made for the owner."""
        await self._connection.execute(text(f"LOCK TABLE {calendar_link} IN SHARE ROW EXCLUSIVE MODE"))
        row = {
            "id": link.id,
            "owner": link.owner,
            "secret_hash": link.secret_hash,
            "created_at": link.created_at,
            "created_by": link.created_by,
        }
        await self._connection.execute(calendar_link.insert().values(row))

    async def count(self, owner: str) -> int:
        """How many links an owner has."""
        counted = select(func.count()).select_from(calendar_link).where(calendar_link.c.owner == owner)
        return int((await self._connection.execute(counted)).scalar_one())

    async def get(self, link_id: str) -> CalendarLink:
        """One link. Raises `LinkUnknown`."""
        rows = await self._connection.execute(select(calendar_link).where(calendar_link.c.id == link_id))
        found = rows.mappings().first()
        if found is None:
            raise LinkUnknown
        return CalendarLink(**found)

    async def page(self, *, owner: str | None, after: str | None, limit: int) -> Sequence[CalendarLink]:
        """Up to `limit` links in the order of their ids, after the given one."""
        wanted = select(calendar_link).order_by(calendar_link.c.id).limit(limit)
        if owner is not None:
            wanted = wanted.where(calendar_link.c.owner == owner)
        if after is not None:
            wanted = wanted.where(calendar_link.c.id > after)
        return [CalendarLink(**row) for row in (await self._connection.execute(wanted)).mappings()]

    async def remove(self, link_id: str) -> bool:
        """Forget a link; whether there was one."""
        gone = await self._connection.execute(delete(calendar_link).where(calendar_link.c.id == link_id))
        return bool(gone.rowcount)

    async def contracts_of(self, owner: str, ends_after: date, *, limit: int) -> Sequence[Recorded]:
        """Contracts of the accounts that the owner has now, which end after a day; the soonest first."""
        group = account_group.c
        ever = select(group.account_id).where(group.owner == owner)
        last = (
            select(group.account_id, group.owner)
            .where(group.account_id.in_(ever))
            .ext(distinct_on(group.account_id))
            .order_by(group.account_id, group.sequence.desc())
            .subquery()
        )
        ends = select(func.max(term.c.end_exclusive)).where(term.c.contract_id == contract.c.id).scalar_subquery()
        wanted = (
            select(contract.c.id)
            .join(last, (last.c.account_id == contract.c.account_id) & (last.c.owner == owner))
            .where(
                contract.c.kind == Kind.RECURRING.value,
                exists().where(term.c.contract_id == contract.c.id, term.c.end_exclusive > ends_after),
                contract.c.account_id.not_in(select(account.c.account_id).where(account.c.erased_at.is_not(None))),
            )
            .order_by(ends, contract.c.id)
            .limit(limit)
        )
        ids = list((await self._connection.execute(wanted)).scalars())
        revision = contract_revision.c
        newest = (
            select(contract_revision)
            .where(revision.contract_id.in_(ids))
            .ext(distinct_on(revision.contract_id))
            .order_by(revision.contract_id, revision.number.desc())
        )
        rows = await self._connection.execute(newest)
        return [Recorded(contract_in(row.snapshot), row.number, row.recorded_at) for row in rows]

    async def formerly(self, contract_ids: Collection[str], since: datetime) -> Mapping[str, Sequence[Contract]]:
        """What contracts said at any time since an instant and do not any more, newest first."""
        revision = contract_revision.c
        changed = (
            select(
                revision.contract_id,
                func.min(revision.number).filter(revision.recorded_at >= since).label("first"),
                func.max(revision.number).label("newest"),
            )
            .where(revision.contract_id.in_(list(contract_ids)))
            .group_by(revision.contract_id)
            .subquery()
        )
        wanted = (
            select(revision.contract_id, revision.snapshot)
            .join(
                changed,
                (changed.c.contract_id == revision.contract_id)
                & (revision.number >= changed.c.first - 1)
                & (revision.number < changed.c.newest),
            )
            .order_by(revision.contract_id, revision.number.desc())
            .limit(MOST_REVISIONS)
        )
        found = defaultdict[str, list[Contract]](list)
        for row in await self._connection.execute(wanted):
            found[row.contract_id].append(contract_in(row.snapshot))
        return found
