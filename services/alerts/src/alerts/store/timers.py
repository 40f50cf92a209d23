"""Timers about one thing of an account: a snoozed alert, a playbook's run, the dates that start playbooks."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from alerts.application.ports import Subject
from mainstay.db.work import Transaction

SNOOZE_DUE: Final = "snooze"
PLAYBOOK_DUE: Final = "playbook"
ENDS_ACCOUNT: Final = "\n"


class TimerStore:
    """The timers, within one transaction. The instant is in the key: an event never moves a timer, it sets another."""

    def __init__(self, transaction: Transaction) -> None:
        self._due = transaction.due

    async def snoozes(self, alerts: Mapping[Subject, datetime]) -> None:
        """Look at snoozed alerts, (account, alert), at their instants."""
        await self._arm(SNOOZE_DUE, alerts.items())

    async def playbooks(self, things: Mapping[Subject, datetime]) -> None:
        """Look at runs, (account, run), or at the dates of accounts, (account, `dates`), at their instants."""
        await self._arm(PLAYBOOK_DUE, things.items())

    async def _arm(self, kind: str, things: Iterable[tuple[Subject, datetime]]) -> None:
        await self._due.arm_many(kind, [(_key(thing, at), at) for thing, at in things])


def thing_of(key: str) -> Subject:
    """What the timer with a key is about."""
    account_id, _, rest = key.rpartition(ENDS_ACCOUNT)
    return account_id, rest.rpartition(" ")[0]


def _key(thing: Subject, at: datetime) -> str:
    return f"{thing[0]}{ENDS_ACCOUNT}{thing[1]} {at.astimezone(UTC).isoformat()}"
