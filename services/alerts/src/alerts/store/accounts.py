"""The projection of accounts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.domain.accounts import Account, Assignment
from alerts.store.erasure import ErasureStore
from alerts.store.tables import account
from mainstay.kernel.money import Money
from mainstay.service.subjects import ACCOUNT


class AccountStore:
    """Accounts, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def lock(self, account_ids: Iterable[str]) -> Mapping[str, Account]:
        """Lock the rows in sorted order, making those that are missing; the erased are left out."""
        asked_for = set(account_ids)
        if not asked_for:
            return {}
        known = await self._connection.execute(
            select(account.c.account_id).where(account.c.account_id == func.any(sorted(asked_for)))
        )
        # Only these are made: one that was there at this look and is not at the next was erased in between.
        new = asked_for.difference(known.scalars())
        made = sorted(new - await self._erased.among(ACCOUNT, new))
        if made:
            await self._connection.execute(
                text(f"INSERT INTO {account} (account_id) SELECT unnest(CAST(:ids AS text[])) ON CONFLICT DO NOTHING"),
                {"ids": made},
            )
        rows = await self._connection.execute(
            select(account)
            .where(account.c.account_id == func.any(sorted(asked_for)))
            .order_by(account.c.account_id)
            .with_for_update()
        )
        return {row.account_id: to_account(row) for row in rows}

    async def page(self, after: str, limit: int) -> Sequence[Account]:
        """Accounts by id, those behind `after`."""
        rows = await self._connection.execute(
            select(account).where(account.c.account_id > after).order_by(account.c.account_id).limit(limit)
        )
        return [to_account(row) for row in rows]

    async def known(self, account_ids: Collection[str]) -> Mapping[str, Account]:
        """Those of the accounts that are known; nothing is locked."""
        rows = await self._connection.execute(
            select(account).where(account.c.account_id == func.any(sorted(account_ids)), account.c.sequence > 0)
        )
        return {row.account_id: to_account(row) for row in rows}

    async def keep(self, accounts: Iterable[Account]) -> None:
        """Store records; one that is older than what is stored changes nothing."""
        rows = [_to_row(one) for one in sorted(accounts, key=lambda one: one.id)]
        if not rows:
            return
        statement = insert(account)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[account.c.account_id],
                set_={column.name: statement.excluded[column.name] for column in account.c if not column.primary_key},
                where=statement.excluded.sequence > account.c.sequence,
            ),
            rows,
        )


def to_account(row: Row[Any]) -> Account:
    """The account in a row."""
    return Account(
        id=row.account_id,
        sequence=row.sequence,
        name=row.name,
        owner=row.owner,
        tier=row.tier,
        zone=row.zone,
        arr=tuple(Money(Decimal(money["amount"]), money["currency"]) for money in row.arr),
        seats=row.seats,
        next_renewal_on=row.next_renewal_on,
        stage=row.stage,
        segment=row.segment,
        industry=row.industry,
        touch_every_days=row.touch_every_days,
        response_within_hours=row.response_within_hours,
        team=tuple(
            Assignment(
                each["role"],
                each["person"],
                date.fromisoformat(each["since"]),
                date.fromisoformat(each["until"]) if each["until"] else None,
            )
            for each in row.team
        ),
    )


def _to_row(one: Account) -> dict[str, Any]:
    return {
        "account_id": one.id,
        "sequence": one.sequence,
        "name": one.name,
        "owner": one.owner,
        "tier": one.tier,
        "zone": one.zone,
        "arr": [{"amount": str(money.amount), "currency": money.currency} for money in one.arr],
        "seats": one.seats,
        "next_renewal_on": one.next_renewal_on,
        "stage": one.stage,
        "segment": one.segment,
        "industry": one.industry,
        "touch_every_days": one.touch_every_days,
        "response_within_hours": dict(one.response_within_hours),
        "team": [
            {
                "role": each.role,
                "person": each.person,
                "since": each.since.isoformat(),
                "until": each.until.isoformat() if each.until else None,
            }
            for each in one.team
        ],
    }
