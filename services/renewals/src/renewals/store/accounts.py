"""The accounts that have contracts: the lock of every change, and what was last said about their value."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.money import Money
from renewals.application.ports import AccountLedger
from renewals.domain.value import AccountValue
from renewals.store.erasure import ErasureStore
from renewals.store.tables import account


class AccountStore:
    """The accounts, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def lock(self, account_ids: Iterable[str]) -> Sequence[AccountLedger]:
        """Lock the accounts' rows in the order of their ids, making the missing ones; until the commit.

        The erased are left out.
        """
        ids = sorted(set(account_ids))
        if not ids:
            return []
        known = set((await self._connection.execute(select(account.c.account_id).where(_among(ids)))).scalars())
        new = [account_id for account_id in ids if account_id not in known]
        erased = await self._erased.among(new)
        missing = [{"account_id": new_id, "sequence": 0, "arr": []} for new_id in new if new_id not in erased]
        if missing:
            await self._connection.execute(insert(account).on_conflict_do_nothing(), missing)
        rows = await self._connection.execute(
            select(account)
            .where(_among(ids), account.c.erased_at.is_(None))
            .order_by(account.c.account_id)
            .with_for_update()
        )
        return [
            AccountLedger(
                account_id=row.account_id,
                value=AccountValue(
                    arr=tuple(Money(Decimal(money["amount"]), money["currency"]) for money in row.arr),
                    seats=row.seats,
                    next_renewal_on=row.next_renewal_on,
                ),
                sequence=row.sequence,
            )
            for row in rows
        ]

    async def known(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of the accounts that have had contracts."""
        found = select(account.c.account_id).where(_among(sorted(account_ids)))
        return frozenset((await self._connection.execute(found)).scalars())

    async def save(self, ledgers: Sequence[AccountLedger]) -> None:
        """Keep what was said about the accounts' value."""
        if not ledgers:
            return
        change = (
            account.update()
            .where(account.c.account_id == bindparam("of"))
            .values({c: bindparam(c) for c in ("sequence", "arr", "seats", "next_renewal_on")})
        )
        rows = [
            {
                "of": ledger.account_id,
                "sequence": ledger.sequence,
                "arr": [{"amount": f"{m.amount:f}", "currency": m.currency} for m in ledger.value.arr],
                "seats": ledger.value.seats,
                "next_renewal_on": ledger.value.next_renewal_on,
            }
            for ledger in ledgers
        ]
        await self._connection.execute(change, rows)


def _among(ids: Sequence[str]) -> ColumnElement[bool]:
    return account.c.account_id.in_(ids)
