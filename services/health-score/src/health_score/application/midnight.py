"""What time does to accounts: the close of their days, and the rebuild of closes that late events changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from health_score.application.assessing import CLOSE, Assessor
from health_score.application.customs import count_anew
from health_score.application.ports import Work
from health_score.domain.account import Account
from health_score.domain.history import DAY
from mainstay.kernel.clock import Clock


class CloseDays:
    """Close accounts' days at their midnights; after downtime all days missed, late. Silence is found here."""

    def __init__(self, assessor: Assessor, clock: Clock) -> None:
        self._assess = assessor
        self._clock = clock

    async def __call__(self, work: Work, account_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Close what is open of these accounts; answers each one's next midnight."""
        at = self._clock.now()
        accounts = await work.accounts.lock(account_ids)
        for account in accounts.values():
            await form_days_anew(work, account, at)
        await self._assess(work, list(accounts.values()), at)
        await work.accounts.save(accounts.values())
        return {account.id: account.next_close(at) for account in accounts.values()}


class Rebuild:
    """Make an account's closes again from its first dirty day on, and its current value with them."""

    def __init__(self, assessor: Assessor, clock: Clock) -> None:
        self._assess = assessor
        self._clock = clock

    async def __call__(self, work: Work, account_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Rebuild these accounts, where they are dirty still; none goes on."""
        at = self._clock.now()
        accounts = await work.accounts.lock(account_ids)
        dirty = [account for account in accounts.values() if account.dirty_from is not None]
        moved = [account for account in dirty if account.regroup]
        for account in moved:
            await form_days_anew(work, account, at)
        await self._assess(work, dirty, at)
        for account in moved:  # its midnight is another one now
            await work.due.set(CLOSE, account.id, account.next_close(at))
        await work.accounts.save(dirty)
        return {}


class MakeRoom:
    """Create the partitions of raw events ahead of their weeks."""

    EVERY = DAY

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work, keys: Sequence[str]) -> Mapping[str, datetime]:
        """Create what is missing; goes on every day."""
        at = self._clock.now()
        await work.events.create_weeks(at)
        return dict.fromkeys(keys, at + self.EVERY)


async def form_days_anew(work: Work, account: Account, at: datetime) -> None:
    """After a change of zone: the account's days of use from its raw events, and no closes outside its life."""
    if not account.regroup:
        return
    days = await work.events.regroup(account)
    await work.activity.replace(account, days)
    await count_anew(work, account)
    account.live_through(days)
    if account.first_day is not None:
        await work.closes.keep_only(account, account.first_day, account.today(at) - DAY)
