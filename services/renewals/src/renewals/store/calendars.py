"""Links to calendars, and what calendars were told, in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.agendas import CalendarLink, LinkUnknown
from renewals.domain.agenda import Entry, Told, shows_after
from renewals.store.source_tables import calendar_entry, calendar_link


class CalendarStore:
    """The links, and what calendars were told, within one transaction."""

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

    async def told(self, contract_ids: Collection[str], now: datetime) -> Sequence[Told]:
        """What calendars show of contracts."""
        wanted = select(calendar_entry).where(calendar_entry.c.contract_id.in_(contract_ids), _is_shown(now))
        return [_told(row) for row in await self._connection.execute(wanted)]

    async def told_to(self, owner: str, now: datetime, *, limit: int) -> Sequence[Told]:
        """What an owner's calendar shows of up to `limit` contracts, by contract and day.

        Contracts whose last entry that stands comes soonest are first, those without any are last.
        """
        entry = calendar_entry.c
        is_theirs = and_(entry.owner == owner, _is_shown(now))
        ends = func.max(entry.day).filter(~entry.is_off)
        contracts = select(entry.contract_id).where(is_theirs).group_by(entry.contract_id)
        soonest = contracts.order_by(ends.nulls_last(), entry.contract_id).limit(limit)
        wanted = select(calendar_entry).where(is_theirs, entry.contract_id.in_(soonest))
        order = (entry.contract_id, entry.day, entry.term, entry.name)
        return [_told(row) for row in await self._connection.execute(wanted.order_by(*order))]

    async def tell(self, changes: Sequence[Told]) -> None:
        """From now on calendars say so, in place of what they said of the same entry to the same owner."""
        statement = insert(calendar_entry)
        statement = statement.on_conflict_do_update(
            index_elements=list(calendar_entry.primary_key),
            set_={
                column.name: statement.excluded[column.name] for column in calendar_entry.c if not column.primary_key
            },
        )
        await self._connection.execute(statement, [_row(each) for each in changes])

    async def forget(self, now: datetime, *, most: int) -> int:
        """Forget up to `most` entries that no calendar shows any more; answers how many."""
        key = tuple_(*calendar_entry.primary_key)
        # What a look is telling anew is left to it: neither waits for the other.
        old = select(*calendar_entry.primary_key).where(~_is_shown(now)).limit(most).with_for_update(skip_locked=True)
        return (await self._connection.execute(delete(calendar_entry).where(key.in_(old)))).rowcount


def _is_shown(now: datetime) -> ColumnElement[bool]:
    entry, (since, last_past) = calendar_entry.c, shows_after(now)
    return or_(entry.changed_at > since, and_(~entry.is_off, entry.day > last_past))


def _row(told: Told) -> dict[str, Any]:
    entry = told.entry
    return {
        "contract_id": entry.contract_id,
        "term": entry.term,
        "name": entry.name,
        "owner": entry.owner,
        "day": entry.day,
        "is_off": entry.is_off,
        "sequence": told.sequence,
        "changed_at": told.changed_at,
    }


def _told(row: Row[Any]) -> Told:
    entry = Entry(row.contract_id, row.term, row.name, row.owner, row.day, row.is_off)
    return Told(entry, row.sequence, row.changed_at)
