"""The accounts that have contracts: the lock of every change, and what was last said about their value."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.money import Money
from renewals.application.ports import AccountLedger
from renewals.domain.value import AccountValue
from renewals.store.tables import account


class AccountStore:
    """The accounts, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self, account_ids: Iterable[str]) -> Sequence[AccountLedger]:
        """Lock the accounts' rows in the order of their ids, making the missing ones; until the commit."""
        ids = sorted(set(account_ids))
        if not ids:
            return []
        missing = [{"account_id": account_id, "sequence": 0, "arr": []} for account_id in ids]
        await self._connection.execute(insert(account).on_conflict_do_nothing(), missing)
        rows = await self._connection.execute(
            select(account).where(account.c.account_id.in_(ids)).order_by(account.c.account_id).with_for_update()
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
