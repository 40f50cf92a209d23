"""Bringing accounts up to date within a transaction: load, assess, write, say."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from health_score.application.announcing import announce
from health_score.application.ports import Work
from health_score.domain.account import Account
from health_score.domain.assessment import assess
from health_score.domain.bands import Standing
from health_score.domain.history import DAY
from health_score.domain.scorecard import Scorer

CLOSE = "close"
"""The timer of an account's midnight; its key is the account."""

REBUILD = "rebuild"
"""The timer that makes dirty closes again; its key is the account."""

DEBOUNCE = timedelta(seconds=1)
"""How long late events are gathered before their closes are made again."""

DEBOUNCE_OF_HISTORY = timedelta(seconds=3)
"""The same where more than `HISTORY` of closes is dirty: they cost more, and a file is still being sent."""

HISTORY = timedelta(days=60)

LONG = timedelta(days=120)
"""So many closes are made in a thread of their own, so that consumers go on meanwhile."""


class Assessor:
    """Assesses locked accounts and writes the results. One a process: it remembers scores by their values."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    async def __call__(
        self, work: Work, accounts: Sequence[Account], at: datetime, causes: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Make missing and dirty closes, the current value, and publish what changed.

        `causes` has the ids of the events behind it, by account; those that made closes dirty are known already.
        """
        if not accounts:
            return
        wanted = {account.number: account.days_needed_from(account.today(at)) for account in accounts}
        activity = await work.activity.since(wanted)
        assessed = []
        behind = {account.id: (*(causes or {}).get(account.id, ()), *account.dirty_by) for account in accounts}
        for account in accounts:
            standing = await self._standing(work, account)
            arguments = (account, activity[account.number], self._scorer, at, standing)
            first = account.first_open_day()
            if first is not None and account.today(at) - first > LONG:
                assessed.append((account, await asyncio.to_thread(assess, *arguments)))
            else:
                assessed.append((account, assess(*arguments)))
        await work.accounts.save_health(assessed, self._scorer.card, at)
        for account, assessment in assessed:
            work.publish(announce(account, assessment, self._scorer.card, at, behind[account.id]))

    @staticmethod
    async def _standing(work: Work, account: Account) -> Standing | None:
        first = account.first_open_day()
        if first is None or account.closed_through is None or first == account.closed_through + DAY:
            return account.standing
        return await work.closes.standing_before(account, first)


async def arm_rebuild(work: Work, accounts: Iterable[Account], at: datetime) -> None:
    """Have dirty accounts rebuilt soon, together with what is still coming for them."""
    due = []
    for account in accounts:
        if account.dirty_from is not None:
            is_history = account.today(at) - account.dirty_from > HISTORY
            due.append((account.id, at + (DEBOUNCE_OF_HISTORY if is_history else DEBOUNCE)))
    if due:
        await work.due.arm_many(REBUILD, due)
