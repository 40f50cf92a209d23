"""Timers of playbooks: a run's, and those of the dates of an account that start playbooks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from alerts.application.ports import Subject
from alerts.store.looks import ENDS_ACCOUNT
from alerts.store.tables import account, kit
from mainstay.db.work import Transaction

PLAYBOOK_DUE: Final = "playbook"


class TimerStore:
    """The timers, within one transaction. The instant is in the key: an event never moves a timer, it sets another."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._due = transaction.due

    async def dates_of_all(self, at: datetime) -> None:
        """Look at the dates of every account."""
        await self._connection.execute(
            text(
                f"INSERT INTO {kit.due} (kind, key, due_at, payload)"
                " SELECT CAST(:kind AS text), account_id || CAST(:mark AS text) || 'dates ' || CAST(:at_text AS text),"
                f" CAST(:at AS timestamptz), CAST('{{}}' AS jsonb) FROM {account} ON CONFLICT DO NOTHING"
            ),
            {"kind": PLAYBOOK_DUE, "mark": ENDS_ACCOUNT, "at": at, "at_text": at.astimezone(UTC).isoformat()},
        )

    async def playbooks(self, things: Mapping[Subject, datetime]) -> None:
        """Look at runs, (account, run), or at the dates of accounts, (account, `dates`), at their instants."""
        await self._due.arm_many(PLAYBOOK_DUE, [(_key(thing, at), at) for thing, at in things.items()])


def thing_of(key: str) -> Subject:
    """What the timer with a key is about."""
    account_id, _, rest = key.rpartition(ENDS_ACCOUNT)
    return account_id, rest.rpartition(" ")[0]


def _key(thing: Subject, at: datetime) -> str:
    return f"{thing[0]}{ENDS_ACCOUNT}{thing[1]} {at.astimezone(UTC).isoformat()}"
