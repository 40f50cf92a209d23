"""Erasure in alerts' tables: everything about an account, deliveries that wait included."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.store.tables import (
    HISTORY,
    account,
    alert,
    attempt,
    delivery,
    kit,
    notification,
    observation,
    replay,
    transition,
)
from mainstay.service.erased import ErasedSubjects
from mainstay.service.subjects import ACCOUNT, Subjects

_NOTIFICATIONS: Final = f"SELECT id FROM {notification} WHERE account_id = :account"
_DELIVERIES: Final = f"SELECT id FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS})"
_ALERTS: Final = f"SELECT id FROM {alert} WHERE account_id = :account"
# In the order of their references. A delivery on its way is deleted too: whoever sends it finds nothing to settle.
_DELETE: Final = (
    f"DELETE FROM {attempt} WHERE delivery_id IN ({_DELIVERIES})",
    f"DELETE FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS})",
    f"DELETE FROM {notification} WHERE account_id = :account",
    f"DELETE FROM {transition} WHERE alert_id IN ({_ALERTS})",
    f"DELETE FROM {alert} WHERE account_id = :account",
    f"DELETE FROM {observation} WHERE account_id = :account",
    f"DELETE FROM {replay} WHERE wanted ->> 'account_id' = :account",
    f"DELETE FROM {account} WHERE account_id = :account",
)


class ErasureStore:
    """The erased, and the erasing, within one transaction."""

    def __init__(self, connection: AsyncConnection, subjects: Subjects) -> None:
        self._connection = connection
        self._erased = ErasedSubjects(connection, HISTORY.schema, subjects)
        self.remember = self._erased.remember
        self.lift = self._erased.lift
        self.among = self._erased.among

    async def erase_account(self, subject: str) -> int:
        """Delete the account, its observations, alerts, notifications and deliveries; answers how many rows."""
        rows = 0
        for account_id in await self._erased.find(ACCOUNT, subject, f"{account}", "account_id"):
            locked = text(f"SELECT FROM {account} WHERE account_id = :account FOR UPDATE")
            await self._connection.execute(locked, {"account": account_id})
            for statement in _DELETE:
                rows += (await self._connection.execute(text(statement), {"account": account_id})).rowcount
            rows += await self._erased.forget_refused(kit.outbox, account_id)
        return rows
